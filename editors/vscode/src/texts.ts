// Texts and edits as VS Code sees them: lines end with CR LF, LF or CR, columns are UTF-16 units.

import { createHash } from 'node:crypto';

import type { Edit, Place } from './protocol';
import { compare } from './reviews';

/** Where the lines of a text begin. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\r|\n/g)) {
    starts.push(match.index + match[0].length);
  }
  return starts;
}

/** A place as an offset. A column behind the end of its line means that end, as in VS Code. */
function offsetOf(text: string, starts: readonly number[], place: Place): number {
  const start = starts[place.line];
  if (start === undefined) {
    return text.length;
  }
  const next = starts[place.line + 1];
  const line = text.slice(start, next).replace(/[\r\n]+$/, '');
  return start + Math.min(place.character, line.length);
}

/** `text` after `edits`, which are all about the text as it is. One that overlaps an earlier one is left out. */
export function edited(text: string, edits: readonly Edit[]): string {
  const starts = lineStarts(text);
  const sorted = edits
    .map((edit, index) => ({ edit, index }))
    .sort((a, b) => compare(a.edit.range.start, b.edit.range.start) || a.index - b.index);
  let result = '';
  let done = 0;
  for (const { edit } of sorted) {
    const start = offsetOf(text, starts, edit.range.start);
    const end = offsetOf(text, starts, edit.range.end);
    if (start < done || end < start) {
      continue;
    }
    result += text.slice(done, start) + edit.newText;
    done = end;
  }
  return result + text.slice(done);
}

/** A fingerprint of a text. Line endings do not count: VS Code gives each document one kind of its own. */
export function fingerprint(text: string): string {
  return createHash('sha256')
    .update(text.replace(/\r\n?/g, '\n'))
    .digest('hex');
}

/** The lines that a change takes away and puts there, from the line `first` on. */
interface Lines {
  first: number;
  old: string[];
  now: string[];
}

/** A change as whole lines, without those at its ends that stay. */
function wholeLines(text: string, edits: readonly Edit[]): Lines {
  let first = Math.min(...edits.map(({ range }) => range.start.line));
  const last = Math.max(...edits.map(({ range }) => range.end.line));
  const before = text.split(/\r\n|\r|\n/);
  const after = edited(text, edits).split(/\r\n|\r|\n/);
  const behind = before.length - 1 - last;
  const old = before.slice(first, last + 1);
  const now = after.slice(first, after.length - behind);
  while (old.length > 0 && now.length > 0 && old[0] === now[0]) {
    old.shift();
    now.shift();
    first += 1;
  }
  while (old.length > 0 && now.length > 0 && old.at(-1) === now.at(-1)) {
    old.pop();
    now.pop();
  }
  return { first, old, now };
}

/** A change as the lines of a diff: what goes and what comes. */
export function asDiff(text: string, edits: readonly Edit[]): string {
  const { old, now } = wholeLines(text, edits);
  return [...old.map((line) => `-${line}`), ...now.map((line) => `+${line}`)].join('\n');
}

/** New text that is shown at the end of a line. */
export interface Glance {
  line: number;
  text: string;
}

/** What the lines of a change become, one by one; the last of them tells how many more lines come. */
export function glances(text: string, edits: readonly Edit[]): Glance[] {
  const { first, old, now } = wholeLines(text, edits);
  // What is put between two lines is shown behind the first of them.
  const lines = Math.max(1, old.length);
  const from = old.length === 0 ? Math.max(0, first - 1) : first;
  return Array.from({ length: lines }, (_, index) => {
    const more = index === lines - 1 ? now.length - lines : 0;
    const coming = now[index]?.trim() ?? '';
    const text = more > 0 ? `${coming} (+${more === 1 ? '1 line' : `${more} lines`})` : coming;
    return { line: from + index, text: coming === old[index]?.trim() && more <= 0 ? '' : text };
  }).filter(({ text }) => text !== '');
}
