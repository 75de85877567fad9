import { CofferError, hourMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { PlanCounts } from './plan.ts';

/** How much one run may remove: on each side, or on the side that a push and the one that a pull changes. */
export type MaxDelete =
  | { readonly files: number }
  | { readonly percent: number }
  | { readonly push: number; readonly pull: number };

/** A quarter; and of fewer than this many files a quarter would stop every tidying up. */
const defaultMaxDelete: MaxDelete = { percent: 25 };
const atLeastFiles = 100;

/** The many small runs of one that is watched count together for this long: a disk that goes away file by file is no tidying up. */
const togetherMs = hourMs;

/** `N` or `P%` as the command line has it. @throws INVALID */
export function parseMaxDelete(text: string): MaxDelete {
  const match = /^(\d{1,12})(%?)$/.exec(text.trim());
  const number = Number(match?.[1]);
  if (match !== null && match[2] === '') return { files: number };
  if (match !== null && number <= 100) return { percent: number };
  throw new CofferError('INVALID', `"${text.slice(0, 40)}" is no limit of removals`, {
    hint: 'Write it like 50 or 10%.',
  });
}

type Planned = Pick<PlanCounts, 'removing' | 'filesThere'>;

/** How much a job may still remove on each of its sides. */
export class RemovalBudget {
  readonly #clock: Clock;
  readonly #limit: MaxDelete;
  readonly #spent: { readonly atMs: number; readonly side: 'push' | 'pull'; readonly files: number }[] = [];

  constructor(clock: Clock, limit: MaxDelete = defaultMaxDelete) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** `filesThere` are all files of the side that follows. @throws TOO_MANY_DELETIONS when a plan would remove more than is left */
  check(side: 'push' | 'pull', { removing, filesThere }: Planned): void {
    const before = this.#lately(side);
    const files = filesThere + before;
    const allowed = allowedOf(this.#limit, side, files);
    if (removing === 0 || removing + before <= allowed) return;
    const lately = before === 0 ? '' : ` after ${before} in the last hour`;
    throw new CofferError(
      'TOO_MANY_DELETIONS',
      `this would remove ${removing} of ${filesThere} files${lately}; nothing was changed`,
      {
        hint: 'If this is meant, run it again with --force or a higher --max-delete.',
        details: { removing, allowed },
      },
    );
  }

  spend(side: 'push' | 'pull', files: number): void {
    if (files > 0) this.#spent.push({ atMs: this.#clock.monotonicMs(), side, files });
  }

  #lately(side: 'push' | 'pull'): number {
    const sinceMs = this.#clock.monotonicMs() - togetherMs;
    while ((this.#spent[0]?.atMs ?? sinceMs) < sinceMs) this.#spent.shift();
    return this.#spent.reduce((sum, one) => sum + (one.side === side ? one.files : 0), 0);
  }
}

function allowedOf(limit: MaxDelete, side: 'push' | 'pull', files: number): number {
  if ('push' in limit) return limit[side];
  return 'files' in limit ? limit.files : Math.floor((Math.max(files, atLeastFiles) * limit.percent) / 100);
}
