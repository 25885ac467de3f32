// Replies, readable while they are written: documents of the scheme `pleach-reply`.

import * as vscode from 'vscode';

import type { Job, Jobs } from './jobs';

const SCHEME = 'pleach-reply';

export class Replies implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly disposables: { dispose(): void }[];
  readonly onDidChange = this.changed.event;

  constructor(private readonly jobs: Jobs) {
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      jobs.changed.on((job) => this.changed.fire(this.uri(job))),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.jobs.get(Number(uri.query))?.text ?? 'This reply is no longer here.';
  }

  async show(job: Job): Promise<void> {
    const document = await vscode.workspace.openTextDocument(this.uri(job));
    await vscode.window.showTextDocument(document, {
      viewColumn: vscode.ViewColumn.Beside,
      preview: true,
      preserveFocus: true,
    });
  }

  private uri(job: Job): vscode.Uri {
    return vscode.Uri.from({ scheme: SCHEME, path: `Reply ${job.number}.md`, query: String(job.number) });
  }

  dispose(): void {
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}
