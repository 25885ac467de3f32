// What travels between the extension and the server. No editor is needed to read or test this file.

/** A place in a document, zero-based, columns in UTF-16 units, as VS Code counts. */
export interface Place {
  line: number;
  character: number;
}

/** The one argument of every command of the server. */
export interface CommandArguments {
  uri?: string;
  range?: { start: Place; end: Place };
  instruction?: string;
  reply?: string;
  note?: string;
  job?: number;
  diagnostics?: unknown[];
  [more: string]: unknown;
}

/** One `pleach/job` notification. */
export interface JobEvent {
  job: number;
  seq: number;
  kind: 'started' | 'phase' | 'text' | 'hunk' | 'verdict' | 'usage' | 'finished' | 'failed';
  title?: string;
  phase?: string;
  text?: string;
  engine?: string;
  landed?: boolean;
  summary?: string;
  code?: string;
  message?: string;
  next?: string;
  kept?: string | null;
}

/** Reads the first argument of a command: an object, or a bare instruction. */
export function readArguments(given: readonly unknown[]): CommandArguments {
  const first = given[0];
  if (typeof first === 'string') {
    return { instruction: first };
  }
  return typeof first === 'object' && first !== null ? { ...(first as CommandArguments) } : {};
}

/** Whether the instruction has to be asked for before `command` can be sent. */
export function needsInstruction(command: string, given: CommandArguments): boolean {
  return command === 'pleach.rewrite' && (given.instruction ?? '').trim() === '';
}

/** Whether it has to be asked what should be different before `command` can be sent. */
export function needsNote(command: string, given: CommandArguments): boolean {
  return command === 'pleach.retry' && (given.note ?? '').trim() === '';
}

/** A job as far as its events tell. */
export interface Job {
  readonly number: number;
  title: string;
  text: string;
  state: 'running' | 'finished' | 'failed';
}

/** The jobs of a session, in the order in which they began. */
export class Jobs {
  private readonly byNumber = new Map<number, Job>();

  /** Takes in an event and gives its job. */
  take(event: JobEvent): Job {
    const job = this.byNumber.get(event.job) ?? { number: event.job, title: '', text: '', state: 'running' };
    this.byNumber.set(event.job, job);
    switch (event.kind) {
      case 'started':
        job.title = event.title ?? '';
        break;
      case 'phase':
        if (event.phase?.startsWith('asking again')) {
          job.text = ''; // What follows is another reply.
        }
        break;
      case 'text':
        job.text += event.text ?? '';
        break;
      case 'finished':
      case 'failed':
        job.state = event.kind;
        break;
      default:
    }
    return job;
  }

  get(number: number): Job | undefined {
    return this.byNumber.get(number);
  }

  last(): Job | undefined {
    return [...this.byNumber.values()].at(-1);
  }

  running(): Job[] {
    return [...this.byNumber.values()].filter((job) => job.state === 'running');
  }

  /** Forgets everything: the server was started anew and counts from 1. */
  clear(): void {
    this.byNumber.clear();
  }
}
