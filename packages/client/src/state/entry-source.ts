import type { DatabaseSync } from 'node:sqlite';
import type { AccountId, DeviceId, EntryId, Hash } from '@coffer/core';
import type { EntrySource } from './stored-entry.ts';

/** Commits remembered: a walk meets the thousand entries of a commit one after the other. */
const maxCommits = 10_000;

/** The parts of entries that few callers want, each by its own statement. */
export function createEntrySource(db: DatabaseSync): EntrySource {
  const entry = db.prepare('SELECT entry FROM entries WHERE id = ?');
  const content = db.prepare('SELECT content FROM versions WHERE id = ?');
  content.setReturnArrays(true);
  const hash = db.prepare('SELECT hash FROM versions WHERE id = ?');
  const commit = db.prepare('SELECT received_ms, account, device FROM commits WHERE seq = ?');
  const commits = new Map<number, ReturnType<EntrySource['commitOf']>>();
  return {
    entryOfRow: (row) => entry.get(row)?.['entry'] as EntryId,
    contentOf: (version) => (content.get(version) as unknown as readonly [Uint8Array])[0],
    hashOf: (version) => (hash.get(version)?.['hash'] as Hash | null | undefined) ?? undefined,
    commitOf: (seq) => {
      const known = commits.get(seq);
      if (known !== undefined) return known;
      const row = commit.get(seq);
      const device = (row?.['device'] as DeviceId | null | undefined) ?? undefined;
      const account = row?.['account'] as AccountId;
      const found = { receivedAtMs: Number(row?.['received_ms'] ?? 0), account, device };
      if (row !== undefined && commits.size < maxCommits) commits.set(seq, found);
      return found;
    },
  };
}
