import type { EntryId } from '@coffer/core';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { PackPlace } from '../packs/packs.ts';
import type { ReferenceScope } from './chunk-index.ts';
import type { PrepareAppend } from './facts.ts';
import type { Numbers } from './numbers.ts';
import { segmentUploader } from './numbers.ts';
import type { UsageIndex } from './usage-index.ts';

interface VersionRow {
  readonly seq: number;
  readonly bytes: number;
  readonly ended: string | null;
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
    this.#place = db.prepare(`
      SELECT p.name AS pack, c.offset, c.bytes FROM chunks c JOIN packs p ON p.pack = c.pack
      WHERE c.owner = ? AND c.uploader = ${segmentUploader} AND c.id = ?`);
  }

  has(vault: number, entry: EntryId, seq: number): boolean {
    return this.#one.get(vault, entry, seq) !== undefined;
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
      this.#usage.add(scope.owner, { files: -1, trashBytes: reason === 'removed' ? current.bytes : 0 });
    }
  }

  keep({ scope, entry, seq, atMs }: Change & { readonly entry: EntryId; readonly seq: number }): void {
    const current = this.#currentOf(scope, entry);
    const kept = firstRow<VersionRow>(this.#one, scope.vault, entry, seq);
    if (!kept || current?.seq === seq) return;
    if (current) this.#end.run(atMs, 'replaced', scope.vault, entry, current.seq);
    this.#revive.run(scope.vault, entry, seq);
    this.#usage.add(scope.owner, { files: current ? 0 : 1, trashBytes: kept.ended === 'removed' ? -kept.bytes : 0 });
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
