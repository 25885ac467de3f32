import assert from 'node:assert/strict';
import { test } from 'node:test';

import { gutterIcon, progressOf, stepsOf, titleOf } from './plan';

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

test('each state has a mark of its own shape in the gutter, and nothing in it moves', () => {
  const states = ['todo', 'running', 'waiting', 'done', 'skipped', 'failed'] as const;
  const pictures = states.flatMap((state) =>
    (['light', 'dark'] as const).map((theme) => {
      const [head, data] = gutterIcon(state, theme).split(',');
      assert.equal(head, 'data:image/svg+xml;base64');
      return Buffer.from(data ?? '', 'base64').toString();
    }),
  );
  assert.equal(new Set(pictures).size, pictures.length);
  const shapes = pictures.map((picture) => picture.replace(/stroke="#\w+"/, ''));
  assert.equal(new Set(shapes).size, states.length);
  assert(pictures.every((picture) => !picture.includes('animate')));
});
