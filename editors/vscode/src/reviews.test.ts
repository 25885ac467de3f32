import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Hunk } from './protocol';
import { filesOf, hunkAt, neighbour, Reviews } from './reviews';

const hunk = (number: number, path: string, line: number): Hunk => ({
  hunk: number,
  kind: 'text',
  path,
  uri: `file:///${path}`,
  range: { start: { line, character: 0 }, end: { line: line + 1, character: 0 } },
  summary: `hunk ${number}`,
  state: 'pending',
});

test('a proposal without hunks has been decided on', () => {
  const reviews = new Reviews();
  let told = 0;
  reviews.changed.on(() => (told += 1));
  reviews.take({ review: 7, hunks: [hunk(0, 'a.rs', 1), hunk(1, 'a.rs', 9)] });
  assert.equal(reviews.count(), 2);
  reviews.take({ review: 7, hunks: [hunk(1, 'a.rs', 9)] });
  assert.equal(reviews.count(), 1);
  reviews.take({ review: 7, hunks: [] });
  assert.deepEqual(reviews.all(), []);
  assert.equal(told, 3);
});

test('the hunks of a document come in the order of their places, and are stepped through in a ring', () => {
  const reviews = new Reviews();
  reviews.take({ review: 1, hunks: [hunk(0, 'a.rs', 20), hunk(1, 'b.rs', 3)] });
  reviews.take({ review: 2, hunks: [hunk(0, 'a.rs', 5)] });
  const here = reviews.within((uri) => uri === 'file:///a.rs');
  assert.deepEqual(here.map(({ hunk }) => hunk.range.start.line), [5, 20]);
  assert.equal(hunkAt(here, 6)?.review.review, 2);
  assert.equal(hunkAt(here, 12), undefined);
  assert.equal(neighbour(here, 5, true)?.hunk.range.start.line, 20);
  assert.equal(neighbour(here, 20, true)?.hunk.range.start.line, 5);
  assert.equal(neighbour(here, 5, false)?.hunk.range.start.line, 20);
});

test('a proposal is told file by file', () => {
  const review = { review: 1, hunks: [hunk(0, 'a.rs', 20), hunk(1, 'b.rs', 3), hunk(2, 'a.rs', 30)] };
  assert.deepEqual(filesOf(review).map(({ path, hunks }) => `${path} ${hunks.length}`), ['a.rs 2', 'b.rs 1']);
});
