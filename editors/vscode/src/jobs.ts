// The jobs of a session, as their events tell them.

import type { JobEvent } from './protocol';
import { Signal } from './signal';

/** How many jobs that have ended are remembered. */
const REMEMBERED = 20;

export interface Job {
  readonly number: number;
  title: string;
  /** The reply as far as it is written. */
  text: string;
  state: 'running' | 'finished' | 'failed' | 'lost';
  /** What the server says of its progress: phase, tokens, seconds, cost, engine. */
  line: string;
  engine: string;
  landed: boolean;
  /** What it has cost, in words; empty where nothing is said. */
  cost: string;
  /** What was said before about what it will cost. */
  estimate: string;
  /** The proposal that waits for a decision since it ended. */
  review?: number;
  /** The file with an answer to read, or with the reply of a job that failed. */
  file?: string;
}

/** A `$/progress` message of a job. */
export interface Step {
  kind: 'begin' | 'report' | 'end';
  title?: string;
  message?: string;
}

export class Jobs {
  private readonly byNumber = new Map<number, Job>();
  /** Something of a job is different. */
  readonly changed = new Signal<Job>();
  /** A job began or ended. */
  readonly turned = new Signal<Job>();

  /** Takes in an event and gives its job. */
  take(event: JobEvent): Job {
    const job = this.at(event.job);
    switch (event.kind) {
      case 'started':
        job.title = event.title ?? '';
        break;
      case 'phase':
        if (event.phase?.startsWith('asking again') || event.phase?.startsWith('mending')) {
          job.text = ''; // What follows is another reply.
        }
        job.line ||= event.phase ?? '';
        break;
      case 'engine':
        job.engine = event.engine ?? job.engine;
        break;
      case 'text':
        job.text += event.text ?? '';
        break;
      case 'stage':
        job.text = ''; // Somebody else goes on.
        break;
      case 'takenBack':
        job.text = Buffer.from(job.text).subarray(0, event.bytes ?? 0).toString();
        break;
      case 'estimate':
        job.estimate = event.message ?? '';
        break;
      case 'usage':
        job.cost = event.cost ?? '';
        break;
      case 'finished':
      case 'failed': {
        job.state = event.kind;
        job.engine = event.engine ?? job.engine;
        job.landed = event.landed ?? false;
        job.line = event.summary ?? event.message ?? '';
        const file = event.answer ?? event.kept;
        if (file != null) {
          job.file = file;
        }
        if (event.review !== undefined) {
          job.review = event.review;
        }
        this.forget();
        break;
      }
      default:
    }
    this.changed.fire(job);
    if (event.kind === 'started' || job.state !== 'running') {
      this.turned.fire(job);
    }
    return job;
  }

  /** Takes in what the server says of its progress; `token` is `pleach/job/N`. */
  progress(token: string, step: Step): Job | undefined {
    const job = this.byNumber.get(Number(token.slice(token.lastIndexOf('/') + 1)));
    if (job?.state === 'running' && step.kind !== 'end' && step.message !== undefined) {
      job.line = step.message;
      this.changed.fire(job);
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

  /** All of them, the newest first. */
  all(): Job[] {
    return [...this.byNumber.values()].reverse();
  }

  /** The server has gone, and with it whatever it was doing. The next one counts from 1. */
  lose(): Job[] {
    const lost = this.running();
    this.byNumber.clear();
    for (const job of lost) {
      job.state = 'lost';
      this.turned.fire(job);
    }
    return lost;
  }

  private at(number: number): Job {
    let job = this.byNumber.get(number);
    if (job === undefined) {
      job = { number, title: '', text: '', state: 'running', line: '', engine: '', landed: false, cost: '', estimate: '' };
      this.byNumber.set(number, job);
    }
    return job;
  }

  private forget(): void {
    const ended = [...this.byNumber.values()].filter((job) => job.state !== 'running');
    for (const job of ended.slice(0, Math.max(0, ended.length - REMEMBERED))) {
      this.byNumber.delete(job.number);
    }
  }
}
