// Replies, readable while they are written: documents of the scheme `pleach-reply`.

import * as vscode from 'vscode';

import type { Job, Jobs } from './arguments';

const SCHEME = 'pleach-reply';

export class Replies implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration: vscode.Disposable;
  readonly onDidChange = this.changed.event;

  constructor(private readonly jobs: Jobs) {
    this.registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.jobs.get(Number(uri.query))?.text ?? 'This reply is no longer here.';
  }

  update(job: Job): void {
    this.changed.fire(this.uri(job));
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
    this.registration.dispose();
    this.changed.dispose();
  }
}
