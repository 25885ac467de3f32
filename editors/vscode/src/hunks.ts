// Hunks that wait for a decision, shown where they are: in the text, in the margin, in a hover.

import * as vscode from 'vscode';

import type { Hunk } from './protocol';
import { type Reviews, type Waiting } from './reviews';
import { asDiff, glances } from './texts';

/** The most characters of new text that are shown at the end of a line. */
const GLANCE = 80;

const color = (id: string): vscode.ThemeColor => new vscode.ThemeColor(id);

export function rangeOf({ range: { start, end } }: Pick<Hunk, 'range'>): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

export class HunkDisplay implements vscode.Disposable {
  /** The lines of a hunk. */
  private readonly lines = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderStyle: 'solid',
    borderWidth: '0 0 0 2px',
    borderColor: color('editorGutter.modifiedBackground'),
    overviewRulerColor: color('editorOverviewRuler.modifiedForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly conflicts = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderStyle: 'dashed',
    borderWidth: '0 0 0 2px',
    borderColor: color('editorWarning.foreground'),
    overviewRulerColor: color('editorOverviewRuler.warningForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  /** Text that would go. */
  private readonly going = vscode.window.createTextEditorDecorationType({
    backgroundColor: color('diffEditor.removedTextBackground'),
  });
  /** Text that would come, at the end of the line that it comes after. */
  private readonly coming = vscode.window.createTextEditorDecorationType({
    after: { color: color('editorCodeLens.foreground'), margin: '0 0 0 2em' },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly disposables: { dispose(): void }[];

  constructor(private readonly reviews: Reviews) {
    this.disposables = [
      this.lines,
      this.conflicts,
      this.going,
      this.coming,
      reviews.changed.on(() => this.showAll()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.showAll()),
      vscode.window.onDidChangeActiveTextEditor(() => this.tellContext()),
    ];
  }

  /** The hunks of a document, in the order of their places. */
  in(document: vscode.TextDocument): Waiting[] {
    const uri = document.uri.toString();
    return this.reviews.within((other) => vscode.Uri.parse(other).toString() === uri);
  }

  private showAll(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      this.show(editor);
    }
    this.tellContext();
  }

  /** Tells menus and keys what waits. */
  private tellContext(): void {
    const editor = vscode.window.activeTextEditor;
    const here = editor !== undefined && this.in(editor.document).length > 0;
    void vscode.commands.executeCommand('setContext', 'pleach.pending', this.reviews.count() > 0);
    void vscode.commands.executeCommand('setContext', 'pleach.pendingHere', here);
  }

  private show(editor: vscode.TextEditor): void {
    const { document } = editor;
    const lines: vscode.DecorationOptions[] = [];
    const conflicts: vscode.DecorationOptions[] = [];
    const going: vscode.DecorationOptions[] = [];
    const coming: vscode.DecorationOptions[] = [];
    for (const waiting of this.in(document)) {
      const { hunk } = waiting;
      if (hunk.state === 'there') {
        continue;
      }
      const range = document.validateRange(rangeOf(hunk));
      const hover = { range, hoverMessage: this.hover(document, waiting) };
      (hunk.state === 'conflict' ? conflicts : lines).push(hover);
      const edits = hunk.edits ?? [];
      for (const edit of edits) {
        const place = document.validateRange(rangeOf(edit));
        if (!place.isEmpty) {
          going.push({ range: place });
        }
      }
      for (const { line, text } of edits.length === 0 ? [] : glances(document.getText(), edits)) {
        const end = document.validateRange(new vscode.Range(line, 0, line, Number.MAX_SAFE_INTEGER)).end;
        const contentText = `→ ${text.length > GLANCE ? `${text.slice(0, GLANCE)}…` : text}`;
        coming.push({ range: new vscode.Range(end, end), renderOptions: { after: { contentText } } });
      }
    }
    editor.setDecorations(this.lines, lines);
    editor.setDecorations(this.conflicts, conflicts);
    editor.setDecorations(this.going, going);
    editor.setDecorations(this.coming, coming);
  }

  private hover(document: vscode.TextDocument, { review, hunk }: Waiting): vscode.MarkdownString {
    const text = new vscode.MarkdownString(undefined, true);
    text.isTrusted = {
      enabledCommands: ['pleach.hunk.accept', 'pleach.hunk.reject', 'pleach.hunk.compare', 'pleach.hunk.resolve'],
    };
    if (hunk.edits !== undefined && hunk.edits.length > 0) {
      text.appendCodeblock(asDiff(document.getText(), hunk.edits), 'diff');
    }
    const which = encodeURIComponent(JSON.stringify([{ review: review.review, hunk: hunk.hunk }]));
    const link = (title: string, command: string): string => `[${title}](command:pleach.hunk.${command}?${which})`;
    const first = hunk.state === 'conflict' ? link('Resolve…', 'resolve') : link('Accept', 'accept');
    text.appendMarkdown([first, link('Reject', 'reject'), link('Compare', 'compare')].join(' · '));
    return text;
  }

  dispose(): void {
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}
