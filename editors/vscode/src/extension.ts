// Pleach in VS Code: starts the server, asks for instructions, shows progress and replies.

import * as vscode from 'vscode';
import {
  ExecuteCommandRequest,
  LanguageClient,
  State,
  Trace,
  type LanguageClientOptions,
  type ServerOptions,
} from 'vscode-languageclient/node';

import { Jobs, needsInstruction, needsNote, readArguments, type CommandArguments, type JobEvent } from './arguments';
import { refusal } from './edits';
import { findProgram, tellMissing } from './program';
import { Progress } from './progress';
import { Replies } from './replies';

/** The actions on a place that the command palette offers. The server has them as `pleach.NAME`. */
const ON_A_PLACE = ['rewrite', 'document', 'test', 'fix', 'implement', 'explain', 'review', 'comment'] as const;

const LANGUAGES = [
  'c', 'cpp', 'csharp', 'css', 'go', 'html', 'java', 'javascript', 'javascriptreact', 'json', 'jsonc', 'kotlin', 'lua',
  'markdown', 'php', 'plaintext', 'python', 'ruby', 'rust', 'scala', 'shellscript', 'swift', 'toml', 'typescript',
  'typescriptreact', 'yaml', 'zig',
];

class Extension implements vscode.Disposable {
  private readonly output = vscode.window.createOutputChannel('Pleach', { log: true });
  private readonly jobs = new Jobs();
  private readonly replies = new Replies(this.jobs);
  private readonly progress = new Progress();
  private client: LanguageClient | undefined;

  async start(): Promise<void> {
    const program = await findProgram();
    if (program === undefined) {
      void tellMissing();
      return;
    }
    this.output.info(`starting ${program} lsp`);
    const server: ServerOptions = { command: program, args: ['lsp'] };
    const client = new LanguageClient('pleach', 'Pleach', server, this.options());
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped) {
        this.jobs.clear();
        this.progress.clear();
      }
    });
    client.onNotification('pleach/job', (event: JobEvent) => this.jobEvent(event));
    try {
      await client.start();
      await this.trace();
    } catch (error) {
      this.output.error(`the server did not start: ${String(error)}`);
      const show = 'Show Output';
      const choice = await vscode.window.showErrorMessage(
        `Pleach: ${program} did not start. Run \`pleach doctor\` in a terminal to see why.`,
        show,
      );
      if (choice === show) {
        this.output.show();
      }
    }
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: ['file', 'untitled'].flatMap((scheme) => LANGUAGES.map((language) => ({ scheme, language }))),
      outputChannel: this.output,
      initializationOptions: { pleach: { jobEvents: true, inputBox: true } },
      middleware: {
        // Code actions come this way: their commands are the server's own.
        executeCommand: async (command, given: unknown[], next) => {
          const words = await this.withWords(command, readArguments(given));
          return words === undefined ? undefined : (next(command, [words]) as unknown);
        },
        handleWorkDoneProgress: (token, step, next) => {
          if (typeof token === 'string' && token.startsWith('pleach/job/')) {
            this.progress.take(token, step);
          } else {
            next(token, step);
          }
        },
        workspace: {
          handleApplyEdit: (params, next) => {
            const reason = refusal(params);
            if (reason !== undefined) {
              this.output.warn(`an edit was not applied: ${reason}`);
              return { applied: false, failureReason: reason };
            }
            return next(params, new vscode.CancellationTokenSource().token);
          },
        },
      },
    };
  }

  /** `given` with the words that are needed; `undefined` when the person thought better of it. */
  private async withWords(command: string, given: CommandArguments): Promise<CommandArguments | undefined> {
    if (needsNote(command, given)) {
      const note = await vscode.window.showInputBox({
        title: 'Pleach: Retry',
        prompt: 'What should be different this time?',
        validateInput: (text) => (text.trim() === '' ? 'Write what should be different.' : undefined),
      });
      return note === undefined ? undefined : { ...given, note };
    }
    if (!needsInstruction(command, given)) {
      return given;
    }
    const instruction = await vscode.window.showInputBox({
      title: 'Pleach: Rewrite',
      prompt: 'What should be different?',
      placeHolder: 'rename total to revenue',
      validateInput: (text) => (text.trim() === '' ? 'Write what should be different.' : undefined),
    });
    return instruction === undefined ? undefined : { ...given, instruction };
  }

  /** Sends a command to the server. Why one was refused is shown by the server itself. */
  private async send(command: string, given: CommandArguments): Promise<unknown> {
    const client = this.running() ?? (await this.restart());
    if (client === undefined) {
      return undefined; // It was said why.
    }
    const words = await this.withWords(command, given);
    if (words === undefined) {
      return undefined;
    }
    try {
      return await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [words] });
    } catch (error) {
      this.output.warn(`${command}: ${String(error)}`);
      return undefined;
    }
  }

  /** The selection of the active editor. */
  private place(): CommandArguments {
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

  async onPlace(name: (typeof ON_A_PLACE)[number]): Promise<void> {
    const given = this.place();
    const editor = vscode.window.activeTextEditor;
    if (name === 'fix' && editor !== undefined && this.client !== undefined) {
      const { start, end } = editor.selection;
      const here = vscode.languages
        .getDiagnostics(editor.document.uri)
        .filter(({ range }) => range.start.line <= end.line && range.end.line >= start.line);
      given.diagnostics = await this.client.code2ProtocolConverter.asDiagnostics(here);
    }
    await this.send(`pleach.${name}`, given);
  }

  /** Lands the selection, or what was copied. */
  async land(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor !== undefined && !editor.selection.isEmpty) {
      await this.send('pleach.land', this.place());
      return;
    }
    const reply = await vscode.env.clipboard.readText();
    if (reply.trim() === '') {
      void vscode.window.showWarningMessage('Pleach: nothing is selected and nothing was copied. Copy the answer first.');
      return;
    }
    await this.send('pleach.land', { ...this.place(), reply });
  }

  async cancel(): Promise<void> {
    const running = this.jobs.running();
    if (running.length < 2) {
      const only = running[0];
      await this.send('pleach.cancel', only === undefined ? {} : { job: only.number });
      return;
    }
    const picked = await vscode.window.showQuickPick(
      running.map((job) => ({ label: job.title, job: job.number })),
      { placeHolder: 'Which job?' },
    );
    if (picked !== undefined) {
      await this.send('pleach.cancel', { job: picked.job });
    }
  }

  async undo(): Promise<void> {
    await this.send('pleach.undo', {});
  }

  async status(): Promise<void> {
    const status = (await this.send('pleach.status', {})) as { version: string; engine: string } | undefined;
    if (status !== undefined) {
      void vscode.window.showInformationMessage(`Pleach ${status.version}: ${status.engine}`);
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

  showOutput(): void {
    this.output.show();
  }

  private jobEvent(event: JobEvent): void {
    const job = this.jobs.take(event);
    switch (event.kind) {
      case 'started':
        this.output.info(`job ${job.number}: ${job.title}`);
        if (vscode.workspace.getConfiguration('pleach').get<boolean>('showReply', false)) {
          void this.replies.show(job);
        }
        break;
      case 'text':
      case 'phase':
        this.replies.update(job);
        break;
      case 'verdict':
        this.output.info(`job ${job.number}: ${event.message ?? ''}`);
        break;
      case 'finished':
        this.output.info(`job ${job.number}: ${event.summary ?? 'done'} (${event.engine ?? ''})`);
        break;
      case 'failed':
        this.output.warn(`job ${job.number}: ${event.message ?? ''}. Next: ${event.next ?? ''}`);
        break;
      default:
    }
  }

  async trace(): Promise<void> {
    const level = vscode.workspace.getConfiguration('pleach').get<string>('trace', 'off');
    await this.client?.setTrace(Trace.fromString(level));
  }

  async restart(): Promise<LanguageClient | undefined> {
    await this.stop();
    await this.start();
    return this.running();
  }

  private running(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop() === true) {
      await client.stop();
    }
    await client?.dispose();
  }

  dispose(): void {
    this.replies.dispose();
    this.progress.dispose();
    this.output.dispose();
  }
}

let extension: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const it = new Extension();
  extension = it;
  const register = (command: string, run: () => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(command, run);
  context.subscriptions.push(
    it,
    // The server's own commands (`pleach.rewrite` …) are registered by the language client; these are
    // others, which say where.
    ...ON_A_PLACE.map((name) => register(`pleach.here.${name}`, () => it.onPlace(name))),
    register('pleach.here.land', () => it.land()),
    register('pleach.here.cancel', () => it.cancel()),
    register('pleach.here.undo', () => it.undo()),
    register('pleach.here.status', () => it.status()),
    register('pleach.showReply', () => it.showReply()),
    register('pleach.showOutput', () => it.showOutput()),
    register('pleach.restart', () => it.restart()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('pleach.path')) {
        void it.restart();
      } else if (change.affectsConfiguration('pleach.trace')) {
        void it.trace();
      }
    }),
  );
  await it.start();
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}
