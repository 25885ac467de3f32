import assert from 'node:assert/strict';
import { test } from 'node:test';

import { offered, remembered } from './instructions';

test('the newest comes first, and each only once', () => {
  assert.deepEqual(remembered(['b', 'a'], ' a '), ['a', 'b']);
  const many = Array.from({ length: 40 }, (_, index) => `${index}`);
  assert.equal(remembered(many, 'new').length, 30);
});

test('what is typed stands first, before what was typed earlier and holds its words', () => {
  const earlier = ['rename total to sum', 'sort the list', 'sum it'];
  assert.deepEqual(offered(earlier, ''), earlier);
  assert.deepEqual(offered(earlier, 'sum'), ['sum', 'rename total to sum', 'sum it']);
  assert.deepEqual(offered(earlier, 'to rename'), ['to rename', 'rename total to sum']);
  assert.deepEqual(offered(earlier, 'sum it'), ['sum it']);
});
