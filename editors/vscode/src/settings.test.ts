import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asTable } from './settings';

test('settings take the form of pleach.toml', () => {
  const provider = { base_url: 'http://127.0.0.1:8080/v1', model: 'qwen' };
  const table = asTable([
    { key: 'engine', value: 'local' },
    { key: 'limits.maxAttempts', value: 1 },
    { key: 'limits.firstByteSeconds', value: 5 },
    { key: 'providers', value: { local: provider } },
  ]);
  assert.deepEqual(table, {
    engine: 'local',
    limits: { max_attempts: 1, first_byte_seconds: 5 },
    providers: { local: provider },
  });
});
