import type { Clock } from '@coffer/core';
import { equalBytes } from '@coffer/core';
import type { Conflict } from './conflict.ts';
import { ConflictList } from './conflict-list.ts';
import { nodeAt } from './disk-tree.ts';
import type { JobKey } from './job-state.ts';

/** The conflicts of one job, as a run meets and ends them. The list is only opened when there is something to note. */
export class JobConflicts implements Disposable {
  readonly #directory: string;
  readonly #key: JobKey;
  readonly #clock: Clock;
  #list: ConflictList | undefined;

  constructor({ directory, key, clock }: { readonly directory: string; readonly key: JobKey; readonly clock: Clock }) {
    this.#directory = directory;
    this.#key = key;
    this.#clock = clock;
  }

  /** Stored at once: a run that is killed afterwards has listed it. @throws IO */
  add(conflict: Conflict): void {
    this.#list ??= ConflictList.open(this.#directory);
    this.#list.add(this.#key, conflict, this.#clock.nowMs());
  }

  /** Drops those that people resolved by themselves: one of the two names is gone from the folder. @throws IO */
  tidy(): void {
    this.#list ??= ConflictList.openExisting(this.#directory);
    for (const { id, job, path, copy } of this.#list?.all() ?? []) {
      if (isSame(job, this.#key) && !(this.#isThere(path) && this.#isThere(copy))) this.#list?.remove(id);
    }
  }

  [Symbol.dispose](): void {
    this.#list?.[Symbol.dispose]();
  }

  /** What cannot be looked at may be there. */
  #isThere(path: string): boolean {
    try {
      return nodeAt(`${this.#key.root}/${path}`) !== undefined;
    } catch {
      return true;
    }
  }
}

function isSame(a: JobKey, b: JobKey): boolean {
  return a.root === b.root && a.lineage === b.lineage && a.path === b.path && equalBytes(a.vault, b.vault);
}
