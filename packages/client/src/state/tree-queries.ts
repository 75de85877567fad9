import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { EntryId } from '@coffer/core';
import { nameToBytes } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { DeletedEntry } from '../entry.ts';
import { displayName } from '../vault-path.ts';
import { prepareListings } from './folder-listing.ts';
import { createEntrySource } from './entry-source.ts';
import { kindNumbers, openEnd, rootRow } from './schema.ts';
import { entryColumns, StoredEntry } from './stored-entry.ts';
import type { EntryRow, EntrySource } from './stored-entry.ts';

export type TreeQueries = ReturnType<typeof prepareTreeQueries>;

const joins = 'JOIN entries e ON e.id = i.entry JOIN versions v ON v.id = i.version';

/** The queries of {@link StateTree} at the head (`position` undefined) or at one past position. */
export function prepareTreeQueries(db: DatabaseSync, position: number | undefined) {
  const live =
    position === undefined ? `i.to_seq = ${openEnd}` : `i.to_seq > ${position} AND i.from_seq <= ${position}`;
  const source = createEntrySource(db);
  const until = position ?? openEnd - 1;
  return {
    ...prepareListing({ db, source }, live),
    ...prepareHistory({ db, source }, until),
    ...prepareChanges({ db, source }, until),
  };
}

interface Tables {
  readonly db: DatabaseSync;
  readonly source: EntrySource;
}

/** Rows of a page of {@link StateTree.eachChild}. */
const pageRows = 512;

function prepareListing({ db, source }: Tables, live: string) {
  const rows = (text: string): StatementSync => rowsAsArrays(db, text);
  const byEntry = rows(
    `SELECT ${entryColumns} FROM entries t JOIN intervals i ON i.entry = t.id ${joins} WHERE t.entry = ? AND ${live}`,
  );
  const byRow = rows(`SELECT ${entryColumns} FROM intervals i ${joins} WHERE i.entry = ? AND ${live}`);
  const mounts = rows(
    `SELECT ${entryColumns} FROM intervals i ${joins} WHERE ${live} AND i.kind = ${kindNumbers.mount} ORDER BY i.entry`,
  );
  const child = rows(`SELECT ${entryColumns} FROM intervals i ${joins} WHERE i.parent = ? AND ${live} AND i.name = ?`);
  const children = rows(
    `SELECT ${entryColumns} FROM intervals i ${joins} WHERE i.parent = ? AND ${live} ORDER BY i.name`,
  );
  const byteNames = db.prepare(
    `SELECT i.name FROM intervals i WHERE i.parent = ? AND ${live} AND typeof(i.name) = 'blob'`,
  );
  const present = (row: unknown): StoredEntry => new StoredEntry(row as EntryRow, source);
  const one = (row: unknown): StoredEntry | undefined => (row === undefined ? undefined : present(row));
  const atRow = (row: number): StoredEntry | undefined => one(byRow.get(row));
  const all = (parent: number): readonly StoredEntry[] => inByteOrder(Array.from(children.iterate(parent), present));
  return {
    eachChild: prepareEachChild({ db, live, present, all }),
    byEntry: (entry: EntryId) => one(byEntry.get(entry)),
    mounts: () => rowsOf(mounts.all()).map((row) => new StoredEntry(row, source)),
    byRow: atRow,
    listing: prepareListings(db, live, atRow),
    child: (parent: number, name: EntryName) => one(child.get(parent, name as SQLInputValue)),
    children: all,
    escapedChild: (parent: number, shown: string) => {
      const name = byteNames.all(parent).find((row) => displayName(row['name'] as Uint8Array) === shown)?.['name'];
      return name === undefined ? undefined : one(child.get(parent, name));
    },
  };
}

interface PageTables {
  readonly db: DatabaseSync;
  readonly live: string;
  readonly present: (row: unknown) => StoredEntry;
  readonly all: (parent: number) => readonly StoredEntry[];
}

/** Pages begin after the last name of the one before: in the order of SQLite, which is that of bytes where all names are text. */
function prepareEachChild({ db, live, present, all }: PageTables) {
  const page = rowsAsArrays(
    db,
    `SELECT ${entryColumns} FROM intervals i ${joins} WHERE i.parent = ? AND ${live} AND i.name > ? ORDER BY i.name LIMIT ${pageRows}`,
  );
  const firstByteName = db.prepare(
    `SELECT 1 FROM intervals i WHERE i.parent = ? AND ${live} AND i.name >= x'' LIMIT 1`,
  );
  function* inPages(parent: number): Generator<StoredEntry> {
    for (let after: EntryName = '', isMore = true; isMore;) {
      const found: readonly StoredEntry[] = Array.from(page.iterate(parent, after), present);
      yield* found;
      after = found.at(-1)?.name ?? after;
      isMore = found.length === pageRows;
    }
  }
  return (parent: number): Iterable<StoredEntry> =>
    firstByteName.get(parent) === undefined ? inPages(parent) : all(parent);
}

function prepareHistory({ db, source }: Tables, until: number) {
  const head = db.prepare('SELECT COALESCE(MAX(seq), 0) AS seq FROM commits');
  const seqAt = db.prepare('SELECT COALESCE(MAX(seq), 0) AS seq FROM commits WHERE received_ms <= ?');
  const versions = rowsAsArrays(
    db,
    `SELECT ${entryColumns} FROM intervals i ${joins} WHERE i.id IN (SELECT MAX(i2.id) FROM intervals i2
    JOIN entries t ON t.id = i2.entry WHERE t.entry = ? AND i2.from_seq <= ${until} GROUP BY i2.version) ORDER BY v.number DESC`,
  );
  const deleted = rowsAsArrays(
    db,
    `SELECT ${entryColumns}, i.to_seq FROM intervals i ${joins} WHERE i.to_seq <= ${until} AND i.from_seq < i.to_seq
    AND NOT EXISTS (SELECT 1 FROM intervals l WHERE l.entry = i.entry AND l.to_seq > i.to_seq AND l.from_seq <= ${until})
    ORDER BY i.to_seq DESC, i.name`,
  );
  const rowOf = db.prepare('SELECT id FROM entries WHERE entry = ?');
  const lastPlace = db.prepare(`SELECT from_seq AS fromSeq, iif(to_seq > ${until}, NULL, to_seq) AS toSeq, parent, kind
    FROM intervals WHERE entry = ? AND from_seq <= ${until} ORDER BY to_seq DESC, id DESC LIMIT 1`);
  const timeOf = db.prepare('SELECT received_ms AS ms FROM commits WHERE seq = ?');
  const namesAt = prepareNamesAt(db);
  return {
    headSeq: () => Number(head.get()?.['seq']),
    seqAt: (timeMs: number) => Number(seqAt.get(Math.floor(timeMs))?.['seq']),
    rowOf: (entry: EntryId) => rowOf.get(entry)?.['id'] as number | undefined,
    /** Where an entry is or was last; `toSeq` is there when it went. */
    lastPlace: (row: number): LastPlace | undefined => {
      const found = lastPlace.get(row) as (Omit<LastPlace, 'toSeq'> & { toSeq: number | null }) | undefined;
      return found === undefined ? undefined : { ...found, toSeq: found.toSeq ?? undefined };
    },
    timeOf: (seq: number) => timeOf.get(seq)?.['ms'] as number | undefined,
    versions: (entry: EntryId, current: number | undefined) =>
      rowsOf(versions.all(entry)).map((row) =>
        Object.assign(new StoredEntry(row, source), { current: row[8] === current }),
      ),
    deleted: () =>
      (deleted.all() as unknown as readonly DeletedRow[]).map((row): DeletedEntry => {
        const removedSeq = row.at(-1) as number;
        const entry = new StoredEntry(row as unknown as EntryRow, source);
        const path = namesAt(entry.row, removedSeq - 1);
        const { receivedAtMs: removedAtMs } = source.commitOf(removedSeq);
        return Object.assign(entry, { path: path.length === 0 ? [entry.name] : path, removedSeq, removedAtMs });
      }),
  };
}

function prepareChanges({ db }: Tables, until: number) {
  const namesAt = prepareNamesAt(db);
  const changedBelow = db.prepare(
    `SELECT DISTINCT parent FROM intervals WHERE from_seq <= ${until}
    AND (from_seq > ? OR to_seq > ? AND to_seq <= ${until})`,
  );
  return {
    /** Rows of the directories in which an interval began or ended after a position. Reads all intervals. */
    changedBelow: (seq: number): readonly number[] => changedBelow.all(seq, seq).map((row) => Number(row['parent'])),
    /** Undefined when it was not there. */
    namesAt: (row: number, seq: number): readonly EntryName[] | undefined => {
      const names = namesAt(row, seq);
      return row !== rootRow && names.length === 0 ? undefined : names;
    },
  };
}

/** Names from the root at a position; empty when the entry was not there. */
function prepareNamesAt(db: DatabaseSync) {
  const placeAt = db.prepare('SELECT parent, name FROM intervals WHERE entry = ? AND to_seq > ? AND from_seq <= ?');
  return (row: number, seq: number) => namesOf(row, (at) => placeAt.get(at, seq, seq) as Place | undefined);
}

function rowsOf(rows: unknown): EntryRow[] {
  return rows as EntryRow[];
}

interface Place {
  readonly parent: number;
  readonly name: EntryName;
}

interface LastPlace {
  readonly fromSeq: number;
  readonly toSeq: number | undefined;
  readonly parent: number;
  readonly kind: number;
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

/** An {@link EntryRow} and the position at which it went. */
type DeletedRow = readonly unknown[];

function rowsAsArrays(db: DatabaseSync, text: string): StatementSync {
  const statement = db.prepare(text);
  statement.setReturnArrays(true);
  return statement;
}

/** SQLite puts text before bytes; both are ordered within themselves, so only a mixture needs sorting. */
function inByteOrder(entries: StoredEntry[]): readonly StoredEntry[] {
  if (!entries.some(({ name }) => typeof name !== 'string')) return entries;
  return entries.toSorted((a, b) => Buffer.compare(nameToBytes(a.name), nameToBytes(b.name)));
}
