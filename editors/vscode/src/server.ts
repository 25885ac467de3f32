// The server: found, started, watched, asked.

import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  State,
  Trace,
  type ErrorHandler,
  type LanguageClientOptions,
  type Middleware,
} from 'vscode-languageclient/node';

import { applyEdit } from './edits';
import type { Jobs, Step } from './jobs';
import { findProgram, tellMissing } from './program';
import { readArguments, type CommandArguments, type JobEvent, type Landed, type Review, type Status } from './protocol';
import type { Reviews } from './reviews';
import { asTable, type Chosen, withoutModels } from './settings';
import { Signal } from './signal';
import type { Words } from './words';

/** It is started again at most this often … */
const RESTARTS = 3;
/** … within this many milliseconds. */
const WITHIN = 180_000;

export type ServerState = 'starting' | 'running' | 'stopped' | 'missing';

/** What a command of the server does here instead of being sent. */
export type Instead = (command: string, given: CommandArguments) => Promise<boolean>;

export class Server {
  readonly changed = new Signal();
  state: ServerState = 'stopped';
  /** What answers, as the server says it. */
  engine = '';
  landed: Landed[] = [];

  private client: LanguageClient | undefined;
  private ends: number[] = [];

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
    private readonly jobs: Jobs,
    private readonly reviews: Reviews,
    private readonly words: Words,
    private readonly instead: Instead,
  ) {}

  async start(): Promise<void> {
    const program = await findProgram(this.context.extensionPath);
    if (program === undefined) {
      this.turn('missing');
      void tellMissing();
      return;
    }
    this.output.info(`starting ${program} lsp`);
    this.turn('starting');
    const client = new LanguageClient('pleach', 'Pleach', { command: program, args: ['lsp'] }, this.options());
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (client === this.client) {
        void this.clientTurned(newState);
      }
    });
    client.onNotification('pleach/job', (event: JobEvent) => void this.jobs.take(event));
    client.onNotification('pleach/review', (review: Review) => this.reviews.take(review));
    try {
      await client.start();
      await this.trace();
    } catch (error) {
      this.output.error(`the server did not start: ${String(error)}`);
      this.turn('stopped');
      await this.tell(`${program} did not start. Run \`pleach doctor\` in a terminal to see why.`, 'error');
    }
  }

  /** Starts it, or starts it anew. */
  async restart(): Promise<void> {
    this.ends = [];
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.lost();
    if (client?.needsStop() === true) {
      await client.stop();
    }
    await client?.dispose();
    this.turn('stopped');
  }

  async trace(): Promise<void> {
    const level = vscode.workspace.getConfiguration('pleach').get<string>('trace', 'off');
    await this.client?.setTrace(Trace.fromString(level));
  }

  /** Sends the settings again. */
  async configure(): Promise<void> {
    await this.running()?.sendNotification('workspace/didChangeConfiguration', { settings: { pleach: this.settings() } });
    await this.look();
  }

  /** Sends a command. Why one was refused is shown by the server itself. */
  async send(command: string, given: CommandArguments = {}): Promise<unknown> {
    if (this.running() === undefined) {
      await this.restart();
    }
    const words = await this.words.complete(command, given);
    return words === undefined ? undefined : this.ask(command, words);
  }

  /** The diagnostics of the editor in the form in which the server reads them. */
  async diagnostics(here: readonly vscode.Diagnostic[]): Promise<unknown[]> {
    return (await this.client?.code2ProtocolConverter.asDiagnostics([...here])) ?? [];
  }

  /** Whether this server has a command: an older one may be installed. */
  offers(command: string): boolean {
    return this.running()?.initializeResult?.capabilities.executeCommandProvider?.commands.includes(command) ?? false;
  }

  /** Asks what landed and what answers. */
  async look(): Promise<void> {
    const [status, landed] = await Promise.all([this.ask('pleach.status', {}), this.ask('pleach.history', {})]);
    this.engine = (status as Status | undefined)?.engine ?? this.engine;
    this.landed = (landed as Landed[] | undefined) ?? [];
    this.changed.fire();
  }

  private async ask(command: string, given: CommandArguments): Promise<unknown> {
    try {
      return await this.running()?.sendRequest(ExecuteCommandRequest.type, { command, arguments: [given] });
    } catch (error) {
      this.output.warn(`${command}: ${String(error)}`);
      return undefined;
    }
  }

  private running(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  private turn(state: ServerState): void {
    this.state = state;
    this.changed.fire();
  }

  private async clientTurned(state: State): Promise<void> {
    switch (state) {
      case State.Running:
        this.turn('running');
        void vscode.commands.executeCommand('setContext', 'pleach.offersPlans', this.offers('pleach.plan'));
        void vscode.commands.executeCommand('setContext', 'pleach.offersUsage', this.offers('pleach.usage'));
        void vscode.commands.executeCommand('setContext', 'pleach.offersTemplates', this.offers('pleach.new'));
        void vscode.commands.executeCommand('setContext', 'pleach.offersChats', this.offers('pleach.chat.new'));
        this.reviews.takeAll(((await this.ask('pleach.reviews', {})) as Review[] | undefined) ?? []);
        await this.look();
        break;
      case State.Stopped:
        this.lost();
        this.turn('stopped');
        break;
      default:
        this.turn('starting');
    }
  }

  /** What the server held in memory has gone with it. */
  private lost(): string[] {
    const lost = this.jobs.lose();
    this.reviews.takeAll([]);
    this.landed = [];
    return lost.map(({ title }) => title);
  }

  private async tell(text: string, how: 'error' | 'warning'): Promise<void> {
    const again = 'Restart';
    const log = 'Show Log';
    const choice = await (how === 'error'
      ? vscode.window.showErrorMessage(`Pleach: ${text}`, again, log)
      : vscode.window.showWarningMessage(`Pleach: ${text}`, log));
    if (choice === log) {
      this.output.show();
    } else if (choice === again) {
      await this.restart();
    }
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      outputChannel: this.output,
      initializationOptions: () => ({ pleach: { jobEvents: true, inputBox: true, settings: this.settings() } }),
      errorHandler: this.errorHandler(),
      middleware: this.middleware(),
    };
  }

  /** What was set in VS Code. A folder's own settings do not count: anybody may have written them. */
  private settings(): Record<string, unknown> {
    const sections = (this.context.extension.packageJSON as Manifest).contributes.configuration;
    const keys = Object.keys(sections.find(({ id }) => id === 'pleach.server')?.properties ?? {});
    const configuration = vscode.workspace.getConfiguration();
    const chosen: Chosen[] = [];
    for (const key of keys) {
      const value = configuration.inspect(key)?.globalValue;
      if (value !== undefined) {
        chosen.push({ key: key.replace(/^pleach\./, ''), value });
      }
    }
    const settings = asTable(chosen);
    // Nothing of a folder that is not trusted goes to a model.
    return vscode.workspace.isTrusted ? settings : withoutModels(settings);
  }

  private errorHandler(): ErrorHandler {
    return {
      error: (error, _message, count) => {
        this.output.error(`the connection to the server: ${error.message}`);
        return { action: (count ?? 0) < 3 ? ErrorAction.Continue : ErrorAction.Shutdown, handled: true };
      },
      closed: () => {
        const now = Date.now();
        this.ends = [...this.ends.filter((end) => now - end < WITHIN), now];
        const lost = this.lost();
        const unfinished = lost.length === 0 ? '' : ` Not finished: ${lost.join(', ')}.`;
        if (this.ends.length > RESTARTS) {
          void this.tell(`the server ended ${this.ends.length} times within three minutes and stays down.${unfinished}`, 'error');
          return { action: CloseAction.DoNotRestart, handled: true };
        }
        void this.tell(`the server ended unexpectedly and is started again.${unfinished}`, 'warning');
        return { action: CloseAction.Restart, handled: true };
      },
    };
  }

  private middleware(): Middleware {
    return {
      // Code actions and code lenses come this way: their commands are the server's own.
      executeCommand: async (command, given: unknown[], next) => {
        const read = readArguments(given);
        if (await this.instead(command, read)) {
          return undefined;
        }
        const words = await this.words.complete(command, read);
        return words === undefined ? undefined : (next(command, [words]) as unknown);
      },
      handleWorkDoneProgress: (token, step: Step, next) => {
        if (typeof token === 'string' && token.startsWith('pleach/job/')) {
          this.jobs.progress(token, step);
        } else {
          next(token, step as Parameters<typeof next>[1]);
        }
      },
      workspace: {
        handleApplyEdit: async (params, next) => {
          const result = await applyEdit(params, async () => {
            const done = await next(params, new vscode.CancellationTokenSource().token);
            return done instanceof Error ? { applied: false, failureReason: done.message } : done;
          });
          if (!result.applied) {
            this.output.warn(`an edit was not applied: ${result.failureReason ?? 'VS Code gives no reason'}`);
          }
          return result;
        },
      },
    };
  }
}

/** What is read of package.json. */
interface Manifest {
  contributes: { configuration: { id?: string; properties: Record<string, unknown> }[] };
}
