// The settings of `pleach.toml` that were set in VS Code, in the form in which the server reads them.

/** A setting of VS Code and its value. */
export interface Chosen {
  /** Without `pleach.`: `limits.maxAttempts`. */
  key: string;
  value: unknown;
}

/** `limits.maxAttempts` is `max_attempts` in the table `limits`. */
export function asTable(chosen: readonly Chosen[]): Record<string, unknown> {
  const table: Record<string, unknown> = {};
  for (const { key, value } of chosen) {
    const names = key.split('.').map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    const last = names.pop() ?? '';
    let inner = table;
    for (const name of names) {
      const next = (inner[name] ?? {}) as Record<string, unknown>;
      inner[name] = next;
      inner = next;
    }
    inner[last] = value;
  }
  return table;
}

/** Whoever may answer for a role of their own. */
const ROLES = ['planner', 'coder', 'tester', 'documenter', 'reviewer'];

/** Settings with which nothing goes to a model, whatever stands in the person's own `pleach.toml`. */
export function withoutModels(settings: Record<string, unknown>): Record<string, unknown> {
  return {
    ...settings,
    engine: 'builtin',
    models: Object.fromEntries(ROLES.map((role) => [role, 'builtin'])),
    embeddings: { tokens_per_day: 0 },
  };
}
