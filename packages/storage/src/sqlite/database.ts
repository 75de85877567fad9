import { CofferError } from '@coffer/core';
import type { CofferErrorOptions } from '@coffer/core';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { makePrivate } from './private-file.ts';

/** One step of a schema: the n-th migration brings `user_version` to n. Released ones are never edited. */
export type Migrations = readonly string[];

export interface OpenDatabaseOptions {
  readonly path: string;
  readonly migrations: Migrations;
  /** A table of the first migration: a database without it is another one, put here by mistake. */
  readonly table: string;
  /** FULL: a commit survives a power cut. NORMAL: the last ones may be lost, never torn. */
  readonly synchronous: 'FULL' | 'NORMAL';
}

/** How long a statement waits for another process's write; administrators' commands hold theirs for milliseconds. */
const busyTimeoutMs = 5000;

/** Page caches of a connection, KiB. What they hold counts among the 64 MiB of a collection; pages beyond are the system's to keep. */
const writerCacheKiB = 8 * 1024;
const readerCacheKiB = 4 * 1024;

/**
 * Opens a WAL database and brings its schema up to date.
 * @throws UPGRADE_REQUIRED (written by newer code; left untouched), DAMAGED, IO
 */
export function openDatabase({ path, migrations, table, synchronous }: OpenDatabaseOptions): DatabaseSync {
  return guarded(path, () => {
    makePrivate(path);
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    try {
      // Another database is not a newer one, whatever number it has: what helps is another thing.
      refuseOther(db, table, path);
      refuseNewer(db, migrations, path);
      db.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA foreign_keys = ON; PRAGMA cache_size = -${writerCacheKiB}`,
      );
      migrate(db, migrations);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Looks whether newer code wrote it. Whatever else is wrong with it is for whoever opens it. @throws UPGRADE_REQUIRED */
export function refuseNewerDatabase({ path, migrations, table }: Omit<OpenDatabaseOptions, 'synchronous'>): void {
  guarded(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    try {
      refuseOther(db, table, path);
      refuseNewer(db, migrations, path);
    } finally {
      db.close();
    }
  });
}

/** A connection that can only read. @throws as {@link openDatabase} */
export function openReadOnly(path: string, migrations: Migrations): DatabaseSync {
  return guarded(path, () => {
    const db = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    try {
      refuseNewer(db, migrations, path);
      db.exec(`PRAGMA cache_size = -${readerCacheKiB}`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Runs `work` in one write transaction: all of it happens or nothing. */
export function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite may have rolled back already, e.g. on a full disk.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The rows of a statement as the type its SQL promises. */
export function allRows<Row>(statement: StatementSync, ...parameters: readonly SQLInputValue[]): Row[] {
  return statement.all(...parameters) as unknown as Row[];
}

/** The same, one after the other as they are taken. */
export function eachRow<Row>(statement: StatementSync, ...parameters: readonly SQLInputValue[]): IterableIterator<Row> {
  return statement.iterate(...parameters) as unknown as IterableIterator<Row>;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- only the SQL knows the type; a cast at every caller would say less
export function firstRow<Row>(statement: StatementSync, ...parameters: readonly SQLInputValue[]): Row | undefined {
  return statement.get(...parameters) as unknown as Row | undefined;
}

/** Turns an error of SQLite into one with a code; everything else passes. */
export function databaseError(path: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const details = { path, sqlite: code };
  if (code === sqliteFull)
    return new CofferError('NO_SPACE', 'the disk of the server is full', { cause: error, details });
  if (code === sqliteCorrupt || code === sqliteNotADatabase) {
    return damagedError(path, { cause: error, details });
  }
  if (code === sqliteBusy)
    return new CofferError('BUSY', 'a database of the storage is in use', { cause: error, details });
  return new CofferError('IO', `a database of the storage failed (SQLite ${code})`, { cause: error, details });
}

/** Says which database it is, and what helps: the index is made again, accounts.db is restored. */
function damagedError(path: string, { details, cause }: Pick<CofferErrorOptions, 'details' | 'cause'>): CofferError {
  const name = basename(path);
  const hint =
    name === 'index.db'
      ? 'Stop the server and run `coffer admin rebuild-index`: it is made again from the packs, nothing acknowledged is lost.'
      : 'Stop the server and run `coffer admin restore`: it takes the newest backup, and what the packs know beyond it.';
  return new CofferError('DAMAGED', `${name} of the storage is damaged`, {
    hint,
    ...(details && { details }),
    ...(cause !== undefined && { cause }),
  });
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;

/** Constraint and misuse are bugs of the caller, not states of the disk. */
const sqliteBugs: readonly number[] = [1, 19, 20, 21, 25];

/** Primary result code of an error of node:sqlite; `undefined` for anything else. */
export function sqliteResult(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function sqliteCode(error: unknown): number | undefined {
  const primary = sqliteResult(error);
  if (primary === undefined) return undefined;
  return sqliteBugs.includes(primary) ? undefined : primary;
}

function guarded<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw databaseError(path, error);
  }
}

function schemaVersion(db: DatabaseSync): number {
  return firstRow<{ user_version: number }>(db.prepare('PRAGMA user_version'))?.user_version ?? 0;
}

function refuseNewer(db: DatabaseSync, migrations: Migrations, path: string): void {
  const version = schemaVersion(db);
  if (version <= migrations.length) return;
  throw new CofferError(
    'UPGRADE_REQUIRED',
    `the storage has schema ${version}; this program knows ${migrations.length}`,
    {
      hint: 'Start the newer version of Coffer that wrote this storage.',
      details: { path, version },
    },
  );
}

function refuseOther(db: DatabaseSync, table: string, path: string): void {
  if (schemaVersion(db) === 0) return;
  const found = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table);
  if (found === undefined) throw damagedError(path, { details: { path, missing: table } });
}

function migrate(db: DatabaseSync, migrations: Migrations): void {
  if (schemaVersion(db) === migrations.length) return;
  inTransaction(db, () => {
    // Read again under the write lock: another process may have migrated meanwhile.
    const pending = migrations.slice(schemaVersion(db));
    for (const sql of pending) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
