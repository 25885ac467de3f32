#!/usr/bin/env node
// A small till.
import fs, { readFile as read } from 'node:fs';

/** The most coins that a till holds. */
export const MOST = 64, LEAST = 0;

/**
 * Coins, by their worth.
 */
export default class Till extends Base {
  #coins = new Map();
  static label = 'till';

  constructor(label) {
    super();
    this.label = label;
  }

  /** Adds everything up. */
  count() {
    return [...this.#coins].reduce((sum, [worth, n]) => sum + worth * n, 0);
  }

  get empty() {
    return this.count() === 0;
  }

  static async *take(amount = 0, { missing } = {}) {
    yield* amount;
  }
}

function main(...args) {
  const inner = (x) => x;
  return inner(args);
}

const helper = async function () {};
let short = x => x * 2;
module.exports.run = function run() {};

const View = () => <div className="till">{MOST}</div>;

describe('till', () => {
  it('starts empty', () => {
    expect(new Till().empty).toBe(true);
  });
});
