// What was typed before, offered again.

/** How many of each kind are kept. */
const KEPT = 30;

/** `earlier` with `text` as its newest, each text once. */
export function remembered(earlier: readonly string[], text: string): string[] {
  const clean = text.trim();
  return [clean, ...earlier.filter((other) => other !== clean)].slice(0, KEPT);
}

/** The texts to offer while `typed` stands in the box: itself first, then those that contain its words. */
export function offered(earlier: readonly string[], typed: string): string[] {
  const clean = typed.trim();
  const words = clean.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const fitting = earlier.filter(
    (text) => text !== clean && words.every((word) => text.toLowerCase().includes(word)),
  );
  return clean === '' ? fitting : [clean, ...fitting];
}
