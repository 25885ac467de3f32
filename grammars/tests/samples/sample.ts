import type { Coin } from './coin';
import { readFile as read } from 'node:fs/promises';

/** The most coins that a till holds. */
export const MOST = 64;

/** What can be counted. */
export interface Count<T> {
  /** The unit. */
  readonly unit?: T;
  count(): number;
}

export type Purse = Coin[] | null;

export enum Failure {
  Empty,
  Short = 'short',
}

@Injectable()
export abstract class Till implements Count<Coin> {
  private coins: Map<number, number> = new Map();

  constructor(private readonly label: string) {}

  /** Adds everything up. */
  @memoize
  public count(): number {
    return 0;
  }

  abstract take(amount: number): Promise<Coin>;
}

export default async function main<T extends Count<T>>(argv: string[], amount?: number): Promise<void> {
  const { a, b: renamed = 2, ...rest } = argv as any;
  if (!a) throw new Error(`no ${renamed}`);
}

namespace Inner {
  export function helper(this: Till, x: number): x is 3 {
    return x === 3;
  }
}

declare module 'other' {
  function outside(): void;
}

export const arrow = <T,>(x: T): T => x;
function overloaded(x: string): void;
function overloaded(x: any) {}
