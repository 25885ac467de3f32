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

/** The form of each state in a square of 16: told by shape, not by colour alone. Nothing moves. */
const SHAPES: Record<StepState, string> = {
  todo: '<circle cx="8" cy="8" r="5"/>',
  running: '<circle cx="8" cy="8" r="5"/><path d="M8 5v3l2 2"/>',
  waiting: '<path d="M6 6a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1.1M8 11.5v.5"/>',
  done: '<path d="M3.5 8.5l3 3 6-7"/>',
  skipped: '<path d="M4 8h8"/>',
  failed: '<path d="M4.5 4.5l7 7m0-7l-7 7"/>',
};

const COLORS: Record<StepState, { light: string; dark: string }> = {
  todo: { light: '#767676', dark: '#8b949e' },
  running: { light: '#005fb8', dark: '#4daafc' },
  waiting: { light: '#895503', dark: '#e2c08d' },
  done: { light: '#2a7d2e', dark: '#73c991' },
  skipped: { light: '#767676', dark: '#8b949e' },
  failed: { light: '#c72e2e', dark: '#f88070' },
};

/** The mark of a state in the gutter, as an address that holds the picture. */
export function gutterIcon(state: StepState, theme: 'light' | 'dark'): string {
  const picture =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="${COLORS[state][theme]}" ` +
    `stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">${SHAPES[state]}</svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(picture).toString('base64')}`;
}
