import type { DatabaseSync } from 'node:sqlite';
import type { EntryId } from '@coffer/core';
import type { Ref } from '@coffer/journal';
import { kindNumbers } from './schema.ts';
import type { Skipped, TreeWriter } from './tree-writer.ts';

export type DropReason = 'removed' | 'moved';

/** What the next writer tells the server, so that it counts the versions that members see (JOURNAL §Fold, *void*). */
export interface Repairs {
  readonly keeps: readonly { readonly entry: EntryId; readonly seq: number }[];
  readonly drops: Readonly<Record<DropReason, readonly EntryId[]>>;
}

/**
 * Files for which the server may take another version for the current one than the fold does: after void commits, skipped
 * operations, and below directories that went or came back. Holds only those.
 */
export class ServerBeliefs {
  readonly #tree: TreeWriter;
  readonly #sql;

  constructor(db: DatabaseSync, tree: TreeWriter) {
    this.#tree = tree;
    this.#sql = {
      any: db.prepare('SELECT 1 FROM doubts LIMIT 1'),
      set: db.prepare(`INSERT INTO doubts (entry, believed, reason) VALUES (?, ?, ?)
        ON CONFLICT (entry) DO UPDATE SET believed = excluded.believed`),
      settle: db.prepare('DELETE FROM doubts WHERE entry = ?'),
      of: db.prepare('SELECT believed FROM doubts WHERE entry = ?'),
      list: db.prepare('SELECT entry, believed, reason FROM doubts LIMIT ?'),
    };
  }

  /** After a commit was applied; `all` when it was void, so that none of its refs is backed by an operation. */
  update({
    refs,
    seq,
    all,
    skipped,
  }: {
    refs: readonly Ref[];
    seq: number;
    all: boolean;
    skipped: readonly Skipped[];
  }): void {
    // A skipped operation leaves its own ref unbacked, and through a directory that stayed also those of others.
    const doubtful = all || skipped.length > 0 || this.#sql.any.get() !== undefined;
    for (const ref of refs) {
      if (ref.kind === 'keep') this.#compare(ref.entry, ref.seq);
      if (ref.kind === 'put' && doubtful) this.#compare(ref.entry, seq);
      if (ref.kind === 'drop' && doubtful) for (const entry of ref.entries) this.#compare(entry, null, ref.reason);
    }
  }

  /** Whether the server takes this version, which members see as current, for the current one too. */
  isBelieved({ entry, seq }: { readonly entry: EntryId; readonly seq: number }): boolean {
    const doubt = this.#sql.of.get(entry);
    return doubt === undefined || doubt['believed'] === seq;
  }

  /** At most `limit` repairs. What turns out right as it is leaves the list. */
  repairs(limit: number): Repairs {
    this.#tree.forget();
    const keeps: { entry: EntryId; seq: number }[] = [];
    const drops: Record<DropReason, EntryId[]> = { removed: [], moved: [] };
    for (const { entry, believed, reason } of this.#sql.list.all(limit) as unknown as Doubt[]) {
      const truth = this.#truth(entry);
      if (truth === believed) this.#sql.settle.run(entry);
      else if (truth === null) drops[reason].push(entry);
      else keeps.push({ entry, seq: truth });
    }
    return { keeps, drops };
  }

  #compare(entry: EntryId, believed: number | null, reason: DropReason = 'removed'): void {
    if (this.#truth(entry) === believed) this.#sql.settle.run(entry);
    else this.#sql.set.run(entry, believed, reason);
  }

  /** Seq of the version that is current for members; null when the file is not reachable, or was never valid. */
  #truth(entry: EntryId): number | null {
    const live = this.#tree.liveVersion(entry);
    return live === undefined || live.kind !== kindNumbers.file ? null : live.seq;
  }
}

interface Doubt {
  readonly entry: Uint8Array;
  readonly believed: number | null;
  readonly reason: DropReason;
}
