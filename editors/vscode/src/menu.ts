// The menu behind the item in the status bar.

import * as vscode from 'vscode';

import type { Jobs } from './jobs';
import { hunkCount, type Reviews } from './reviews';
import type { Server } from './server';

interface Row extends vscode.QuickPickItem {
  command?: string;
  given?: unknown[];
}

export async function showMenu(server: Server, jobs: Jobs, reviews: Reviews): Promise<void> {
  const rows: Row[] = [];
  const heading = (label: string): void => void rows.push({ label, kind: vscode.QuickPickItemKind.Separator });
  const row = (icon: string, label: string, command: string, description = '', given: unknown[] = []): void =>
    void rows.push({ label: `$(${icon}) ${label}`, description, command, given });
  const running = jobs.running();
  if (running.length > 0) {
    heading('Running');
    for (const job of running) {
      row('circle-slash', `Cancel: ${job.title}`, 'pleach.job.cancel', job.line, [job]);
    }
    row('output', 'Show the reply as it is written', 'pleach.showReply');
  }
  if (reviews.count() > 0) {
    heading('To review');
    for (const review of reviews.all()) {
      row('request-changes', `Compare: ${review.title ?? 'proposal'}`, 'pleach.hunk.compare', hunkCount(review.hunks.length), [
        { kind: 'review', review },
      ]);
    }
    row('check-all', 'Accept all', 'pleach.acceptAll', hunkCount(reviews.count()));
    row('close-all', 'Reject all', 'pleach.rejectAll');
  }
  heading('Pleach');
  if (server.state === 'running') {
    row('edit', 'Rewrite with an instruction…', 'pleach.here.rewrite');
    row('clippy', 'Land a copied reply', 'pleach.here.land');
    if (server.offers('pleach.plan')) {
      row('checklist', 'Plan a goal…', 'pleach.here.plan');
    }
    if (server.offers('pleach.new')) {
      row('new-folder', 'New files from a template…', 'pleach.here.new');
    }
    if (server.offers('pleach.chat.new')) {
      row('comment-discussion', 'New chat…', 'pleach.here.chat');
    }
    if (server.offers('pleach.usage')) {
      row('credit-card', 'Usage and cost', 'pleach.here.usage');
    }
    row('list-tree', 'Jobs, proposals and history', 'pleach.proposals.focus');
  }
  row('gear', 'Settings', 'pleach.openSettings', server.engine);
  row('book', 'First steps', 'pleach.openWalkthrough');
  row('output', 'Log', 'pleach.showOutput');
  row('refresh', server.state === 'running' ? 'Restart the server' : 'Start the server', 'pleach.restart');
  const picked = await vscode.window.showQuickPick(rows, { title: 'Pleach', placeHolder: 'What next?' });
  if (picked?.command !== undefined) {
    await vscode.commands.executeCommand(picked.command, ...(picked.given ?? []));
  }
}
