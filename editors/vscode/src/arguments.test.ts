import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Jobs, needsInstruction, readArguments } from './arguments';

test('an argument is an object or a bare instruction', () => {
  assert.deepEqual(readArguments(['sort it']), { instruction: 'sort it' });
  assert.deepEqual(readArguments([{ job: 3 }]), { job: 3 });
  assert.deepEqual(readArguments([]), {});
  assert.deepEqual(readArguments([null]), {});
});

test('only a rewrite without words asks for them', () => {
  assert.equal(needsInstruction('pleach.rewrite', {}), true);
  assert.equal(needsInstruction('pleach.rewrite', { instruction: '  ' }), true);
  assert.equal(needsInstruction('pleach.rewrite', { instruction: 'sort it' }), false);
  assert.equal(needsInstruction('pleach.document', {}), false);
});

test('a job gathers its text, and starts afresh when the model is asked again', () => {
  const jobs = new Jobs();
  jobs.take({ job: 1, seq: 0, kind: 'started', title: 'Rewrite' });
  jobs.take({ job: 1, seq: 1, kind: 'text', text: 'wro' });
  assert.equal(jobs.take({ job: 1, seq: 2, kind: 'text', text: 'ng' }).text, 'wrong');
  jobs.take({ job: 1, seq: 3, kind: 'phase', phase: 'asking again (1)' });
  assert.equal(jobs.take({ job: 1, seq: 4, kind: 'text', text: 'right' }).text, 'right');
  assert.equal(jobs.running().length, 1);
  jobs.take({ job: 1, seq: 5, kind: 'finished', landed: true });
  assert.deepEqual(jobs.running(), []);
  assert.equal(jobs.last()?.title, 'Rewrite');
});
