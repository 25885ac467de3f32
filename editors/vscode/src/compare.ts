// The diff editor: the text as it is beside the text as it would be.

import * as vscode from 'vscode';

import type { Hunk } from './protocol';
import { filesOf, type FileOfReview, type Reviews } from './reviews';
import { edited } from './texts';

/** The scheme of what would be. */
export const PROPOSAL = 'pleach-proposal';
/** The scheme of files that are not there yet, or will not be. */
const NOTHING = 'pleach-nothing';

/** What a document of the scheme `pleach-proposal` shows. */
export interface Shown {
  review: number;
  path: string;
  /** One hunk only. */
  hunk?: number;
}

/** What a diff editor shows, if it is one of these. */
export function shown(uri: vscode.Uri | undefined): Shown | undefined {
  return uri?.scheme === PROPOSAL ? (JSON.parse(uri.query) as Shown) : undefined;
}

export class Compare implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly disposables: { dispose(): void }[];

  /** The titles of editors that show several files of a proposal. */
  private readonly together = new Map<number, string>();

  constructor(private readonly reviews: Reviews) {
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(PROPOSAL, this),
      vscode.workspace.registerTextDocumentContentProvider(NOTHING, { provideTextDocumentContent: () => '' }),
      reviews.changed.on(() => void this.refresh()),
    ];
  }

  /** The text of a file with the hunks that the uri names. */
  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const what = shown(uri);
    const file = what && this.file(what);
    if (what === undefined || file === undefined) {
      return '';
    }
    const hunks = this.hunks(what, file);
    if (hunks.some((hunk) => hunk.kind === 'delete')) {
      return '';
    }
    const before = await this.present(file);
    return edited(before, hunks.flatMap((hunk) => hunk.edits ?? []));
  }

  /** Shows a whole proposal, one file of it, or one hunk. */
  async show(what: { review: number; path?: string | undefined; hunk?: number | undefined }): Promise<void> {
    const review = this.reviews.get(what.review);
    if (review === undefined) {
      void vscode.window.showInformationMessage('Pleach: this proposal has been decided on already.');
      return;
    }
    const files = filesOf(review).filter(
      ({ path, hunks }) =>
        (what.path === undefined || path === what.path) &&
        (what.hunk === undefined || hunks.some(({ hunk }) => hunk === what.hunk)),
    );
    const [first] = files;
    if (first === undefined) {
      return;
    }
    const name = review.title ?? 'Proposal';
    if (files.length > 1) {
      const all = files.map((file) => {
        const { left, right } = this.sides(file);
        return [file.uri === undefined ? right : vscode.Uri.parse(file.uri), left, right];
      });
      const title = `Pleach: ${name}`;
      this.together.set(review.review, title);
      await vscode.commands.executeCommand('vscode.changes', title, all);
      return;
    }
    const { left, right } = this.sides(first, what.hunk);
    const place = this.hunks({ review: review.review, path: first.path, ...(what.hunk === undefined ? {} : { hunk: what.hunk }) }, first)[0];
    await vscode.commands.executeCommand('vscode.diff', left, right, `${first.path} ↔ Pleach: ${name}`, {
      preview: true,
      ...(place === undefined ? {} : { selection: new vscode.Range(place.range.start.line, 0, place.range.start.line, 0) }),
    });
  }

  private sides(file: FileOfReview, hunk?: number): { left: vscode.Uri; right: vscode.Uri } {
    const what: Shown = { review: file.review.review, path: file.path, ...(hunk === undefined ? {} : { hunk }) };
    // Both sides have one path: they are one file, not one that was renamed.
    const path = file.uri === undefined ? `/${file.path}` : vscode.Uri.parse(file.uri).path;
    const right = vscode.Uri.from({ scheme: PROPOSAL, path, query: JSON.stringify(what) });
    const isNew = file.uri === undefined || file.hunks.some(({ kind }) => kind === 'create');
    const left = isNew
      ? vscode.Uri.from({ scheme: NOTHING, path })
      : vscode.Uri.parse(file.uri ?? '');
    return { left, right };
  }

  private file({ review, path }: Shown): FileOfReview | undefined {
    const it = this.reviews.get(review);
    return it && filesOf(it).find((file) => file.path === path);
  }

  private hunks(what: Shown, file: FileOfReview): Hunk[] {
    return file.hunks.filter(({ hunk }) => what.hunk === undefined || hunk === what.hunk);
  }

  private async present(file: FileOfReview): Promise<string> {
    if (file.uri === undefined || file.hunks.some(({ kind }) => kind === 'create')) {
      return '';
    }
    try {
      return (await vscode.workspace.openTextDocument(vscode.Uri.parse(file.uri))).getText();
    } catch {
      return ''; // It has gone from the disk meanwhile; the server will say so when it is accepted.
    }
  }

  /** Reads again what is shown, and closes what has been decided on. */
  private async refresh(): Promise<void> {
    const decided = (uri: vscode.Uri): boolean => {
      const what = shown(uri);
      const file = what && this.file(what);
      return what !== undefined && (file === undefined || this.hunks(what, file).length === 0);
    };
    for (const document of vscode.workspace.textDocuments) {
      if (document.uri.scheme === PROPOSAL && !decided(document.uri)) {
        this.changed.fire(document.uri);
      }
    }
    const done = new Set<string>();
    for (const [review, title] of this.together) {
      if (this.reviews.get(review) === undefined) {
        this.together.delete(review);
        done.add(title);
      }
    }
    // What an editor of several files shows is not told; its title is, with the number of files behind it.
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(({ input, label }) =>
        input instanceof vscode.TabInputTextDiff ? decided(input.modified) : done.has(label.replace(/ \(\d+ \w+\)$/, '')),
      );
    if (tabs.length > 0) {
      await vscode.window.tabGroups.close(tabs, true);
    }
  }

  dispose(): void {
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}
