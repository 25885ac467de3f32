// The proposals that wait for a decision, and where their hunks are.

import type { Hunk, Place, Review } from './protocol';
import { Signal } from './signal';

/** A hunk, and the proposal that it is part of. */
export interface Waiting {
  review: Review;
  hunk: Hunk;
}

/** The hunks of one file of a proposal. */
export interface FileOfReview {
  review: Review;
  path: string;
  uri: string | undefined;
  hunks: Hunk[];
}

export class Reviews {
  private readonly byNumber = new Map<number, Review>();
  readonly changed = new Signal();

  /** Takes in how a proposal stands now. */
  take(review: Review): void {
    if (review.hunks.length === 0) {
      this.byNumber.delete(review.review);
    } else {
      this.byNumber.set(review.review, review);
    }
    this.changed.fire();
  }

  /** Takes in everything that waits. */
  takeAll(reviews: readonly Review[]): void {
    this.byNumber.clear();
    for (const review of reviews) {
      if (review.hunks.length > 0) {
        this.byNumber.set(review.review, review);
      }
    }
    this.changed.fire();
  }

  all(): Review[] {
    return [...this.byNumber.values()];
  }

  get(review: number): Review | undefined {
    return this.byNumber.get(review);
  }

  /** How many hunks wait. */
  count(): number {
    return this.all().reduce((sum, review) => sum + review.hunks.length, 0);
  }

  /** The hunks in a document, in the order of their places. `same` compares uris. */
  within(same: (uri: string) => boolean): Waiting[] {
    return this.all()
      .flatMap((review) => review.hunks.map((hunk) => ({ review, hunk })))
      .filter(({ hunk }) => hunk.uri != null && same(hunk.uri))
      .sort((a, b) => compare(a.hunk.range.start, b.hunk.range.start));
  }
}

/** The files of a proposal, in the order in which it names them. */
export function filesOf(review: Review): FileOfReview[] {
  const files = new Map<string, FileOfReview>();
  for (const hunk of review.hunks) {
    const file = files.get(hunk.path) ?? { review, path: hunk.path, uri: undefined, hunks: [] };
    file.uri ??= hunk.uri ?? undefined;
    file.hunks.push(hunk);
    files.set(hunk.path, file);
  }
  return [...files.values()];
}

/** Before, at, or after. */
export function compare(a: Place, b: Place): number {
  return a.line - b.line || a.character - b.character;
}

/** The hunk whose lines hold `line`. `hunks` are in the order of their places. */
export function hunkAt(hunks: readonly Waiting[], line: number): Waiting | undefined {
  return hunks.find(({ hunk }) => hunk.range.start.line <= line && line <= hunk.range.end.line);
}

/** The next hunk after `line`, or before it; from the last to the first and back. */
export function neighbour(hunks: readonly Waiting[], line: number, forward: boolean): Waiting | undefined {
  return forward
    ? (hunks.find(({ hunk }) => hunk.range.start.line > line) ?? hunks[0])
    : (hunks.findLast(({ hunk }) => hunk.range.start.line < line) ?? hunks.at(-1));
}

/** `1 hunk`, `2 hunks`. */
export function hunkCount(count: number): string {
  return count === 1 ? '1 hunk' : `${count} hunks`;
}
