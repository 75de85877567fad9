import { CofferError } from '@coffer/core';
import { DatabaseSync } from 'node:sqlite';
import { sqliteResult } from './sqlite/database.ts';
import { makePrivate } from './sqlite/private-file.ts';

/**
 * One process at a time works on a storage folder.
 *
 * Node has no flock, and a pid file goes stale when its process is killed. SQLite takes real locks of the kernel on the
 * database file, which the kernel drops with the process, however it ends: an empty database in an open exclusive
 * transaction is a lock that is never stale. Nobody else may open `lock` in the same process: closing any descriptor of
 * a file drops all POSIX locks that the process holds on it.
 */
export class DirectoryLock implements Disposable {
  readonly #db: DatabaseSync;
  #held = true;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @throws LOCKED when another process (or this one) holds it; IO */
  static take(path: string): DirectoryLock {
    let db: DatabaseSync | undefined;
    try {
      makePrivate(path);
      db = new DatabaseSync(path, { timeout: 0 });
      db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
      return new DirectoryLock(db);
    } catch (error) {
      db?.close();
      throw lockError(path, error);
    }
  }

  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    this.#db.close();
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED. */
const busyCodes: readonly number[] = [5, 6];

function lockError(path: string, cause: unknown): CofferError {
  if (busyCodes.includes(sqliteResult(cause) ?? -1)) {
    return new CofferError('LOCKED', 'another Coffer process works on this storage', {
      hint: 'Stop the running server first, or name another folder.',
      details: { path },
    });
  }
  return new CofferError('IO', 'cannot lock the storage folder', {
    cause,
    hint: 'Check that this user may write to the folder and that its filesystem has locks.',
    details: { path },
  });
}
