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
  readonly #addWritten: StatementSync;
  readonly #written: StatementSync;
  readonly #gathered = new Map<number, Counters>();
  /** By owner, then by writer. */
  readonly #gatheredOf = new Map<number, Map<number, number>>();

  constructor(db: DatabaseSync) {
    this.#add = db.prepare(`
      INSERT INTO usage (owner, chunk_bytes, uncommitted_bytes, journal_bytes, files, versions, trash_bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        chunk_bytes = chunk_bytes + excluded.chunk_bytes, uncommitted_bytes = uncommitted_bytes + excluded.uncommitted_bytes,
        journal_bytes = journal_bytes + excluded.journal_bytes, files = files + excluded.files,
        versions = versions + excluded.versions, trash_bytes = trash_bytes + excluded.trash_bytes`);
    this.#addWritten = db.prepare(
      'INSERT INTO writers (owner, writer, bytes) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes',
    );
    this.#written = db.prepare('SELECT bytes FROM writers WHERE owner = ? AND writer = ?');
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

  /** What an account has stored with another; of its own nothing is kept apart. */
  addWritten(owner: number, { writer, bytes }: { readonly writer: number; readonly bytes: number }): void {
    if (writer === owner || bytes === 0) return;
    const writers = this.#gatheredOf.get(owner) ?? new Map<number, number>();
    this.#gatheredOf.set(owner, writers.set(writer, (writers.get(writer) ?? 0) + bytes));
  }

  /** To be called at the end of every transaction. */
  write(): void {
    for (const [owner, sum] of this.#gathered) {
      const { chunkBytes, uncommittedBytes, journalBytes, files, versions, trashBytes } = sum;
      this.#add.run(owner, chunkBytes, uncommittedBytes, journalBytes, files, versions, trashBytes);
    }
    for (const [owner, writers] of this.#gatheredOf)
      for (const [writer, bytes] of writers) this.#addWritten.run(owner, writer, bytes);
    this.forget();
  }

  /** After a rolled back transaction. */
  forget(): void {
    this.#gathered.clear();
    this.#gatheredOf.clear();
  }

  /** Bytes of chunks and commits that `writer` has stored with another, as of the last transaction. */
  writtenBytes(owner: number, writer: number): number {
    return firstRow<{ bytes: number }>(this.#written, owner, writer)?.bytes ?? 0;
  }

  /** Bytes of chunks and journals, as of the last transaction. */
  storedBytes(owner: number): number {
    return firstRow<{ bytes: number }>(this.#stored, owner)?.bytes ?? 0;
  }
}
