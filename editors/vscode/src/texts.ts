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

/** A change as the lines of a diff: what goes and what comes, with the whole lines that it is part of. */
export function asDiff(text: string, edits: readonly Edit[]): string {
  const first = Math.min(...edits.map(({ range }) => range.start.line));
  const last = Math.max(...edits.map(({ range }) => range.end.line));
  const before = text.split(/\r\n|\r|\n/);
  const after = edited(text, edits).split(/\r\n|\r|\n/);
  const behind = before.length - 1 - last;
  const old = before.slice(first, last + 1);
  const now = after.slice(first, after.length - behind);
  while (old.length > 0 && now.length > 0 && old[0] === now[0]) {
    old.shift();
    now.shift();
  }
  while (old.length > 0 && now.length > 0 && old.at(-1) === now.at(-1)) {
    old.pop();
    now.pop();
  }
  return [...old.map((line) => `-${line}`), ...now.map((line) => `+${line}`)].join('\n');
}
