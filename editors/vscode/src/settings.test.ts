import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asTable, withoutModels } from './settings';

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

// What the server makes of it: server/policy/tests/suite/settings.rs, `an_editor_can_have_nothing_sent`.
test('in a folder that is not trusted no role has a model of its own, and no file is embedded', () => {
  const chosen = { engine: 'a', models: { coder: 'a' }, embeddings: { provider: 'a' }, review: 'land' };
  assert.deepEqual(withoutModels(chosen), {
    engine: 'builtin',
    models: { planner: 'builtin', coder: 'builtin', tester: 'builtin', documenter: 'builtin', reviewer: 'builtin' },
    embeddings: { tokens_per_day: 0 },
    review: 'land',
  });
});
