// What the steps of a plan document are, as far as a list of them needs it. The server reads plans in full.

/** A step is to do, runs, waits for the person, is done, is skipped, or has failed. */
export type StepState = 'todo' | 'running' | 'waiting' | 'done' | 'skipped' | 'failed';

export interface Step {
  number: number;
  title: string;
  state: StepState;
  /** Counted from 0. */
  line: number;
}

const STATES: Record<string, StepState> = {
  ' ': 'todo',
  '~': 'running',
  '?': 'waiting',
  x: 'done',
  X: 'done',
  '-': 'skipped',
  '!': 'failed',
};

/** The steps of a plan: the numbered items with a box under the heading *Steps*. */
export function stepsOf(text: string): Step[] {
  const steps: Step[] = [];
  let within = false;
  for (const [line, content] of text.split(/\r\n|\r|\n/).entries()) {
    const heading = /^##?\s+(.*?)\s*$/.exec(content);
    if (heading !== null) {
      within = heading[1]?.toLowerCase() === 'steps';
      continue;
    }
    const step = within ? /^ {0,3}(\d+)[.)]\s+\[([ ~?xX!-])\]\s+(.*?)\s*$/.exec(content) : null;
    const state = STATES[step?.[2] ?? ''];
    if (step !== null && state !== undefined) {
      steps.push({ number: Number(step[1]), title: (step[3] ?? '').replaceAll('`', ''), state, line });
    }
  }
  return steps;
}

/** The name that a plan gives itself. */
export function titleOf(text: string): string | undefined {
  return /^#\s+(.*?)\s*$/m.exec(text)?.[1];
}

/** `2 of 5 done`. */
export function progressOf(steps: readonly Step[]): string {
  const over = steps.filter(({ state }) => state === 'done' || state === 'skipped').length;
  return `${over} of ${steps.length} done`;
}
