import assert from 'node:assert/strict';
import { test } from 'node:test';

import { needsGoal, needsInstruction, needsNote, readArguments } from './protocol';

test('an argument is an object or a bare instruction', () => {
  assert.deepEqual(readArguments(['sort it']), { instruction: 'sort it' });
  assert.deepEqual(readArguments([{ job: 3 }]), { job: 3 });
  assert.deepEqual(readArguments([]), {});
  assert.deepEqual(readArguments([null]), {});
});

test('only a rewrite without words asks for them, and a second try without a note', () => {
  assert.equal(needsInstruction('pleach.rewrite', {}), true);
  assert.equal(needsInstruction('pleach.rewrite', { instruction: '  ' }), true);
  assert.equal(needsInstruction('pleach.rewrite', { instruction: 'sort it' }), false);
  assert.equal(needsInstruction('pleach.document', {}), false);
  assert.equal(needsNote('pleach.retry', {}), true);
  assert.equal(needsNote('pleach.retry', { note: 'shorter' }), false);
});

test('a plan that is not made of something that is there needs a goal', () => {
  assert.equal(needsGoal('pleach.plan', {}), true);
  assert.equal(needsGoal('pleach.plan', { goal: 'lend books' }), false);
  assert.equal(needsGoal('pleach.plan', { from: 'todos' }), false);
  assert.equal(needsGoal('pleach.plan.run', {}), false);
});
