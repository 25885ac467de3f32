// What a person decides on hunks: which ones a command means, and what is sent.

import * as vscode from 'vscode';

import { shown, type Compare } from './compare';
import { rangeOf, type HunkDisplay } from './hunks';
import type { CommandArguments } from './protocol';
import { hunkAt, neighbour, type Reviews, type Waiting } from './reviews';
import type { Server } from './server';
import type { ProposalNode } from './views';

/** A proposal, the hunks of one of its files, or one hunk. */
interface Meant {
  review: number;
  path?: string;
  hunk?: number;
}

/** What a command on hunks may be given: a node of the view, a document, a hunk by its numbers, or nothing. */
export type Given = ProposalNode | vscode.Uri | Meant | undefined;

export class Decisions {
  constructor(
    private readonly server: Server,
    private readonly reviews: Reviews,
    private readonly display: HunkDisplay,
    private readonly compare: Compare,
  ) {}

  async accept(given: Given): Promise<void> {
    await this.decide('pleach.accept', given);
  }

  async reject(given: Given): Promise<void> {
    await this.decide('pleach.reject', given);
  }

  async retry(given: Given): Promise<void> {
    await this.decide('pleach.retry', given);
  }

  async show(given: Given): Promise<void> {
    const meant = this.meant(given);
    if (meant !== undefined) {
      await this.compare.show(meant);
    }
  }

  /** Settles a conflict with what was typed meanwhile. */
  async resolve(given: Given): Promise<void> {
    const meant = this.meant(given);
    if (meant === undefined) {
      return;
    }
    const choices = [
      { label: 'Keep mine', description: 'what you typed', choice: 'mine' },
      { label: 'Take theirs', description: 'what was proposed', choice: 'theirs' },
      { label: 'Keep both', description: 'yours first', choice: 'both' },
      { label: 'Ask again', description: 'with what you typed', choice: 'ask' },
    ];
    const picked = await vscode.window.showQuickPick(choices, { title: 'Pleach: Resolve', placeHolder: 'You changed the same place meanwhile.' });
    if (picked !== undefined) {
      await this.server.send('pleach.resolve', { ...meant, choice: picked.choice });
    }
  }

  /** Everything that waits. */
  async all(command: 'pleach.accept' | 'pleach.reject'): Promise<void> {
    for (const { review } of this.reviews.all()) {
      await this.server.send(command, { review, all: true });
    }
  }

  /** Goes to a hunk; a file that is not there yet is shown as a diff. */
  async reveal(given: Given): Promise<void> {
    const meant = this.meant(given);
    const hunk = meant && this.reviews.get(meant.review)?.hunks.find(({ hunk }) => hunk === meant.hunk);
    if (meant === undefined || hunk === undefined) {
      return;
    }
    if (hunk.uri == null || hunk.kind !== 'text') {
      await this.compare.show(meant);
      return;
    }
    await vscode.window.showTextDocument(vscode.Uri.parse(hunk.uri), { selection: new vscode.Range(rangeOf(hunk).start, rangeOf(hunk).start) });
  }

  /** Goes to the next hunk of the document, else to the first of another one. */
  async step(forward: boolean): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const here = editor && neighbour(this.display.in(editor.document), editor.selection.active.line, forward);
    const elsewhere = this.reviews.all()[0];
    const next = here ?? (elsewhere?.hunks[0] && { review: elsewhere, hunk: elsewhere.hunks[0] });
    if (next === undefined) {
      void vscode.window.setStatusBarMessage('Pleach: nothing waits for review.', 4000);
    } else {
      await this.reveal(numbers(next));
    }
  }

  private async decide(command: string, given: Given): Promise<void> {
    const meant = this.meant(given);
    if (meant !== undefined) {
      const { review, path, hunk } = meant;
      const which: CommandArguments = hunk !== undefined ? { review, hunk } : path !== undefined ? { review, path } : { review, all: true };
      await this.server.send(command, which);
    }
  }

  /** The hunks that a command means; with nothing said, those at the cursor. */
  private meant(given: Given): Meant | undefined {
    if (given instanceof vscode.Uri) {
      return shown(given) ?? this.atCursor();
    }
    if (given === undefined) {
      return this.atCursor();
    }
    if (!('kind' in given)) {
      return given;
    }
    switch (given.kind) {
      case 'review':
        return { review: given.review.review };
      case 'file':
        return { review: given.file.review.review, path: given.file.path };
      case 'hunk':
        return { review: given.review.review, path: given.hunk.path, hunk: given.hunk.hunk };
    }
  }

  private atCursor(): Meant | undefined {
    const editor = vscode.window.activeTextEditor;
    const inDiff = shown(editor?.document.uri);
    if (inDiff !== undefined) {
      return inDiff;
    }
    const here = editor && hunkAt(this.display.in(editor.document), editor.selection.active.line);
    if (here === undefined) {
      void vscode.window.setStatusBarMessage('Pleach: no hunk at the cursor.', 4000);
      return undefined;
    }
    return numbers(here);
  }
}

function numbers({ review, hunk }: Waiting): Meant {
  return { review: review.review, path: hunk.path, hunk: hunk.hunk };
}
