import { segmentId } from '@coffer/journal';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { Collected, CollectSegments, GarbageSegment, MarkChunks, SweepChunks, Swept } from './collection-facts.ts';
import type { Numbers } from './numbers.ts';
import { segmentUploader } from './numbers.ts';
import type { PackIndex } from './pack-index.ts';
import type { UsageIndex } from './usage-index.ts';

/** Rows looked at in one step, and rows removed: both take less than 20 ms, for which uploads have to wait. */
const stepRows = 4096;
const stepRemovals = 512;

interface GarbageRow {
  readonly chunk: number;
  readonly owner: number;
  readonly kind: number;
  readonly pack: number | null;
  readonly bytes: number;
  readonly sender: number;
}

interface CollectionDeps {
  readonly db: DatabaseSync;
  readonly numbers: Numbers;
  readonly packs: PackIndex;
  readonly chunks: ChunkIndex;
  readonly usage: UsageIndex;
  /** Rows that prepared appends need. */
  readonly pinned: () => ReadonlySet<number>;
}

/** What is not needed any more leaves the index; the writer's half. Runs inside transactions. */
export class CollectionIndex {
  readonly #deps: CollectionDeps;
  readonly #last: StatementSync;
  readonly #garbage: StatementSync;
  readonly #segment: StatementSync;
  readonly #place: StatementSync;
  readonly #grantsOf: StatementSync;
  readonly #removeGrants: StatementSync;
  readonly #remove: StatementSync;
  readonly #mark: StatementSync;
  readonly #markAll: StatementSync;
  readonly #forget: StatementSync;

  constructor(deps: CollectionDeps) {
    this.#deps = deps;
    const { db } = deps;
    const garbage = 'count = 0 AND (grace_until_ms < ? OR pack IS NULL)';
    this.#last = db.prepare('SELECT coalesce(max(chunk), 0) AS chunk FROM chunks');
    this.#garbage = db.prepare(
      `SELECT chunk, owner, kind, pack, bytes, sender FROM chunks WHERE chunk > ? AND chunk <= ? AND ${garbage} ORDER BY chunk LIMIT ?`,
    );
    this.#segment = db.prepare(
      `SELECT chunk, owner, kind, pack, bytes, sender FROM chunks WHERE owner = ? AND uploader = ${segmentUploader} AND id = ? AND ${garbage}`,
    );
    this.#place = db.prepare(`
      SELECT n.id AS owner, c.id, p.name AS pack, c.offset, c.bytes
      FROM chunks c JOIN packs p ON p.pack = c.pack JOIN numbers n ON n.number = c.owner WHERE c.chunk = ?`);
    this.#grantsOf = db.prepare('SELECT vault FROM grants WHERE chunk = ?');
    this.#removeGrants = db.prepare('DELETE FROM grants WHERE chunk = ?');
    this.#remove = db.prepare('DELETE FROM chunks WHERE chunk = ?');
    const packRow = '(SELECT pack FROM packs WHERE name = ?)';
    this.#mark = db.prepare(`UPDATE chunks SET lost = ? WHERE pack = ${packRow} AND offset = ?`);
    this.#markAll = db.prepare(`UPDATE chunks SET lost = ?1 WHERE pack = ${packRow.replace('?', '?2')} AND lost <> ?1`);
    this.#forget = db.prepare(
      'DELETE FROM packs WHERE name = ? AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.pack = packs.pack)',
    );
  }

  sweep({ after, nowMs }: SweepChunks): Swept {
    const last = firstRow<{ chunk: number }>(this.#last)?.chunk ?? 0;
    const end = after + stepRows;
    const rows = allRows<GarbageRow>(this.#garbage, after, end, nowMs, stepRemovals);
    const pinned = this.#deps.pinned();
    const free = rows.filter(({ chunk }) => !pinned.has(chunk));
    // The content of a segment without a place was never counted.
    const whole = free.filter(({ kind, pack }) => kind === 1 || pack === null);
    const segments = free.filter(({ kind, pack }) => kind === 2 && pack !== null);
    const seen = rows.length < stepRemovals ? end : (rows.at(-1)?.chunk ?? end);
    return {
      ...this.#removeAll(whole),
      next: seen < last ? seen : undefined,
      segments: segments.flatMap(({ chunk }) => allRows<GarbageSegment>(this.#place, chunk)),
    };
  }

  collectSegments({ owner, payloads, nowMs }: CollectSegments): Collected {
    const number = this.#deps.numbers.intern(owner);
    const pinned = this.#deps.pinned();
    const done = { chunks: 0, bytes: 0 };
    for (const payload of payloads) {
      const row = firstRow<GarbageRow>(this.#segment, number, segmentId(payload), nowMs);
      if (!row || row.pack === null || pinned.has(row.chunk)) continue;
      for (const { vault } of allRows<{ vault: number }>(this.#grantsOf, row.chunk))
        this.#deps.chunks.discountContent({ owner: number, vault, author: number }, payload);
      const { chunks, bytes } = this.#removeAll([row]);
      done.chunks += chunks;
      done.bytes += bytes;
    }
    return done;
  }

  mark({ pack, offsets, lost }: MarkChunks): void {
    if (!offsets) this.#markAll.run(lost ? 1 : 0, pack);
    else for (const offset of offsets) this.#mark.run(lost ? 1 : 0, pack, offset);
  }

  forgetPack(pack: string): void {
    this.#forget.run(pack);
    // Its number may be given to another pack.
    this.#deps.packs.forget();
  }

  #removeAll(rows: readonly GarbageRow[]): Collected {
    const { usage, packs } = this.#deps;
    const freed = new Map<number, number>();
    let bytes = 0;
    for (const row of rows) {
      this.#removeGrants.run(row.chunk);
      this.#remove.run(row.chunk);
      usage.add(row.owner, { chunkBytes: row.pack === null ? 0 : -row.bytes, uncommittedBytes: -row.bytes });
      if (row.pack === null) continue;
      usage.addWritten(row.owner, { writer: row.sender, bytes: -row.bytes });
      freed.set(row.pack, (freed.get(row.pack) ?? 0) + row.bytes);
      bytes += row.bytes;
    }
    for (const [pack, sum] of freed) packs.addLive(pack, -sum);
    return { chunks: rows.length, bytes };
  }
}
