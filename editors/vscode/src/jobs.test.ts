import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Jobs } from './jobs';

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

test('a reply that broke off keeps what counts of it, and who answers may change', () => {
  const jobs = new Jobs();
  jobs.take({ job: 1, seq: 0, kind: 'text', text: 'größer ha' });
  jobs.take({ job: 1, seq: 1, kind: 'takenBack', bytes: Buffer.byteLength('größer ') });
  assert.equal(jobs.take({ job: 1, seq: 2, kind: 'text', text: 'als' }).text, 'größer als');
  assert.equal(jobs.take({ job: 1, seq: 3, kind: 'engine', engine: 'b, in place of a' }).engine, 'b, in place of a');
});

test('what the server says of its progress is shown until the job has ended', () => {
  const jobs = new Jobs();
  jobs.take({ job: 2, seq: 0, kind: 'started', title: 'Document' });
  jobs.progress('pleach/job/2', { kind: 'report', message: 'writing · 12 tokens · 3 s' });
  assert.equal(jobs.get(2)?.line, 'writing · 12 tokens · 3 s');
  jobs.take({ job: 2, seq: 1, kind: 'finished', landed: false, review: 2, summary: '2 hunks wait' });
  jobs.progress('pleach/job/2', { kind: 'end', message: 'the end' });
  assert.equal(jobs.get(2)?.line, '2 hunks wait');
  assert.equal(jobs.get(2)?.review, 2);
});

test('jobs of a server that has gone are lost, and the next server counts from 1', () => {
  const jobs = new Jobs();
  const ended: string[] = [];
  jobs.turned.on(({ title, state }) => void ended.push(`${title} ${state}`));
  jobs.take({ job: 1, seq: 0, kind: 'started', title: 'Fix' });
  assert.deepEqual(jobs.lose().map(({ title }) => title), ['Fix']);
  assert.deepEqual(ended, ['Fix running', 'Fix lost']);
  assert.equal(jobs.take({ job: 1, seq: 0, kind: 'started', title: 'Review' }).title, 'Review');
});

test('what a job will cost and has cost is kept beyond its end', () => {
  const jobs = new Jobs();
  jobs.take({ job: 3, seq: 0, kind: 'started', title: 'Fix' });
  jobs.take({ job: 3, seq: 1, kind: 'estimate', message: 'about $0.02' });
  jobs.take({ job: 3, seq: 2, kind: 'usage', outputTokens: 9, cost: '$0.0123' });
  const job = jobs.take({ job: 3, seq: 3, kind: 'finished', landed: true, summary: 'one hunk' });
  assert.deepEqual([job.estimate, job.cost], ['about $0.02', '$0.0123']);
});
