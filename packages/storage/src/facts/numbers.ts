import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { firstRow } from '../sqlite/database.ts';

/** Uploader of every segment: a segment is named by its content, so who sent it first does not matter. */
export const segmentUploader = 0;

/** No row has it: what a client names and nobody ever was must not grow the table. */
export const unknownNumber = -1;

/** Accounts and vaults that are in use at a time; beyond it the table is asked again. */
const cacheLimit = 10_000;

/** The short numbers that stand for account and vault ids in the index. */
export class Numbers {
  readonly #cache = new Map<string, number>();
  readonly #select: StatementSync;
  readonly #insert: StatementSync | undefined;

  constructor(db: DatabaseSync, mode: 'read' | 'write') {
    this.#select = db.prepare('SELECT number FROM numbers WHERE id = ?');
    this.#insert = mode === 'write' ? db.prepare('INSERT INTO numbers (id) VALUES (?)') : undefined;
  }

  /** `undefined` for an id that the index has never seen. */
  find(id: Uint8Array): number | undefined {
    const key = cacheKey(id);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const number = firstRow<{ number: number }>(this.#select, id)?.number;
    if (number !== undefined) this.#remember(key, number);
    return number;
  }

  /** Inside a transaction: if it is rolled back, call {@link forget}. */
  intern(id: Uint8Array): number {
    const found = this.find(id);
    if (found !== undefined) return found;
    if (!this.#insert) throw new TypeError('a reader gives no numbers');
    const number = Number(this.#insert.run(id).lastInsertRowid);
    this.#remember(cacheKey(id), number);
    return number;
  }

  forget(): void {
    this.#cache.clear();
  }

  #remember(key: string, number: number): void {
    if (this.#cache.size >= cacheLimit) this.#cache.clear();
    this.#cache.set(key, number);
  }
}

function cacheKey(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
