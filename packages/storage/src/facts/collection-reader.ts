import type { AccountId } from '@coffer/core';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows } from '../sqlite/database.ts';
import type { LiveRecords, LookUpLost, LostChunk, PackCursor, PackUse } from './collection-facts.ts';
import type { ChunkPlace } from './facts.ts';
import { segmentUploader } from './numbers.ts';

interface CollectionReaderDeps {
  readonly db: DatabaseSync;
  readonly numberOf: (id: Uint8Array) => number;
  /** Gives errors of the database their codes. */
  readonly ask: <Result>(work: () => Result) => Result;
}

interface PackRow {
  readonly name: string;
  readonly owner: Uint8Array;
  readonly indexedBytes: number;
  readonly liveBytes: number;
}

/** What collection asks of the index. */
export class CollectionReader {
  readonly #deps: CollectionReaderDeps;
  readonly #toCompact: StatementSync;
  readonly #empty: StatementSync;
  readonly #live: StatementSync;
  readonly #lost: StatementSync;
  readonly #unplaced: StatementSync;

  constructor(deps: CollectionReaderDeps) {
    this.#deps = deps;
    const { db } = deps;
    const pack =
      "SELECT name, owner, indexed_bytes AS indexedBytes, live_bytes AS liveBytes FROM packs p WHERE sealed = 1 AND kind = 'chunks'";
    this.#toCompact = db.prepare(`
      ${pack} AND (live_bytes, name) > (?, ?) AND live_bytes * 2 < indexed_bytes
        AND EXISTS (SELECT 1 FROM chunks c WHERE c.pack = p.pack)
        AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.lost = 1 AND c.pack = p.pack)
      ORDER BY live_bytes, name LIMIT ?`);
    this.#empty = db.prepare(`
      ${pack} AND live_bytes <= 0 AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.pack = p.pack)
      ORDER BY live_bytes, name LIMIT ?`);
    this.#live = db.prepare(`
      SELECT p.name AS pack, c.id, c.offset, c.bytes FROM packs p JOIN chunks c ON c.pack = p.pack
      WHERE p.name = ? AND c.offset > ? ORDER BY c.offset LIMIT ?`);
    this.#lost = db.prepare(`
      SELECT n.id AS uploader, c.id, c.kind FROM chunks c
      JOIN grants g ON g.chunk = c.chunk AND g.vault = ? AND g.count > 0
      JOIN numbers n ON n.number = iif(c.uploader = ${segmentUploader}, c.owner, c.uploader)
      WHERE c.lost = 1 AND c.id > ? ORDER BY c.id LIMIT ?`);
    this.#unplaced = db.prepare('SELECT 1 FROM chunks WHERE lost = 1 AND pack IS NULL AND owner = ? LIMIT 1');
  }

  packsToCompact(after: PackCursor | undefined, limit: number): PackUse[] {
    const { liveBytes, pack } = after ?? { liveBytes: Number.MIN_SAFE_INTEGER, pack: '' };
    return this.#packs(this.#toCompact, liveBytes, pack, limit);
  }

  emptyPacks(limit: number): PackUse[] {
    return this.#packs(this.#empty, limit);
  }

  liveRecords({ pack, after, limit }: LiveRecords): ChunkPlace[] {
    return this.#deps.ask(() => allRows<ChunkPlace>(this.#live, pack, after, limit));
  }

  lostChunks({ vault, after, limit }: LookUpLost): LostChunk[] {
    const rows = this.#deps.ask(() =>
      allRows<{ uploader: Uint8Array; id: Uint8Array; kind: number }>(
        this.#lost,
        this.#deps.numberOf(vault),
        after ?? new Uint8Array(0),
        limit,
      ),
    );
    return rows.map(({ uploader, id, kind }) => ({ uploader, id, segment: kind === 2 }));
  }

  hasUnplaced(owner: AccountId): boolean {
    return this.#deps.ask(() => this.#unplaced.get(this.#deps.numberOf(owner)) !== undefined);
  }

  #packs(statement: StatementSync, ...values: readonly (number | string)[]): PackUse[] {
    const rows = this.#deps.ask(() => allRows<PackRow>(statement, ...values));
    return rows.map(({ name, ...use }) => ({ ...use, pack: name, kind: 'chunks' }));
  }
}
