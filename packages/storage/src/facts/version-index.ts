import type { EntryId } from '@coffer/core';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { PackPlace } from '../packs/packs.ts';
import type { ReferenceScope } from './chunk-index.ts';
import type { PrepareAppend } from './facts.ts';
import type { Numbers } from './numbers.ts';
import type { ExpiryCause } from './retention-facts.ts';
import { segmentUploader } from './numbers.ts';
import type { UsageIndex } from './usage-index.ts';

interface VersionRow {
  readonly seq: number;
  readonly bytes: number;
  readonly ended: string | null;
}

interface Expiry {
  readonly scope: Pick<ReferenceScope, 'owner' | 'vault'>;
  readonly entry: EntryId;
  readonly seq: number;
  readonly cause: ExpiryCause;
  /** Of the statement. */
  readonly atMs: number;
}

interface Change {
  readonly scope: ReferenceScope;
  /** Receive time of the commit. */
  readonly atMs: number;
}

/** Versions of entries and when each was current; the writer's half. Runs inside transactions. */
export class VersionIndex {
  readonly #numbers: Numbers;
  readonly #current: StatementSync;
  readonly #one: StatementSync;
  readonly #insert: StatementSync;
  readonly #end: StatementSync;
  readonly #revive: StatementSync;
  readonly #remove: StatementSync;
  readonly #dropped: StatementSync;
  readonly #undropped: StatementSync;
  readonly #tombstone: StatementSync;
  readonly #bury: StatementSync;
  readonly #usage: UsageIndex;
  readonly #place: StatementSync;

  constructor({
    db,
    numbers,
    usage,
  }: {
    readonly db: DatabaseSync;
    readonly numbers: Numbers;
    readonly usage: UsageIndex;
  }) {
    this.#numbers = numbers;
    this.#usage = usage;
    this.#current = db.prepare(
      'SELECT seq, bytes, ended FROM versions WHERE vault = ? AND entry = ? AND to_ms IS NULL',
    );
    this.#one = db.prepare('SELECT seq, bytes, ended FROM versions WHERE vault = ? AND entry = ? AND seq = ?');
    this.#insert = db.prepare('INSERT INTO versions (vault, entry, seq, from_ms, bytes) VALUES (?, ?, ?, ?, ?)');
    this.#end = db.prepare('UPDATE versions SET to_ms = ?, ended = ? WHERE vault = ? AND entry = ? AND seq = ?');
    this.#revive = db.prepare(
      'UPDATE versions SET to_ms = NULL, ended = NULL WHERE vault = ? AND entry = ? AND seq = ?',
    );
    this.#remove = db.prepare('DELETE FROM versions WHERE vault = ? AND entry = ? AND seq = ?');
    this.#dropped = db.prepare('INSERT OR REPLACE INTO drops (vault, entry, reason, at_ms) VALUES (?, ?, ?, ?)');
    this.#undropped = db.prepare('DELETE FROM drops WHERE vault = ? AND entry = ?');
    this.#tombstone = db.prepare('SELECT 1 FROM tombstones WHERE vault = ? AND entry = ? AND seq = ?');
    this.#bury = db.prepare('INSERT INTO tombstones (vault, entry, seq, at_ms, cause) VALUES (?, ?, ?, ?, ?)');
    this.#place = db.prepare(`
      SELECT p.name AS pack, c.offset, c.bytes FROM chunks c JOIN packs p ON p.pack = c.pack
      WHERE c.owner = ? AND c.uploader = ${segmentUploader} AND c.id = ?`);
  }

  has(vault: number, entry: EntryId, seq: number): boolean {
    return this.#one.get(vault, entry, seq) !== undefined;
  }

  /** True for a version that was there and has expired. */
  hasExpired(vault: number, entry: EntryId, seq: number): boolean {
    return this.#tombstone.get(vault, entry, seq) !== undefined;
  }

  put({
    scope,
    entry,
    seq,
    bytes,
    atMs,
  }: Change & { readonly entry: EntryId; readonly seq: number; readonly bytes: number }): void {
    const current = this.#currentOf(scope, entry);
    if (current) this.#end.run(atMs, 'replaced', scope.vault, entry, current.seq);
    else this.#undropped.run(scope.vault, entry);
    this.#insert.run(scope.vault, entry, seq, atMs, bytes);
    this.#usage.add(scope.owner, { files: current ? 0 : 1, versions: 1 });
  }

  drop({
    scope,
    entries,
    reason,
    atMs,
  }: Change & { readonly entries: readonly EntryId[]; readonly reason: 'removed' | 'moved' }): void {
    for (const entry of entries) {
      const current = this.#currentOf(scope, entry);
      if (!current) continue;
      this.#end.run(atMs, reason, scope.vault, entry, current.seq);
      this.#dropped.run(scope.vault, entry, reason, atMs);
      this.#usage.add(scope.owner, { files: -1, trashBytes: reason === 'removed' ? current.bytes : 0 });
    }
  }

  keep({ scope, entry, seq, atMs }: Change & { readonly entry: EntryId; readonly seq: number }): void {
    const current = this.#currentOf(scope, entry);
    const kept = firstRow<VersionRow>(this.#one, scope.vault, entry, seq);
    if (!kept || current?.seq === seq) return;
    if (current) this.#end.run(atMs, 'replaced', scope.vault, entry, current.seq);
    else this.#undropped.run(scope.vault, entry);
    this.#revive.run(scope.vault, entry, seq);
    this.#usage.add(scope.owner, { files: current ? 0 : 1, trashBytes: kept.ended === 'removed' ? -kept.bytes : 0 });
  }

  /** Replaces a version by a tombstone. False for one that is current, or is not there: then nothing changes. */
  expire({ scope, entry, seq, cause, atMs }: Expiry): boolean {
    const version = firstRow<VersionRow>(this.#one, scope.vault, entry, seq);
    if (!version || version.ended === null) return false;
    this.#remove.run(scope.vault, entry, seq);
    this.#bury.run(scope.vault, entry, seq, atMs, cause);
    this.#usage.add(scope.owner, { versions: -1, trashBytes: version.ended === 'removed' ? -version.bytes : 0 });
    return true;
  }

  /** Where segments lie whose content is asked for. */
  placesOf({ owner }: PrepareAppend, segments: readonly Uint8Array[]): PackPlace[] {
    const number = this.#numbers.intern(owner);
    return segments.flatMap((id) => allRows<PackPlace>(this.#place, number, id));
  }

  #currentOf(scope: ReferenceScope, entry: EntryId): VersionRow | undefined {
    return firstRow<VersionRow>(this.#current, scope.vault, entry);
  }
}
