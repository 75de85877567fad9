import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { CofferError, lp, sha256, toHex } from '@coffer/core';
import type { VaultId } from '@coffer/core';
import { aboveRoot } from './base.ts';
import type { BaseItem, BaseNode, BasePlace, BaseReader, BaseWriter } from './base.ts';
import { showPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';

/** What names a job: the same three again are the same job. */
export interface JobKey {
  /** Real path of the folder. */
  readonly root: ByteName;
  readonly vault: VaultId;
  /** Of the vault: after a restored server base speaks of a tree that is gone, and would call files removed that were lost. */
  readonly lineage: number;
  /** Path in the vault, its names joined by `/`. */
  readonly path: ByteName;
}

/** What a run leaves for the next one beside the items. */
export interface JobFacts {
  /** Filesystem of the folder and its inode, as the system numbers them. */
  readonly device: string;
  /** Position of the vault that base agrees with; 0 when it is not known to agree with any. */
  readonly headSeq: number;
}

/** Bumped whenever the tables change: an older state is thrown away, and the next run compares everything once. */
const format = 1;

/** SQLite's answers to a second process, to a full disk, and to a file that is none of its own or is damaged. */
const sqlite = { busy: 5, corrupt: 11, full: 13, notADatabase: 26 } as const;

/**
 * Base of one job in a database of its own, which is also its lock: it is open in at most one process at a time. Losing it
 * costs time, never a file: the next run compares everything again.
 */
export class JobState implements BaseReader, BaseWriter, AsyncDisposable {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  #nextDirectory: number | undefined;
  #writing = false;
  #closed = false;

  /** @throws LOCKED while another run has it; IO */
  static async open(directory: string, key: JobKey): Promise<JobState> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, `${jobName(key)}.db`);
    try {
      return new JobState(openDatabase(file));
    } catch (error) {
      if (!isDamaged(error)) throw asFailure(error, key);
      discardState(file);
      return new JobState(openDatabase(file));
    }
  }

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.#sql = prepare(db);
  }

  get facts(): JobFacts | undefined {
    const row = this.#sql.facts.get() as { device: string; head_seq: number } | undefined;
    return row === undefined ? undefined : { device: row.device, headSeq: row.head_seq };
  }

  /** Stored by the next {@link save}. */
  setFacts(facts: JobFacts): void {
    this.#write(() => this.#sql.setFacts.run(facts.device, facts.headSeq));
  }

  /** True when base knows of anything but the root. */
  get hasItems(): boolean {
    return this.#sql.anyItem.get() !== undefined;
  }

  /** Files and symlinks that base knows. */
  get files(): number {
    return Number(this.#sql.files.get()?.['files']);
  }

  root(): BaseNode | undefined {
    return this.children(aboveRoot)[0];
  }

  children(directory: number): readonly BaseNode[] {
    const rows = this.#sql.children.all(directory) as unknown as [string, number | null, string, string][];
    return rows.map(([name, number, local, remote]) => ({ name, directory: number ?? undefined, local, remote }));
  }

  newDirectory(): number {
    const number = this.#nextNumber();
    this.#nextDirectory = number + 1;
    return number;
  }

  remember({ directory, name }: BasePlace, item: BaseItem): void {
    this.#write(() => this.#sql.put.run(directory, name, item.directory ?? null, item.local, item.remote));
  }

  forget({ directory, name }: BasePlace): void {
    this.#write(() => {
      this.#sql.forgetBelow.run(directory, name);
      this.#sql.forget.run(directory, name);
    });
  }

  drop({ directory, name }: BasePlace): void {
    this.#write(() => this.#sql.forget.run(directory, name));
  }

  sweep(): void {
    this.#write(() => {
      while (Number(this.#sql.sweep.run().changes) > 0);
    });
  }

  save(): void {
    if (!this.#writing) return;
    try {
      this.#db.exec('COMMIT');
    } catch (error) {
      throw this.#failed(error);
    }
    this.#writing = false;
  }

  /** What was not saved is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#writing) this.#db.exec('ROLLBACK');
    this.#db.close();
  }

  /** @throws NO_SPACE, IO */
  #write(change: () => unknown): void {
    try {
      this.#begin();
      change();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** A disk that is full has rolled back by itself. */
  #failed(error: unknown): unknown {
    this.#writing = this.#db.isTransaction;
    return asStateFailure(error);
  }

  #begin(): void {
    if (this.#writing) return;
    // Looked up before anything goes, so that no number means two directories in one run, and not in runs that write nothing.
    this.#nextDirectory = this.#nextNumber();
    this.#db.exec('BEGIN IMMEDIATE');
    this.#writing = true;
  }

  #nextNumber(): number {
    return this.#nextDirectory ?? numberIn(this.#sql.lastDirectory.get()) + 1;
  }
}

/** File name of a job's state: its key, hashed, because paths are longer than names may be. */
export function jobName({ root, vault, lineage, path }: JobKey): string {
  const names = [Buffer.from(root, 'latin1'), vault, Buffer.from(path, 'latin1')];
  return toHex(sha256(lp('coffer/1 sync job', ...names, ...(lineage > 0 ? [lineage] : [])))).slice(0, 32);
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: DatabaseSync) {
  const arrays = (statement: StatementSync): StatementSync => {
    statement.setReturnArrays(true);
    return statement;
  };
  return {
    facts: db.prepare('SELECT device, head_seq FROM facts'),
    setFacts: db.prepare('INSERT OR REPLACE INTO facts (id, device, head_seq) VALUES (1, ?, ?)'),
    files: db.prepare('SELECT count(*) AS files FROM items WHERE directory IS NULL'),
    anyItem: db.prepare(`SELECT 1 FROM items WHERE parent <> ${aboveRoot} LIMIT 1`),
    lastDirectory: db.prepare('SELECT max(max(parent), max(coalesce(directory, 0))) AS number FROM items'),
    children: arrays(db.prepare('SELECT name, directory, local, remote FROM items WHERE parent = ?')),
    put: db.prepare('INSERT OR REPLACE INTO items (parent, name, directory, local, remote) VALUES (?, ?, ?, ?, ?)'),
    forget: db.prepare('DELETE FROM items WHERE parent = ? AND name = ?'),
    sweep: db.prepare(`DELETE FROM items WHERE parent <> ${aboveRoot}
      AND parent NOT IN (SELECT directory FROM items WHERE directory IS NOT NULL)`),
    forgetBelow: db.prepare(`WITH RECURSIVE below(number) AS (
        SELECT directory FROM items WHERE parent = ? AND name = ? AND directory IS NOT NULL
        UNION SELECT i.directory FROM items i JOIN below b ON i.parent = b.number WHERE i.directory IS NOT NULL)
      DELETE FROM items WHERE parent IN (SELECT number FROM below)`),
  };
}

/** Another job that looks whether this one runs holds its state for a moment. */
const lookMs = 300;

/** Exclusive locking makes the open database the lock of the job, and spares WAL its shared memory file. */
function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: lookMs });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE');
    createTables(db);
    db.exec('COMMIT');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function createTables(db: DatabaseSync): void {
  if (numberIn(db.prepare('PRAGMA user_version').get(), 'user_version') === format) return;
  db.exec(`
    DROP TABLE IF EXISTS facts;
    DROP TABLE IF EXISTS items;
    CREATE TABLE facts (id INTEGER PRIMARY KEY CHECK (id = 1), device TEXT NOT NULL, head_seq INTEGER NOT NULL) STRICT;
    CREATE TABLE items (parent INTEGER NOT NULL, name TEXT NOT NULL, directory INTEGER, local TEXT NOT NULL, remote TEXT NOT NULL,
      PRIMARY KEY (parent, name)) STRICT, WITHOUT ROWID;
    PRAGMA user_version = ${format};
  `);
}

function numberIn(row: unknown, column = 'number'): number {
  return (row as Record<string, number | null> | undefined)?.[column] ?? 0;
}

function isSqlite(error: unknown, ...codes: readonly number[]): boolean {
  const code = (error as { errcode?: number } | undefined)?.errcode;
  return code !== undefined && codes.includes(code & 0xff);
}

/** True when a database of a job's state is none, or damaged: it is a cache, and made anew. */
export function isDamaged(error: unknown): boolean {
  return isSqlite(error, sqlite.corrupt, sqlite.notADatabase);
}

/** A failure that callers can meet, of what SQLite threw. */
export function asStateFailure(error: unknown): unknown {
  if ((error as { code?: string }).code !== 'ERR_SQLITE_ERROR') return error;
  if (isSqlite(error, sqlite.full)) {
    return new CofferError('NO_SPACE', 'no space is left for the state of this sync job', {
      hint: 'Make room on the disk of your profile, then run it again.',
      cause: error,
    });
  }
  return new CofferError('IO', `the state of this sync job cannot be used: ${(error as Error).message}`, {
    cause: error,
  });
}

/** True when another process has the database of a job's state. */
export function isBusyState(error: unknown): boolean {
  return isSqlite(error, sqlite.busy);
}

function asFailure(error: unknown, { root, path }: JobKey): unknown {
  if (!isBusyState(error)) return asStateFailure(error);
  const what = `${showPath(root)} with /${showPath(path)} in the vault`;
  return new CofferError('LOCKED', `a job is running on this folder already: ${what}`, {
    hint: 'Wait until it has ended, or stop it.',
  });
}

/** The old state is kept beside, for whoever wants to know what happened to it. */
export function discardState(file: string): void {
  renameSync(file, `${file}.damaged`);
  for (const part of ['-wal', '-shm', '-journal']) rmSync(file + part, { force: true });
}
