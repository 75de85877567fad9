import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { EntryId } from '@coffer/core';
import { nameToBytes } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { DeletedEntry, Version } from '../entry.ts';
import { displayName } from '../vault-path.ts';
import { openEnd, rootRow } from './schema.ts';
import { StoredEntry } from './stored-entry.ts';
import type { EntryRow } from './stored-entry.ts';

export type TreeQueries = ReturnType<typeof prepareTreeQueries>;

const columns = `i.entry AS row, e.entry, i.parent AS parent_row, p.entry AS parent, i.name, i.kind, i.mtime_s, i.mtime_ns, i.mode,
  v.id AS version_row, v.number, v.seq, v.size, v.content, v.hash, v.target, c.received_ms, c.device`;
const joins = `JOIN entries e ON e.id = i.entry JOIN entries p ON p.id = i.parent JOIN versions v ON v.id = i.version
  LEFT JOIN commits c ON c.seq = v.seq`;

/** The queries of {@link StateTree} at the head (`position` undefined) or at one past position. */
export function prepareTreeQueries(db: DatabaseSync, position: number | undefined) {
  const live =
    position === undefined ? `i.to_seq = ${openEnd}` : `i.to_seq > ${position} AND i.from_seq <= ${position}`;
  return { ...prepareListing(db, live), ...prepareHistory(db, position ?? openEnd - 1) };
}

function prepareListing(db: DatabaseSync, live: string) {
  const sql = {
    byEntry: db.prepare(
      `SELECT ${columns} FROM entries t JOIN intervals i ON i.entry = t.id ${joins} WHERE t.entry = ? AND ${live}`,
    ),
    byRow: db.prepare(`SELECT ${columns} FROM intervals i ${joins} WHERE i.entry = ? AND ${live}`),
    child: db.prepare(`SELECT ${columns} FROM intervals i ${joins} WHERE i.parent = ? AND ${live} AND i.name = ?`),
    children: db.prepare(`SELECT ${columns} FROM intervals i ${joins} WHERE i.parent = ? AND ${live} ORDER BY i.name`),
    byteNames: db.prepare(`SELECT i.name FROM intervals i WHERE i.parent = ? AND ${live} AND typeof(i.name) = 'blob'`),
  };
  const one = (row: unknown): StoredEntry | undefined =>
    row === undefined ? undefined : new StoredEntry(row as EntryRow);
  return {
    byEntry: (entry: EntryId) => one(sql.byEntry.get(entry)),
    byRow: (row: number) => one(sql.byRow.get(row)),
    child: (parent: number, name: EntryName) => one(sql.child.get(parent, name as SQLInputValue)),
    children: (parent: number) => inByteOrder(rowsOf(sql.children.all(parent)).map((row) => new StoredEntry(row))),
    escapedChild: (parent: number, shown: string) => {
      const name = sql.byteNames.all(parent).find((row) => displayName(row['name'] as Uint8Array) === shown)?.['name'];
      return name === undefined ? undefined : one(sql.child.get(parent, name));
    },
  };
}

function prepareHistory(db: DatabaseSync, until: number) {
  const head = db.prepare('SELECT COALESCE(MAX(seq), 0) AS seq FROM commits');
  const seqAt = db.prepare('SELECT COALESCE(MAX(seq), 0) AS seq FROM commits WHERE received_ms <= ?');
  const placeAt = db.prepare('SELECT parent, name FROM intervals WHERE entry = ? AND to_seq > ? AND from_seq <= ?');
  const versions =
    db.prepare(`SELECT ${columns} FROM intervals i ${joins} WHERE i.id IN (SELECT MAX(i2.id) FROM intervals i2
    JOIN entries t ON t.id = i2.entry WHERE t.entry = ? AND i2.from_seq <= ${until} GROUP BY i2.version) ORDER BY v.number DESC`);
  const deleted =
    db.prepare(`SELECT ${columns}, i.to_seq AS removed_seq, r.received_ms AS removed_ms FROM intervals i ${joins}
    LEFT JOIN commits r ON r.seq = i.to_seq WHERE i.to_seq <= ${until} AND i.from_seq < i.to_seq
    AND NOT EXISTS (SELECT 1 FROM intervals l WHERE l.entry = i.entry AND l.to_seq > i.to_seq AND l.from_seq <= ${until})
    ORDER BY i.to_seq DESC, i.name`);
  const namesAt = (row: number, seq: number) => namesOf(row, (at) => placeAt.get(at, seq, seq) as Place | undefined);
  return {
    headSeq: () => Number(head.get()?.['seq']),
    seqAt: (timeMs: number) => Number(seqAt.get(Math.floor(timeMs))?.['seq']),
    versions: (entry: EntryId, current: number | undefined) =>
      rowsOf(versions.all(entry)).map((row) => asVersion(row, current)),
    deleted: () =>
      (deleted.all() as unknown as DeletedRow[]).map((row) => asDeleted(row, namesAt(row.row, row.removed_seq - 1))),
  };
}

function rowsOf(rows: unknown): EntryRow[] {
  return rows as EntryRow[];
}

interface Place {
  readonly parent: number;
  readonly name: EntryName;
}

/** Names from the root; empty when the entry, or what stood above it, was not there. */
function namesOf(row: number, placeOf: (row: number) => Place | undefined): readonly EntryName[] {
  const names: EntryName[] = [];
  for (let at = row; at !== rootRow && names.length < maxDepth;) {
    const place = placeOf(at);
    if (place === undefined) return [];
    names.push(place.name);
    at = place.parent;
  }
  return names.toReversed();
}

/** Deeper nesting exists only in a damaged database. */
const maxDepth = 4096;

interface DeletedRow extends EntryRow {
  readonly removed_seq: number;
  readonly removed_ms: number | null;
}

/** SQLite puts text before bytes; both are ordered within themselves, so only a mixture needs sorting. */
function inByteOrder(entries: StoredEntry[]): readonly StoredEntry[] {
  if (!entries.some(({ name }) => typeof name !== 'string')) return entries;
  return entries.toSorted((a, b) => Buffer.compare(nameToBytes(a.name), nameToBytes(b.name)));
}

function asVersion(row: EntryRow, current: number | undefined): Version {
  return Object.assign(new StoredEntry(row), { current: row.version_row === current });
}

function asDeleted(row: DeletedRow, path: readonly EntryName[]): DeletedEntry {
  return Object.assign(new StoredEntry(row), {
    path: path.length === 0 ? [row.name] : path,
    removedSeq: row.removed_seq,
    removedAtMs: row.removed_ms ?? 0,
  });
}
