import type { DatabaseSync } from 'node:sqlite';
import type { EntryId, Timestamp } from '@coffer/core';
import type { EntryName } from '@coffer/journal';
import { kindNumbers, openEnd, rootRow } from './schema.ts';

/** The last known place of an entry; `interval` is null when it is not live, and then `from_seq` means nothing. */
export interface LiveRow {
  readonly id: number;
  readonly interval: number | null;
  readonly from_seq: number;
  readonly parent: number;
  readonly name: EntryName;
  readonly kind: number;
  readonly version: number;
  readonly mtime_s: number;
  readonly mtime_ns: number;
  readonly mode: number;
}

interface NewVersion {
  readonly entry: number;
  readonly number: number;
  readonly seq: number;
  readonly size: number;
  readonly content: Uint8Array;
  readonly hash: Uint8Array | null;
  readonly target: EntryName | null;
}

interface NewInterval {
  readonly entry: number;
  readonly fromSeq: number;
  readonly parent: number;
  readonly name: EntryName;
  readonly kind: number;
  readonly version: number;
  readonly mtime: Timestamp;
  readonly mode: number;
}

export type TreeStatements = ReturnType<typeof prepareTreeStatements>;

const liveBelow = `WITH RECURSIVE below (id, kind, version) AS (
  SELECT entry, kind, version FROM intervals WHERE parent = ? AND to_seq = ${openEnd}
  UNION SELECT i.entry, i.kind, i.version FROM below b JOIN intervals i ON i.parent = b.id AND i.to_seq = ${openEnd})`;

const placeColumns = `i.id AS interval, i.from_seq, i.parent, i.name, i.kind, i.version, i.mtime_s, i.mtime_ns, i.mode`;

/** The prepared statements of {@link TreeWriter}, typed; nothing here knows a rule. */
export function prepareTreeStatements(db: DatabaseSync) {
  return { ...prepareReads(db), ...prepareWrites(db), ...prepareDoubts(db) };
}

function prepareReads(db: DatabaseSync) {
  const byEntry = db.prepare(`SELECT e.id, ${placeColumns} FROM entries e
    LEFT JOIN intervals i ON i.entry = e.id AND i.to_seq = ${openEnd} WHERE e.entry = ?`);
  const last = db.prepare(`SELECT i.entry AS id, ${placeColumns} FROM intervals i WHERE i.entry = ?
    ORDER BY i.to_seq DESC, i.id DESC LIMIT 1`);
  const child = db.prepare(`SELECT entry FROM intervals WHERE parent = ? AND to_seq = ${openEnd} AND name = ?`);
  const above =
    db.prepare(`SELECT i.parent FROM intervals i WHERE i.entry = ? AND i.to_seq = ${openEnd} AND (i.parent = ${rootRow}
    OR EXISTS (SELECT 1 FROM intervals p WHERE p.entry = i.parent AND p.to_seq = ${openEnd} AND p.kind = ${kindNumbers.directory}))`);
  const shared = db.prepare(`SELECT entry FROM intervals WHERE parent = ${rootRow} LIMIT 1`);
  const version = db.prepare('SELECT number, seq FROM versions WHERE id = ?');
  const ofSeq =
    db.prepare(`SELECT v.id FROM versions v WHERE v.id IN (SELECT version FROM intervals WHERE entry = ?) AND v.seq = ?
    ORDER BY v.id DESC LIMIT 1`);
  return {
    liveByEntry: (entry: EntryId) => byEntry.get(entry) as unknown as LiveRow | undefined,
    lastInterval: (id: number) => last.get(id) as unknown as LiveRow | undefined,
    liveChild: (parent: number, name: EntryName) => numberOf(child.get(parent, name)?.['entry']),
    /** Row of the parent when the entry is live and that parent is the root or a live directory. */
    directoryAbove: (id: number) => numberOf(above.get(id)?.['parent']),
    /** The one entry that ever stood in the root of a share. */
    shared: () => numberOf(shared.get()?.['entry']),
    versionNumber: (id: number) => numberOf(version.get(id)?.['number']) ?? 0,
    versionSeq: (id: number) => numberOf(version.get(id)?.['seq']) ?? 0,
    versionOfSeq: (id: number, seq: number) => numberOf(ofSeq.get(id, seq)?.['id']),
  };
}

function prepareWrites(db: DatabaseSync) {
  const entry = db.prepare('INSERT INTO entries (entry) VALUES (?)');
  const version = db.prepare(
    'INSERT INTO versions (entry, number, seq, size, content, hash, target) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const interval =
    db.prepare(`INSERT INTO intervals (entry, from_seq, to_seq, parent, name, kind, version, mtime_s, mtime_ns, mode)
    VALUES (?, ?, ${openEnd}, ?, ?, ?, ?, ?, ?, ?)`);
  const end = db.prepare('UPDATE intervals SET to_seq = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM intervals WHERE id = ?');
  return {
    insertEntry: (id: EntryId) => Number(entry.run(id).lastInsertRowid),
    insertVersion: (row: NewVersion) =>
      Number(version.run(row.entry, row.number, row.seq, row.size, row.content, row.hash, row.target).lastInsertRowid),
    insertInterval: ({ mtime: [seconds, nanoseconds], ...row }: NewInterval) =>
      void interval.run(
        row.entry,
        row.fromSeq,
        row.parent,
        row.name,
        row.kind,
        row.version,
        seconds,
        nanoseconds,
        row.mode,
      ),
    endInterval: (id: number, seq: number) => void end.run(seq, id),
    deleteInterval: (id: number) => void remove.run(id),
  };
}

function prepareDoubts(db: DatabaseSync) {
  const hidden = db.prepare(`${liveBelow} INSERT OR IGNORE INTO doubts (entry, believed, reason)
    SELECT e.entry, v.seq, ? FROM below b JOIN entries e ON e.id = b.id JOIN versions v ON v.id = b.version WHERE b.kind = ${kindNumbers.file}`);
  const returned = db.prepare(`${liveBelow} INSERT OR IGNORE INTO doubts (entry, believed, reason)
    SELECT e.entry, NULL, 'removed' FROM below b JOIN entries e ON e.id = b.id WHERE b.kind = ${kindNumbers.file}`);
  return {
    /** Files below a directory that is hidden from now on. */
    doubtBelow: (id: number, reason: string) => void hidden.run(id, reason),
    /** Files below a directory that comes back. */
    doubtReturned: (id: number) => void returned.run(id),
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
