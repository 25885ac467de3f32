import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Edit } from './protocol';
import { asDiff, edited, fingerprint, glances } from './texts';

const edit = (from: [number, number], to: [number, number], newText: string): Edit => ({
  range: { start: { line: from[0], character: from[1] }, end: { line: to[0], character: to[1] } },
  newText,
});

test('edits are about the text as it was, in whatever order they come', () => {
  const text = 'one\ntwo\nthree\n';
  assert.equal(edited(text, [edit([2, 0], [2, 5], '3'), edit([0, 0], [0, 3], '1\n1')]), '1\n1\ntwo\n3\n');
  assert.equal(edited(text, [edit([1, 3], [1, 3], ' a'), edit([1, 3], [1, 3], ' b')]), 'one\ntwo a b\nthree\n');
});

test('lines end with CR LF, LF or CR, and a column behind the end is the end', () => {
  assert.equal(edited('a\r\nb\rc', [edit([1, 0], [1, 99], 'B')]), 'a\r\nB\rc');
  assert.equal(edited('a', [edit([9, 0], [9, 0], '!')]), 'a!');
});

test('columns are UTF-16 units', () => {
  assert.equal(edited('😀x', [edit([0, 2], [0, 3], 'y')]), '😀y');
});

test('what overlaps is left out: it cannot be shown together', () => {
  assert.equal(edited('abcdef', [edit([0, 0], [0, 3], 'X'), edit([0, 2], [0, 4], 'Y')]), 'Xdef');
});

test('a fingerprint tells texts apart, not their line endings', () => {
  assert.equal(fingerprint('a\r\nb\r'), fingerprint('a\nb\n'));
  assert.notEqual(fingerprint('a\nb'), fingerprint('a\nb\n'));
});

test('a change is shown with the whole lines that it is part of', () => {
  const text = 'let a = 1;\nlet b = 2;\nlet c = 3;\n';
  assert.equal(asDiff(text, [edit([1, 8], [1, 9], '20')]), '-let b = 2;\n+let b = 20;');
  assert.equal(asDiff(text, [edit([1, 0], [1, 0], '// b\n')]), '+// b');
  assert.equal(asDiff(text, [edit([0, 0], [1, 0], '')]), '-let a = 1;');
});

test('at a glance: what each line becomes, and how many come after it', () => {
  const text = 'let a = 1;\nlet b = 2;\nlet c = 3;\n';
  assert.deepEqual(glances(text, [edit([1, 8], [1, 9], '20')]), [{ line: 1, text: 'let b = 20;' }]);
  assert.deepEqual(glances(text, [edit([1, 0], [1, 0], '// b\n// or not\n')]), [{ line: 0, text: '// b (+1 line)' }]);
  const both = [edit([0, 4], [0, 5], 'x'), edit([1, 4], [1, 5], 'y'), edit([1, 10], [1, 10], '\nlet z = 0;')];
  assert.deepEqual(glances(text, both), [
    { line: 0, text: 'let x = 1;' },
    { line: 1, text: 'let y = 2; (+1 line)' },
  ]);
  assert.deepEqual(glances(text, [edit([0, 0], [1, 0], '')]), []);
});
