// The item in the status bar: what runs, else what waits. A click opens the menu.
// Nothing in it is animated: the seconds that pass are motion enough.

import * as vscode from 'vscode';

import type { Jobs } from './jobs';
import { hunkCount, type Reviews } from './reviews';
import type { Server } from './server';

/** The most characters of a title. */
const TITLE = 24;

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('pleach.status', vscode.StatusBarAlignment.Left, 10);
  private readonly disposables: { dispose(): void }[];

  constructor(
    private readonly server: Server,
    private readonly jobs: Jobs,
    private readonly reviews: Reviews,
  ) {
    this.item.name = 'Pleach';
    this.item.command = 'pleach.menu';
    this.disposables = [
      this.item,
      jobs.changed.on(() => this.show()),
      reviews.changed.on(() => this.show()),
      server.changed.on(() => this.show()),
      jobs.turned.on((job) => {
        if (job.state === 'finished' && job.review === undefined) {
          vscode.window.setStatusBarMessage(`$(check) Pleach: ${job.line}`, 8000);
        }
        void vscode.commands.executeCommand('setContext', 'pleach.running', jobs.running().length > 0);
        this.show();
      }),
    ];
    this.show();
  }

  private show(): void {
    const { text, spoken } = this.state();
    this.item.text = text;
    this.item.accessibilityInformation = { label: `Pleach: ${spoken}`, role: 'button' };
    const answering = this.server.engine === '' ? '' : `\n\nAnswers: ${this.server.engine}`;
    this.item.tooltip = new vscode.MarkdownString(`Pleach: ${spoken}${answering}\n\nClick for jobs, reviews, history and settings.`);
    const down = this.server.state === 'stopped' || this.server.state === 'missing';
    this.item.backgroundColor = down ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    this.item.show();
  }

  private state(): { text: string; spoken: string } {
    switch (this.server.state) {
      case 'missing':
        return { text: '$(error) Pleach', spoken: 'the program pleach was not found' };
      case 'stopped':
        return { text: '$(error) Pleach', spoken: 'the server is not running' };
      case 'starting':
        return { text: '$(ellipsis) Pleach', spoken: 'starting' };
      default:
    }
    const running = this.jobs.running();
    const newest = running.at(-1);
    if (newest !== undefined) {
      const more = running.length > 1 ? ` (+${running.length - 1})` : '';
      // The figures are what changes: they come before the end of a long title would push them out.
      const title = newest.title.length > TITLE ? `${newest.title.slice(0, TITLE)}…` : newest.title;
      return { text: `$(sync) ${title}: ${newest.line}${more}`, spoken: `${newest.title}, ${newest.line}${more}` };
    }
    const waiting = this.reviews.count();
    return waiting > 0
      ? { text: `$(request-changes) Pleach: ${hunkCount(waiting)} to review`, spoken: `${hunkCount(waiting)} to review` }
      : { text: '$(sparkle) Pleach', spoken: 'ready' };
  }

  dispose(): void {
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}
