import type { EntryId } from '@coffer/core';
import { encodeCbor, splitBytes } from '@coffer/core';
import type { RetentionPolicy } from '@coffer/journal';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { firstRow } from '../sqlite/database.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { PackProgress } from './facts.ts';
import { holdAfter } from './hold-after.ts';
import type { Numbers } from './numbers.ts';
import { segmentUploader, unknownNumber } from './numbers.ts';
import type { PackIndex } from './pack-index.ts';
import type { ExpiredPut, ExpireVersions, FoundRetention, HoldChange, HoldFacts } from './retention-facts.ts';
import type { VersionIndex } from './version-index.ts';

interface RetentionDeps {
  readonly db: DatabaseSync;
  readonly numbers: Numbers;
  readonly packs: PackIndex;
  readonly chunks: ChunkIndex;
  readonly versions: VersionIndex;
}

interface Scope {
  readonly owner: number;
  readonly vault: number;
}

/** Policies, purges, holds, and versions that go; the writer's half. Runs inside transactions. */
export class RetentionIndex {
  readonly #deps: RetentionDeps;
  readonly #setPolicy: StatementSync;
  readonly #setPurge: StatementSync;
  readonly #cancelPurge: StatementSync;
  readonly #hold: StatementSync;
  readonly #setHold: StatementSync;
  readonly #note: StatementSync;
  readonly #clearFound: StatementSync;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
    const { db } = deps;
    this.#setPolicy = db.prepare(
      'INSERT INTO policies (vault, seq, at_ms, versions, days, trash_days) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#setPurge = db.prepare('INSERT OR REPLACE INTO purges (vault, entry, at_ms, seqs) VALUES (?, ?, ?, ?)');
    this.#cancelPurge = db.prepare('DELETE FROM purges WHERE vault = ? AND entry = ?');
    this.#hold = db.prepare(
      'SELECT holder AS "by", is_on AS "on", at_ms AS atMs, since_ms AS sinceMs, reason FROM holds WHERE account = ? AND holder = ?',
    );
    this.#setHold = db.prepare(
      'INSERT OR REPLACE INTO holds (account, holder, is_on, at_ms, since_ms, reason) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#note = db.prepare(
      'INSERT OR IGNORE INTO found_expiries (id, vault, owner, pack, offset, bytes) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#clearFound = db.prepare('DELETE FROM found_expiries WHERE id = ?');
  }

  expire({ vault, owner, versions, atMs, cause, packs, found }: ExpireVersions): void {
    const { numbers } = this.#deps;
    const scope = { owner: numbers.intern(owner), vault: numbers.intern(vault) };
    for (const put of versions) {
      const { entry, seq } = put;
      if (this.#deps.versions.expire({ scope, entry, seq, cause, atMs })) this.#countDown(scope, put);
    }
    if (found) this.#clearFound.run(found);
    this.#deps.packs.advance(packs);
  }

  changeHold(change: HoldChange, packs: readonly PackProgress[]): void {
    const { account, by } = change;
    const row = firstRow<Omit<HoldFacts, 'on'> & { readonly on: number }>(this.#hold, account, by);
    const after = holdAfter(row && { ...row, on: row.on === 1 }, change);
    if (after) this.#setHold.run(account, by, after.on ? 1 : 0, after.atMs, after.sinceMs, after.reason);
    this.#deps.packs.advance(packs);
  }

  note({ expiries, holds }: FoundRetention): void {
    for (const { id, vault, owner, place } of expiries)
      this.#note.run(id, vault, owner, place.pack, place.offset, place.bytes);
    for (const hold of holds) this.changeHold(hold, []);
  }

  setPolicy(vault: number, policy: RetentionPolicy, at: { readonly seq: number; readonly atMs: number }): void {
    this.#setPolicy.run(vault, at.seq, at.atMs, policy.versions, policy.days, policy.trashDays);
  }

  /** The newest purge of an entry counts; an empty one cancels. */
  setPurge(vault: number, purge: { readonly entry: EntryId; readonly seqs: readonly number[] }, atMs: number): void {
    const { entry, seqs } = purge;
    if (seqs.length === 0) this.#cancelPurge.run(vault, entry);
    else this.#setPurge.run(vault, entry, atMs, encodeCbor(seqs));
  }

  /** Exactly what the put counted up. */
  #countDown(scope: Scope, { chunks, segments }: ExpiredPut): void {
    for (const { uploader, ids } of chunks) {
      const from = this.#deps.numbers.find(uploader) ?? unknownNumber;
      for (const id of splitBytes(ids, 32)) this.#countDownOne(scope, from, id);
    }
    for (const id of splitBytes(segments, 32)) this.#countDownOne(scope, segmentUploader, id);
  }

  #countDownOne(scope: Scope, uploader: number, id: Uint8Array): void {
    const chunk = this.#deps.chunks.find(scope, uploader, id);
    if (chunk !== undefined) this.#deps.chunks.countDown(scope, chunk);
  }
}
