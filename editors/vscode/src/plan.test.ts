import assert from 'node:assert/strict';
import { test } from 'node:test';

import { progressOf, stepsOf, titleOf } from './plan';

const PLAN = `# Lend books

## Goal

1. [ ] this is no step

## Steps

1. [x] Write \`lend\`
   - files: \`src/loans.rs\`
2. [~] Document it
3. [!] Test it
4. [ ] Say so
   - [ ] neither is this

## Notes

5. [ ] nor this
`;

test('the steps of a plan are the items with a box under their heading', () => {
  const steps = stepsOf(PLAN);
  assert.deepEqual(
    steps.map(({ number, title, state, line }) => `${line}: ${number} ${title}, ${state}`),
    ['8: 1 Write lend, done', '10: 2 Document it, running', '11: 3 Test it, failed', '12: 4 Say so, todo'],
  );
  assert.equal(titleOf(PLAN), 'Lend books');
  assert.equal(progressOf(steps), '1 of 4 done');
});
