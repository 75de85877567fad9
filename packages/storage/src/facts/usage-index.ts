import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { firstRow } from '../sqlite/database.ts';

export interface UsageChange {
  readonly chunkBytes?: number;
  readonly uncommittedBytes?: number;
  readonly journalBytes?: number;
  readonly files?: number;
  readonly versions?: number;
  readonly trashBytes?: number;
}

type Counters = Record<keyof UsageChange, number>;

/** What each owner stores; the writer's half. Changes gather during a transaction and are written once, at its end. */
export class UsageIndex {
  readonly #add: StatementSync;
  readonly #stored: StatementSync;
  readonly #gathered = new Map<number, Counters>();

  constructor(db: DatabaseSync) {
    this.#add = db.prepare(`
      INSERT INTO usage (owner, chunk_bytes, uncommitted_bytes, journal_bytes, files, versions, trash_bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        chunk_bytes = chunk_bytes + excluded.chunk_bytes, uncommitted_bytes = uncommitted_bytes + excluded.uncommitted_bytes,
        journal_bytes = journal_bytes + excluded.journal_bytes, files = files + excluded.files,
        versions = versions + excluded.versions, trash_bytes = trash_bytes + excluded.trash_bytes`);
    this.#stored = db.prepare('SELECT chunk_bytes + journal_bytes AS bytes FROM usage WHERE owner = ?');
  }

  add(owner: number, change: UsageChange): void {
    let counters = this.#gathered.get(owner);
    if (!counters) {
      counters = { chunkBytes: 0, uncommittedBytes: 0, journalBytes: 0, files: 0, versions: 0, trashBytes: 0 };
      this.#gathered.set(owner, counters);
    }
    for (const key of Object.keys(change) as (keyof UsageChange)[]) counters[key] += change[key] ?? 0;
  }

  /** To be called at the end of every transaction. */
  write(): void {
    for (const [owner, sum] of this.#gathered) {
      const { chunkBytes, uncommittedBytes, journalBytes, files, versions, trashBytes } = sum;
      this.#add.run(owner, chunkBytes, uncommittedBytes, journalBytes, files, versions, trashBytes);
    }
    this.#gathered.clear();
  }

  /** After a rolled back transaction. */
  forget(): void {
    this.#gathered.clear();
  }

  /** Bytes of chunks and journals, as of the last transaction. */
  storedBytes(owner: number): number {
    return firstRow<{ bytes: number }>(this.#stored, owner)?.bytes ?? 0;
  }
}
