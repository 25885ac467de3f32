// The Pleach view: what runs, what waits, what landed.

import * as vscode from 'vscode';

import type { Job, Jobs } from './jobs';
import type { Hunk, Landed } from './protocol';
import { hunkCount, filesOf, type FileOfReview, type Reviews } from './reviews';
import type { Server } from './server';
import type { Signal } from './signal';
import type { Review } from './protocol';

/** Running jobs are drawn anew at most this often, in milliseconds. */
const DRAWN_EVERY = 250;
/** How many of the newest lines of a reply stand under its job. */
const LINES = 6;

type Listen = (draw: () => void) => { dispose(): void };

/** A tree whose nodes are drawn anew together. */
abstract class Tree<Node> implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly drawn = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.drawn.event;
  private readonly disposables: { dispose(): void }[];
  private due: NodeJS.Timeout | undefined;
  protected readonly view: vscode.TreeView<Node>;

  constructor(id: string, listens: readonly Listen[]) {
    this.view = vscode.window.createTreeView<Node>(id, { treeDataProvider: this, showCollapseAll: id === 'pleach.proposals' });
    this.disposables = [this.drawn, this.view, ...listens.map((listen) => listen(() => this.drawSoon()))];
  }

  abstract getTreeItem(node: Node): vscode.TreeItem;
  abstract getChildren(node?: Node): Node[];

  private drawSoon(): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      this.drawn.fire();
      this.afterDrawing();
    }, DRAWN_EVERY);
  }

  protected afterDrawing(): void {}

  dispose(): void {
    clearTimeout(this.due);
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}

function on<T>(signal: Signal<T>): Listen {
  return (draw) => signal.on(() => draw());
}

const ICONS: Record<Job['state'], string> = { running: 'sync', finished: 'check', failed: 'error', lost: 'debug-disconnect' };

/** A job, or a line of its reply. */
type JobNode = Job | string;

export class JobsView extends Tree<JobNode> {
  constructor(private readonly jobs: Jobs) {
    super('pleach.jobs', [on(jobs.changed), on(jobs.turned)]);
  }

  getTreeItem(node: JobNode): vscode.TreeItem {
    if (typeof node === 'string') {
      const line = new vscode.TreeItem(node);
      line.iconPath = new vscode.ThemeIcon('blank');
      return line;
    }
    const { Expanded, Collapsed, None } = vscode.TreeItemCollapsibleState;
    const state = node.text === '' ? None : node.state === 'running' ? Expanded : Collapsed;
    const item = new vscode.TreeItem(node.title, state);
    // VS Code remembers by the id whether it is open: a job opens with its first words, and closes with its end.
    item.id = `${node.number} ${node.state} ${node.text === ''}`;
    item.description = [node.line, node.state === 'running' ? '' : node.cost].filter((part) => part !== '').join(' · ');
    item.iconPath = new vscode.ThemeIcon(ICONS[node.state]);
    item.contextValue = `job.${node.state}`;
    item.tooltip = [node.title, node.line, node.estimate, node.cost, node.engine].filter((part) => part !== '').join('\n');
    item.accessibilityInformation = { label: `${node.title}, ${node.state}, ${node.line}` };
    item.command = { title: 'Show', command: 'pleach.job.show', arguments: [node] };
    return item;
  }

  getChildren(node?: JobNode): JobNode[] {
    if (node === undefined) {
      return this.jobs.all();
    }
    if (typeof node === 'string') {
      return [];
    }
    return node.text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-LINES);
  }

  protected override afterDrawing(): void {
    const running = this.jobs.running().length;
    this.view.badge = running === 0 ? undefined : { value: running, tooltip: `${running} running` };
  }
}

/** A proposal, a file of one, or a hunk. Commands on nodes get one of these. */
export type ProposalNode =
  | { kind: 'review'; review: Review }
  | { kind: 'file'; file: FileOfReview }
  | { kind: 'hunk'; review: Review; hunk: Hunk };

const HUNK_ICONS: Record<Hunk['kind'], string> = { text: 'edit', create: 'new-file', delete: 'trash', rename: 'arrow-right' };

export class ProposalsView extends Tree<ProposalNode> {
  constructor(private readonly reviews: Reviews) {
    super('pleach.proposals', [on(reviews.changed)]);
  }

  getTreeItem(node: ProposalNode): vscode.TreeItem {
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    if (node.kind === 'review') {
      const { review } = node;
      const item = new vscode.TreeItem(review.title ?? 'Proposal', Expanded);
      item.id = `${review.review}`;
      item.description = [hunkCount(review.hunks.length), review.engine].filter((part) => part).join(' · ');
      item.iconPath = new vscode.ThemeIcon('request-changes');
      item.contextValue = 'review';
      return item;
    }
    if (node.kind === 'file') {
      const { file } = node;
      const item = new vscode.TreeItem(file.path, Expanded);
      item.id = `${file.review.review} ${file.path}`;
      item.description = hunkCount(file.hunks.length);
      item.resourceUri = file.uri === undefined ? vscode.Uri.from({ scheme: 'file', path: `/${file.path}` }) : vscode.Uri.parse(file.uri);
      item.iconPath = vscode.ThemeIcon.File;
      item.label = file.path;
      item.contextValue = 'file';
      return item;
    }
    const { review, hunk } = node;
    const item = new vscode.TreeItem(hunk.summary.replaceAll('`', ''), None);
    item.id = `${review.review} ${hunk.path} ${hunk.hunk}`;
    item.description = hunk.kind === 'text' ? `line ${hunk.range.start.line + 1}` : '';
    const conflict = hunk.state === 'conflict';
    item.iconPath = conflict
      ? new vscode.ThemeIcon('warning', new vscode.ThemeColor('editorWarning.foreground'))
      : new vscode.ThemeIcon(HUNK_ICONS[hunk.kind]);
    item.contextValue = conflict ? 'hunk.conflict' : 'hunk';
    item.tooltip = [hunk.summary, hunk.impact, conflict ? 'You changed the same place meanwhile.' : '']
      .filter((part) => part)
      .join('\n');
    item.accessibilityInformation = { label: `${hunk.summary}, ${item.description}${conflict ? ', in conflict' : ''}` };
    item.command = { title: 'Go There', command: 'pleach.hunk.show', arguments: [node] };
    return item;
  }

  getChildren(node?: ProposalNode): ProposalNode[] {
    switch (node?.kind) {
      case undefined:
        return this.reviews.all().map((review) => ({ kind: 'review', review }));
      case 'review':
        return filesOf(node.review).map((file) => ({ kind: 'file', file }));
      case 'file': {
        const { review, hunks } = node.file;
        return hunks.map((hunk) => ({ kind: 'hunk', review, hunk }));
      }
      case 'hunk':
        return [];
    }
  }

  protected override afterDrawing(): void {
    const waiting = this.reviews.count();
    this.view.badge = waiting === 0 ? undefined : { value: waiting, tooltip: `${hunkCount(waiting)} to review` };
  }
}

export class HistoryView extends Tree<Landed> {
  constructor(private readonly server: Server) {
    super('pleach.history', [on(server.changed)]);
  }

  getTreeItem(landed: Landed): vscode.TreeItem {
    const item = new vscode.TreeItem(landed.title);
    item.id = `${landed.entry} ${landed.undone}`;
    item.description = [landed.undone ? 'undone' : '', landed.files.join(', '), landed.when].filter((part) => part).join(' · ');
    item.iconPath = new vscode.ThemeIcon(landed.undone ? 'discard' : 'check');
    item.contextValue = landed.undone ? 'landed.undone' : 'landed';
    item.tooltip = `${landed.title}\n${landed.files.join('\n')}\n${landed.when}`;
    return item;
  }

  getChildren(node?: Landed): Landed[] {
    return node === undefined ? this.server.landed : [];
  }
}
