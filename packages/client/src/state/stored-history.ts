import type { DatabaseSync } from 'node:sqlite';
import { concatBytes, u64 } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { CommitHeader, PolicyChange, PurgeRef } from '@coffer/journal';
import { openEnd } from './schema.ts';

/** A `purge` ref as the server received it; no seqs cancel the one before. */
export interface PurgeOrder {
  readonly seqs: readonly number[];
  readonly receivedAtMs: number;
}

/** What the folded journal says about keeping versions: policies, purges, and when versions stopped being current. */
export class StoredHistory {
  readonly #sql;

  constructor(db: DatabaseSync) {
    this.#sql = {
      addPolicy: db.prepare('INSERT INTO policies (seq, versions, days, trash_days) VALUES (?, ?, ?, ?)'),
      policies: db.prepare(`SELECT p.versions, p.days, p.trash_days AS trashDays, c.received_ms AS receivedAtMs
        FROM policies p JOIN commits c ON c.seq = p.seq ORDER BY p.seq`),
      addPurge: db.prepare('INSERT INTO purges (entry, seq, seqs) VALUES (?, ?, ?)'),
      purges: db.prepare(`SELECT p.seqs, c.received_ms AS receivedAtMs FROM purges p JOIN commits c ON c.seq = p.seq
        WHERE p.entry = ? ORDER BY p.seq`),
      ends: db.prepare(`SELECT v.seq, MAX(i.to_seq) AS end FROM entries t JOIN intervals i ON i.entry = t.id
        JOIN versions v ON v.id = i.version WHERE t.entry = ? GROUP BY v.id`),
    };
  }

  /** Of a commit that is folded. What the server acts upon holds also when the operations of the commit do not. */
  learn({ seq, refs }: CommitHeader): void {
    for (const ref of refs) {
      if (ref.kind === 'policy') {
        const { versions, days, trashDays } = ref.policy;
        this.#sql.addPolicy.run(seq, versions, days, trashDays);
      }
      if (ref.kind === 'purge') this.#sql.addPurge.run(ref.entry, seq, packSeqs(ref));
    }
  }

  /** Policies that the journal sets, in order of time. */
  policies(): readonly PolicyChange[] {
    return (this.#sql.policies.all() as unknown as PolicyRow[]).map(({ receivedAtMs, ...policy }) => ({
      policy: { ...policy },
      receivedAtMs,
    }));
  }

  /** Purges of an entry, in order of time. */
  purges(entry: EntryId): readonly PurgeOrder[] {
    return this.#sql.purges.all(entry).map(({ seqs, receivedAtMs }) => ({
      seqs: unpackSeqs(seqs as Uint8Array),
      receivedAtMs: Number(receivedAtMs),
    }));
  }

  /** By the position that put a version: the position that replaced or removed it; undefined for the last one of an entry that was not removed itself. */
  ends(entry: EntryId): ReadonlyMap<number, number | undefined> {
    const rows = this.#sql.ends.all(entry) as { seq: number; end: number }[];
    return new Map(rows.map(({ seq, end }) => [seq, end === openEnd ? undefined : end]));
  }
}

interface PolicyRow {
  readonly versions: number;
  readonly days: number;
  readonly trashDays: number;
  readonly receivedAtMs: number;
}

function packSeqs({ seqs }: PurgeRef): Uint8Array {
  return concatBytes(...seqs.map((seq) => u64(seq)));
}

function unpackSeqs(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 8 }, (_, index) => Number(view.getBigUint64(index * 8)));
}
