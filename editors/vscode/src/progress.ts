// The item in the status bar while jobs run. A click cancels.

import * as vscode from 'vscode';

interface Step {
  kind: 'begin' | 'report' | 'end';
  title?: string;
  message?: string;
}

export class Progress implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('pleach.jobs', vscode.StatusBarAlignment.Left, 10);
  private readonly running = new Map<string | number, { title: string; message: string }>();

  constructor() {
    this.item.name = 'Pleach';
    this.item.command = 'pleach.here.cancel';
  }

  /** Takes in a `$/progress` message of a job. */
  take(token: string | number, step: Step): void {
    if (step.kind === 'end') {
      this.running.delete(token);
      if (step.message !== undefined) {
        vscode.window.setStatusBarMessage(`$(check) Pleach: ${step.message}`, 8000);
      }
    } else {
      const before = this.running.get(token);
      this.running.set(token, {
        title: step.title ?? before?.title ?? 'Pleach',
        message: step.message ?? before?.message ?? '',
      });
    }
    this.show();
  }

  clear(): void {
    this.running.clear();
    this.show();
  }

  private show(): void {
    const jobs = [...this.running.values()];
    const newest = jobs.at(-1);
    if (newest === undefined) {
      this.item.hide();
      return;
    }
    const more = jobs.length > 1 ? ` (+${jobs.length - 1})` : '';
    this.item.text = `$(sync~spin) ${newest.title}: ${newest.message}${more}`;
    this.item.tooltip = 'Click to cancel';
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }
}
