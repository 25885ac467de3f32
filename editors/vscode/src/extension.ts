// Pleach in VS Code: puts the parts together and gives the commands their names.

import * as vscode from 'vscode';

import { Compare } from './compare';
import { Decisions, type Given } from './decisions';
import { HunkDisplay } from './hunks';
import { Jobs, type Job } from './jobs';
import { showMenu } from './menu';
import type { CommandArguments, Landed } from './protocol';
import { Plans, type PlanNode } from './plans';
import { Replies } from './replies';
import { hunkCount, Reviews } from './reviews';
import { Server } from './server';
import { Status } from './status';
import { newFromTemplate } from './templates';
import { HistoryView, JobsView, ProposalsView } from './views';
import { Words } from './words';

/** The actions on a place that menus and the command palette offer. The server has them as `pleach.NAME`. */
const ON_A_PLACE = ['rewrite', 'document', 'test', 'fix', 'implement', 'explain', 'review', 'comment', 'plan'] as const;

class Extension implements vscode.Disposable {
  readonly output = vscode.window.createOutputChannel('Pleach', { log: true });
  readonly jobs = new Jobs();
  readonly reviews = new Reviews();
  readonly words: Words;
  readonly server: Server;
  readonly decisions: Decisions;
  readonly plans: Plans;
  readonly replies = new Replies(this.jobs);
  private readonly disposables: { dispose(): void }[];

  constructor(context: vscode.ExtensionContext) {
    this.words = new Words(context.globalState);
    this.server = new Server(context, this.output, this.jobs, this.reviews, this.words, async (command, given) => {
      // A diff of a proposal has an editor of its own here.
      if (command === 'pleach.diff' && given.review !== undefined) {
        await this.decisions.show(given as Given);
        return true;
      }
      return false;
    });
    const compare = new Compare(this.reviews);
    const display = new HunkDisplay(this.reviews);
    this.decisions = new Decisions(this.server, this.reviews, display, compare);
    this.plans = new Plans(this.server);
    this.disposables = [
      this.output,
      this.plans,
      this.replies,
      compare,
      display,
      new Status(this.server, this.jobs, this.reviews),
      new JobsView(this.jobs),
      new ProposalsView(this.reviews),
      new HistoryView(this.server),
      this.jobs.turned.on((job) => this.turned(job)),
    ];
  }

  /** A job began or ended. */
  private turned(job: Job): void {
    this.output.info(`job ${job.number} (${job.title}): ${job.state}${job.line === '' ? '' : `: ${job.line}`}`);
    if (job.state === 'running') {
      if (vscode.workspace.getConfiguration('pleach').get<boolean>('showReply', false)) {
        void this.replies.show(job);
      }
      return;
    }
    if (job.landed) {
      void this.server.look();
    }
    if (job.review !== undefined) {
      void this.tellProposal(job, job.review);
    }
  }

  private async tellProposal(job: Job, review: number): Promise<void> {
    const waiting = this.reviews.get(review)?.hunks.length ?? 0;
    const compare = 'Compare';
    const accept = 'Accept All';
    const count = waiting === 0 ? job.line : `${hunkCount(waiting)} to review`;
    const choice = await vscode.window.showInformationMessage(`Pleach: ${job.title}: ${count}`, compare, accept);
    if (choice === compare) {
      await this.decisions.show({ review });
    } else if (choice === accept) {
      await this.decisions.accept({ review });
    }
  }

  async onPlace(name: (typeof ON_A_PLACE)[number]): Promise<void> {
    const given = place();
    const editor = vscode.window.activeTextEditor;
    if (name === 'fix' && editor !== undefined) {
      const { start, end } = editor.selection;
      const here = vscode.languages
        .getDiagnostics(editor.document.uri)
        .filter(({ range }) => range.start.line <= end.line && range.end.line >= start.line);
      given.diagnostics = await this.server.diagnostics(here);
    }
    await this.server.send(`pleach.${name}`, given);
  }

  /** Lands the selection, or what was copied. */
  async land(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor !== undefined && !editor.selection.isEmpty) {
      await this.server.send('pleach.land', place());
      return;
    }
    const reply = await vscode.env.clipboard.readText();
    if (reply.trim() === '') {
      void vscode.window.showWarningMessage('Pleach: nothing is selected and nothing was copied. Copy the answer first.');
      return;
    }
    await this.server.send('pleach.land', { ...place(), reply });
  }

  /** Begins a chat with a question. */
  async chat(): Promise<void> {
    const question = await vscode.window.showInputBox({ title: 'Pleach: New Chat', prompt: 'What do you want to know? `@path` or `@path#symbol` shows a file.' });
    if (question !== undefined && question.trim() !== '') {
      await this.server.send('pleach.chat.new', { question });
    }
  }

  /** Cancels the job that is named, or the only one; else asks which. */
  async cancel(named?: Job): Promise<void> {
    const running = this.jobs.running();
    const only = named ?? (running.length < 2 ? running[0] : undefined);
    if (only !== undefined || running.length === 0) {
      await this.server.send('pleach.cancel', only === undefined ? {} : { job: only.number });
      return;
    }
    const picked = await vscode.window.showQuickPick(
      [
        ...running.map((job) => ({ label: job.title, description: job.line, given: { job: job.number } as CommandArguments })),
        { label: 'All of them', description: '', given: { all: true } },
      ],
      { title: 'Pleach: Cancel', placeHolder: 'Which job?' },
    );
    if (picked !== undefined) {
      await this.server.send('pleach.cancel', picked.given);
    }
  }

  async undo(landed?: Landed): Promise<void> {
    await this.server.send('pleach.undo', landed === undefined ? {} : { entry: landed.entry });
  }

  async status(): Promise<void> {
    const status = (await this.server.send('pleach.status')) as { version: string; engine: string } | undefined;
    if (status !== undefined) {
      void vscode.window.showInformationMessage(`Pleach ${status.version}: ${status.engine}`);
    }
  }

  /** Shows what a job wrote: the file with its answer, its proposal, or its reply. */
  async showJob(job: Job | undefined = this.jobs.last()): Promise<void> {
    if (job === undefined) {
      void vscode.window.showInformationMessage('Pleach: no job has run yet.');
    } else if (job.file !== undefined) {
      await vscode.window.showTextDocument(vscode.Uri.file(job.file), { viewColumn: vscode.ViewColumn.Beside });
    } else if (job.review !== undefined && this.reviews.get(job.review) !== undefined) {
      await this.decisions.show({ review: job.review });
    } else {
      await this.replies.show(job);
    }
  }

  async showReply(): Promise<void> {
    const job = this.jobs.last();
    if (job === undefined) {
      void vscode.window.showInformationMessage('Pleach: no job has run yet.');
    } else {
      await this.replies.show(job);
    }
  }

  dispose(): void {
    for (const it of this.disposables) {
      it.dispose();
    }
  }
}

/** The selection of the active editor. */
function place(): CommandArguments {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return {};
  }
  const { start, end } = editor.selection;
  return {
    uri: editor.document.uri.toString(),
    range: {
      start: { line: start.line, character: start.character },
      end: { line: end.line, character: end.character },
    },
  };
}

let extension: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const it = new Extension(context);
  extension = it;
  const register = <T extends unknown[]>(command: string, run: (...given: T) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(command, run);
  context.subscriptions.push(
    it,
    // The server's own commands (`pleach.rewrite` …) are registered by the language client; these are
    // others, which say where.
    ...ON_A_PLACE.map((name) => register(`pleach.here.${name}`, () => it.onPlace(name))),
    register('pleach.here.land', () => it.land()),
    register('pleach.here.chat', () => it.chat()),
    register('pleach.here.cancel', () => it.cancel()),
    register('pleach.here.undo', () => it.undo()),
    register('pleach.here.new', () => newFromTemplate(it.server)),
    register('pleach.here.usage', () => it.server.send('pleach.usage')),
    register('pleach.here.status', () => it.status()),
    register('pleach.hunk.accept', (given: Given) => it.decisions.accept(given)),
    register('pleach.hunk.reject', (given: Given) => it.decisions.reject(given)),
    register('pleach.hunk.retry', (given: Given) => it.decisions.retry(given)),
    register('pleach.hunk.compare', (given: Given) => it.decisions.show(given)),
    register('pleach.hunk.resolve', (given: Given) => it.decisions.resolve(given)),
    register('pleach.hunk.show', (given: Given) => it.decisions.reveal(given)),
    register('pleach.hunk.next', () => it.decisions.step(true)),
    register('pleach.hunk.previous', () => it.decisions.step(false)),
    register('pleach.acceptAll', () => it.decisions.all('pleach.accept')),
    register('pleach.rejectAll', () => it.decisions.all('pleach.reject')),
    register('pleach.job.show', (job?: Job) => it.showJob(job)),
    register('pleach.job.cancel', (job?: Job) => it.cancel(job)),
    register('pleach.entry.undo', (landed?: Landed) => it.undo(landed)),
    ...['run', 'done', 'skip', 'reopen', 'undo'].map((what) =>
      register(`pleach.step.${what}`, (node: PlanNode) => it.plans.send(`pleach.plan.${what}`, node)),
    ),
    register('pleach.menu', () => showMenu(it.server, it.jobs, it.reviews)),
    register('pleach.showReply', () => it.showReply()),
    register('pleach.showOutput', () => it.output.show()),
    register('pleach.forgetInstructions', () => it.words.forget()),
    register('pleach.openSettings', () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:pleach.pleach')),
    register('pleach.openWalkthrough', () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'pleach.pleach#pleach.first', false),
    ),
    register('pleach.restart', () => it.server.restart()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => it.server.configure()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('pleach.path')) {
        void it.server.restart();
      } else if (change.affectsConfiguration('pleach.trace')) {
        void it.server.trace();
      } else if (change.affectsConfiguration('pleach')) {
        void it.server.configure();
      }
    }),
  );
  await it.server.start();
}

export async function deactivate(): Promise<void> {
  await extension?.server.stop();
}
