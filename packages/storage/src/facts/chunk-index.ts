import { hourMs, splitBytes } from '@coffer/core';
import type { ChunkId } from '@coffer/core';
import { parseSegment } from '@coffer/journal';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { MovedChunks } from './collection-facts.ts';
import type { CheckSegment, ChunkGroup, ClaimChunks, IndexChunks, MissingChunk, RefusedSegment } from './facts.ts';
import type { Numbers } from './numbers.ts';
import { segmentUploader, unknownNumber } from './numbers.ts';
import type { PackIndex } from './pack-index.ts';
import type { UsageIndex } from './usage-index.ts';

/** A chunk as a reference resolves to it. */
export interface ResolvedChunk {
  readonly chunk: number;
  readonly contentBytes: number;
}

export type Resolution = ResolvedChunk | 'missing' | 'notAllowed' | 'needsContent';

/** Who wants to refer to something, and where. Numbers of the index. */
export interface ReferenceScope {
  readonly owner: number;
  readonly vault: number;
  readonly author: number;
}

interface ChunkRow {
  readonly chunk: number;
  readonly pack: number | null;
  readonly bytes: number;
  readonly content_bytes: number;
  readonly count: number;
  readonly grace_until_ms: number;
  readonly sender: number;
  readonly lost: number;
  readonly granted: number | null;
}

/** A grace time this close to the new one is left alone: a renewal is a write, and 24 h need no precision. */
const graceSlackMs = hourMs;

interface ChunkDeps {
  readonly db: DatabaseSync;
  readonly numbers: Numbers;
  readonly packs: PackIndex;
  readonly usage: UsageIndex;
}

/** Chunks and segments, their counts and who may refer to them; the writer's half. Runs inside transactions. */
export class ChunkIndex {
  readonly #deps: ChunkDeps;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #place: StatementSync;
  readonly #renew: StatementSync;
  readonly #grant: StatementSync;
  readonly #countUp: StatementSync;
  readonly #grantUp: StatementSync;
  readonly #grantsOf: StatementSync;
  readonly #countDown: StatementSync;
  readonly #grantDown: StatementSync;
  readonly #removeGrants: StatementSync;
  readonly #remove: StatementSync;
  readonly #move: StatementSync;

  constructor(deps: ChunkDeps) {
    this.#deps = deps;
    const { db } = deps;
    this.#select = db.prepare(`
      SELECT c.chunk, c.pack, c.bytes, c.content_bytes, c.count, c.grace_until_ms, c.sender, c.lost, g.count AS granted
      FROM chunks c LEFT JOIN grants g ON g.chunk = c.chunk AND g.vault = ?
      WHERE c.owner = ? AND c.uploader = ? AND c.id = ?`);
    this.#insert = db.prepare(`
      INSERT OR IGNORE INTO chunks (owner, uploader, id, kind, pack, offset, bytes, content_bytes, count, grace_until_ms, sender, lost)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?5 IS NULL)`);
    this.#place = db.prepare(
      'UPDATE chunks SET pack = ?, offset = ?, bytes = ?, content_bytes = ?, sender = ?, lost = 0 WHERE chunk = ?',
    );
    this.#renew = db.prepare('UPDATE chunks SET grace_until_ms = max(grace_until_ms, ?) WHERE chunk = ?');
    this.#grant = db.prepare('INSERT OR IGNORE INTO grants (chunk, vault, count) VALUES (?, ?, 0)');
    this.#grantsOf = db.prepare('SELECT vault FROM grants WHERE chunk = ?');
    this.#countUp = db.prepare('UPDATE chunks SET count = count + 1 WHERE chunk = ? RETURNING count, bytes');
    this.#countDown = db.prepare(
      'UPDATE chunks SET count = count - 1 WHERE chunk = ? AND count > 0 RETURNING count, bytes, pack',
    );
    this.#grantDown = db.prepare('UPDATE grants SET count = count - 1 WHERE chunk = ? AND vault = ? AND count > 0');
    this.#removeGrants = db.prepare('DELETE FROM grants WHERE chunk = ?');
    this.#remove = db.prepare('DELETE FROM chunks WHERE chunk = ?');
    this.#move = db.prepare(
      'UPDATE chunks SET pack = ?, offset = ?, lost = 0 WHERE pack = ? AND offset = ? RETURNING bytes',
    );
    this.#grantUp = db.prepare(
      'INSERT INTO grants (chunk, vault, count) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1',
    );
  }

  index(batch: IndexChunks): RefusedSegment[] {
    const refused: RefusedSegment[] = [];
    for (const group of batch.groups) this.#indexGroup(batch, group, refused);
    for (const moved of batch.moved ?? []) this.#moveAll(moved);
    this.#deps.packs.advance(batch.packs);
    return refused;
  }

  /** Which of the ids are there for the uploader; those get a grant and, without a commit, a new grace time. */
  claim({ owner, vault, uploader, ids, graceUntilMs }: ClaimChunks): boolean[] {
    const { numbers } = this.#deps;
    const scope = { owner: numbers.intern(owner), vault: numbers.intern(vault), author: numbers.intern(uploader) };
    return splitBytes(ids, 32).map(
      (id) => this.#claimOne(scope, id, graceUntilMs) || this.#claimSegment(scope, id, graceUntilMs),
    );
  }

  /** What a segment's author may not refer to. */
  segmentLacks({ owner, vault, author, payload }: CheckSegment): {
    readonly missing: MissingChunk[];
    readonly notAllowed: boolean;
  } {
    const { numbers } = this.#deps;
    const scope = { owner: numbers.intern(owner), vault: numbers.intern(vault), author: numbers.intern(author) };
    const missing: MissingChunk[] = [];
    let notAllowed = false;
    for (const { uploader, ids } of parseSegment(payload).chunks) {
      for (const id of splitBytes(ids, 32)) {
        const resolution = this.resolve(scope, numbers.find(uploader) ?? unknownNumber, id);
        if (resolution === 'missing') missing.push({ uploader, id });
        else if (resolution === 'notAllowed') notAllowed = true;
      }
    }
    return { missing, notAllowed };
  }

  /** The rule of JOURNAL §Append: own uploads for this vault, or what a version of the vault refers to. */
  resolve(scope: ReferenceScope, uploader: number, id: ChunkId): Resolution {
    const row = this.#row(scope, uploader, id);
    const own = uploader === scope.author || uploader === segmentUploader;
    const referred = (row?.granted ?? 0) > 0;
    if (!row || isLost(row)) return own || referred ? 'missing' : 'notAllowed';
    const allowed = referred || (own && row.granted !== null);
    if (allowed) return { chunk: row.chunk, contentBytes: row.content_bytes };
    if (!own) return 'notAllowed';
    if (scope.author !== scope.owner) return 'missing';
    return uploader === segmentUploader ? 'needsContent' : { chunk: row.chunk, contentBytes: row.content_bytes };
  }

  /** The row of a chunk whoever asks; noted as missing when it is unknown. */
  require(scope: ReferenceScope, uploader: number, id: ChunkId): ResolvedChunk {
    const row = this.#row(scope, uploader, id);
    if (row) return { chunk: row.chunk, contentBytes: row.content_bytes };
    const kind = uploader === segmentUploader ? 2 : 1;
    const { lastInsertRowid } = this.#insert.run(scope.owner, uploader, id, kind, null, null, 0, 0, 0, 0);
    return { chunk: Number(lastInsertRowid), contentBytes: 0 };
  }

  /** True for a segment that is stored and that the vault may not use yet. */
  lacksGrant(scope: ReferenceScope, segment: ChunkId): boolean {
    const row = this.#row(scope, segmentUploader, segment);
    return row !== undefined && row.pack !== null && row.granted === null;
  }

  /** One more version or segment of the vault refers to the chunk. */
  countUp(scope: ReferenceScope, chunk: number): void {
    const row = firstRow<{ count: number; bytes: number }>(this.#countUp, chunk);
    this.#grantUp.run(chunk, scope.vault);
    if (row?.count === 1) this.#deps.usage.add(scope.owner, { uncommittedBytes: -row.bytes });
  }

  /**
   * The mirror of {@link countUp}: one version or segment of the vault less refers to the chunk. The grant stays, as that
   * of an upload that nothing refers to yet; the chunk is garbage once its grace is over. What a segment holds is counted
   * down only when the segment itself is collected. A chunk that is not stored goes at once with its last reference.
   */
  countDown(scope: Pick<ReferenceScope, 'owner' | 'vault'>, chunk: number): void {
    const row = firstRow<{ count: number; bytes: number; pack: number | null }>(this.#countDown, chunk);
    this.#grantDown.run(chunk, scope.vault);
    if (row?.count !== 0) return;
    if (row.pack !== null) {
      this.#deps.usage.add(scope.owner, { uncommittedBytes: row.bytes });
      return;
    }
    this.#removeGrants.run(chunk);
    this.#remove.run(chunk);
  }

  /** A segment is no longer usable in a vault: what it refers to there counts for one less. */
  discountContent(scope: ReferenceScope, payload: Uint8Array): void {
    for (const { uploader, ids } of parseSegment(payload).chunks) {
      const from = this.#deps.numbers.find(uploader) ?? unknownNumber;
      for (const id of splitBytes(ids, 32)) {
        const row = this.#row(scope, from, id);
        if (row) this.countDown(scope, row.chunk);
      }
    }
  }

  /** The row of a chunk that something refers to; undefined when the index does not hold it. */
  find(scope: Pick<ReferenceScope, 'owner' | 'vault'>, uploader: number, id: ChunkId): number | undefined {
    return this.#row({ ...scope, author: unknownNumber }, uploader, id)?.chunk;
  }

  /** A segment becomes usable in a vault: from now on it refers to its chunks there. */
  grantSegment(scope: ReferenceScope, segment: number, payload: Uint8Array): void {
    if (this.#grant.run(segment, scope.vault).changes === 1) this.#countContent(scope, payload);
  }

  #countContent(scope: ReferenceScope, payload: Uint8Array): void {
    for (const { uploader, ids } of parseSegment(payload).chunks) {
      const from = this.#deps.numbers.intern(uploader);
      for (const id of splitBytes(ids, 32)) this.countUp(scope, this.require(scope, from, id).chunk);
    }
  }

  #claimOne(scope: ReferenceScope, id: ChunkId, graceUntilMs: number): boolean {
    const row = this.#row(scope, scope.author, id);
    if (!row || isLost(row)) return false;
    if (row.granted === null) this.#grant.run(row.chunk, scope.vault);
    this.#renewGrace(row, graceUntilMs);
    return true;
  }

  #claimSegment(scope: ReferenceScope, id: ChunkId, graceUntilMs: number): boolean {
    const row = this.#row(scope, segmentUploader, id);
    if (!row || isLost(row) || row.granted === null) return false;
    this.#renewGrace(row, graceUntilMs);
    return true;
  }

  #renewGrace({ chunk, count, grace_until_ms: untilMs }: ChunkRow, graceUntilMs: number): void {
    if (count === 0 && untilMs < graceUntilMs - graceSlackMs) this.#renew.run(graceUntilMs, chunk);
  }

  #moveAll({ owner, from, fromOffsets, to, offsets }: MovedChunks): void {
    const { packs } = this.#deps;
    const old = packs.numberOf({ owner, kind: 'chunks', pack: from });
    const pack = packs.numberOf({ owner, kind: 'chunks', pack: to });
    let bytes = 0;
    fromOffsets.forEach((fromOffset, index) => {
      // One that was collected, or sent again, in the meantime has no row at its old place.
      bytes += firstRow<{ bytes: number }>(this.#move, pack, offsets[index] ?? 0, old, fromOffset)?.bytes ?? 0;
    });
    packs.addLive(old, -bytes);
    packs.addLive(pack, bytes);
  }

  #indexGroup(batch: IndexChunks, group: ChunkGroup, refused: RefusedSegment[]): void {
    const { numbers, packs } = this.#deps;
    const scope = {
      owner: numbers.intern(batch.owner),
      vault: numbers.intern(group.vault),
      author: numbers.intern(group.uploader),
    };
    const pack = packs.numberOf({ owner: batch.owner, kind: 'chunks', pack: group.pack });
    const added = { bytes: 0 };
    splitBytes(group.ids, 32).forEach((id, index) => {
      const payload = group.payloads?.[index];
      const lacks = payload && !batch.recovering ? this.#lacks({ batch, group, payload }) : undefined;
      if (lacks) {
        refused.push({ segment: id, missing: lacks });
        return;
      }
      const place = { pack, offset: group.offsets[index] ?? 0, bytes: group.bytes[index] ?? 0 };
      const chunk = this.#addRow({ scope, group, id, payload, place, graceUntilMs: batch.graceUntilMs }, added);
      if (payload) this.grantSegment(scope, chunk, payload);
    });
    packs.addLive(pack, added.bytes);
  }

  /** What the segment lacks; undefined when it may be stored. */
  #lacks({
    batch,
    group,
    payload,
  }: {
    batch: IndexChunks;
    group: ChunkGroup;
    payload: Uint8Array;
  }): MissingChunk[] | undefined {
    const question = { owner: batch.owner, vault: group.vault, author: group.uploader, payload };
    const { missing, notAllowed } = this.segmentLacks(question);
    return notAllowed || missing.length > 0 ? missing : undefined;
  }

  #addRow(record: NewRow, added: { bytes: number }): number {
    const { scope, group, id, payload, place, graceUntilMs } = record;
    const uploader = payload ? segmentUploader : scope.author;
    const contentBytes = place.bytes + (payload ? this.#contentBytes(scope, payload) : 0);
    const kind = group.kind === 'segment' ? 2 : 1;
    const inserted = this.#insert.run(
      scope.owner,
      uploader,
      id,
      kind,
      place.pack,
      place.offset,
      place.bytes,
      contentBytes,
      graceUntilMs,
      scope.author,
    );
    if (inserted.changes === 1) {
      added.bytes += place.bytes;
      this.#deps.usage.add(scope.owner, { chunkBytes: place.bytes, uncommittedBytes: place.bytes });
      this.#deps.usage.addWritten(scope.owner, { writer: scope.author, bytes: place.bytes });
      const chunk = Number(inserted.lastInsertRowid);
      if (!payload) this.#grant.run(chunk, scope.vault);
      return chunk;
    }
    return this.#meetAgain({ ...record, uploader, contentBytes }, added);
  }

  #meetAgain(
    { scope, id, uploader, place, contentBytes, graceUntilMs, payload }: KnownRow,
    added: { bytes: number },
  ): number {
    const row = this.#row(scope, uploader, id);
    if (!row) throw new TypeError('a chunk is neither new nor known');
    if (!payload) this.#grant.run(row.chunk, scope.vault);
    this.#renew.run(graceUntilMs, row.chunk);
    if (isLost(row)) {
      this.#place.run(place.pack, place.offset, place.bytes, contentBytes, scope.author, row.chunk);
      this.#replaced(scope, row, place);
      added.bytes += place.bytes;
      // The content of a segment that was damaged went on counting.
      if (payload && row.pack === null) this.#countForAll(scope, row.chunk, payload);
    }
    return row.chunk;
  }

  /** The record that takes the place of a lost one counts, the lost one does not. */
  #replaced(scope: ReferenceScope, row: ChunkRow, place: NewRow['place']): void {
    const { usage, packs } = this.#deps;
    const before = row.pack === null ? 0 : row.bytes;
    const bytes = place.bytes - before;
    usage.add(scope.owner, { chunkBytes: bytes, uncommittedBytes: row.count === 0 ? bytes : 0 });
    usage.addWritten(scope.owner, { writer: row.sender, bytes: -before });
    usage.addWritten(scope.owner, { writer: scope.author, bytes: place.bytes });
    if (row.pack !== null) packs.addLive(row.pack, -before);
  }

  /** A lost segment is back: what it refers to counts in every vault that went on referring to it. */
  #countForAll(scope: ReferenceScope, segment: number, payload: Uint8Array): void {
    const granted = allRows<{ vault: number }>(this.#grantsOf, segment);
    for (const { vault } of granted) this.#countContent({ ...scope, vault }, payload);
  }

  #contentBytes(scope: ReferenceScope, payload: Uint8Array): number {
    let bytes = 0;
    for (const { uploader, ids } of parseSegment(payload).chunks) {
      const from = this.#deps.numbers.intern(uploader);
      for (const id of splitBytes(ids, 32)) bytes += this.#row(scope, from, id)?.content_bytes ?? 0;
    }
    return bytes;
  }

  #row(scope: ReferenceScope, uploader: number, id: ChunkId): ChunkRow | undefined {
    return firstRow<ChunkRow>(this.#select, scope.vault, scope.owner, uploader, id);
  }
}

/** Referred to, but not to be had: never stored, or found damaged. */
function isLost({ pack, lost }: ChunkRow): boolean {
  return pack === null || lost === 1;
}

interface NewRow {
  readonly scope: ReferenceScope;
  readonly group: ChunkGroup;
  readonly id: ChunkId;
  readonly payload: Uint8Array | undefined;
  readonly place: { readonly pack: number; readonly offset: number; readonly bytes: number };
  readonly graceUntilMs: number;
}

interface KnownRow extends NewRow {
  readonly uploader: number;
  readonly contentBytes: number;
}
