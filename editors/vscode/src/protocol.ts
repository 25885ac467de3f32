// What travels between the extension and the server. No editor is needed to read or test this file.

/** A place in a document, zero-based, columns in UTF-16 units, as VS Code counts. */
export interface Place {
  line: number;
  character: number;
}

export interface Span {
  start: Place;
  end: Place;
}

/** What is put where. */
export interface Edit {
  range: Span;
  newText: string;
}

/** The one argument of every command of the server. */
export interface CommandArguments {
  uri?: string;
  range?: Span;
  instruction?: string;
  goal?: string;
  from?: string;
  step?: number;
  reply?: string;
  note?: string;
  job?: number;
  review?: number;
  hunk?: number;
  path?: string;
  choice?: string;
  entry?: number;
  all?: boolean;
  diagnostics?: unknown[];
  [more: string]: unknown;
}

/** One `pleach/job` notification. */
export interface JobEvent {
  job: number;
  seq: number;
  kind:
    | 'started'
    | 'phase'
    | 'engine'
    | 'text'
    | 'takenBack'
    | 'hunk'
    | 'verdict'
    | 'tested'
    | 'stage'
    | 'estimate'
    | 'usage'
    | 'finished'
    | 'failed';
  action?: string;
  title?: string;
  uri?: string | null;
  phase?: string;
  text?: string;
  /** Of a reply that broke off, so many bytes count. */
  bytes?: number;
  engine?: string;
  inputTokens?: number;
  outputTokens?: number;
  /** What the job has cost so far, in words. */
  cost?: string | null;
  landed?: boolean;
  review?: number;
  hunks?: number;
  summary?: string;
  answer?: string | null;
  code?: string;
  message?: string;
  next?: string;
  kept?: string | null;
}

/** One change that waits for a decision. */
export interface Hunk {
  hunk: number;
  kind: 'text' | 'create' | 'delete' | 'rename';
  path: string;
  uri?: string | null;
  range: Span;
  summary: string;
  /** `conflict`: something was typed there. `there`: the text has it already. */
  state: 'pending' | 'conflict' | 'there';
  /** The hunks that it cannot be without. */
  needs?: number[];
  impact?: string | null;
  /** What it would put where in the present text. */
  edits?: Edit[];
}

/** A `pleach/review` notification, and an entry of what `pleach.reviews` answers. Without hunks it is closed. */
export interface Review {
  review: number;
  title?: string;
  engine?: string;
  hunks: Hunk[];
}

/** An entry of what `pleach.history` answers. */
export interface Landed {
  entry: number;
  title: string;
  when: string;
  files: string[];
  undone: boolean;
  undoes?: number | null;
}

/** What `pleach.status` answers, as far as it is used here. */
export interface Status {
  version: string;
  engine: string;
  undoable?: number;
  settingsProblems?: number;
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

/** Whether it has to be asked what a plan is for before `command` can be sent. */
export function needsGoal(command: string, given: CommandArguments): boolean {
  return command === 'pleach.plan' && given.from === undefined && (given.goal ?? given.instruction ?? '').trim() === '';
}
