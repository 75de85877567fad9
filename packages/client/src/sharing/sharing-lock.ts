import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { CofferError } from '@coffer/core';

/**
 * One process at a time makes or finishes the shares of a profile: an empty database in an exclusive transaction, whose lock the
 * kernel drops with the process, however it ends.
 */
export class SharingLock implements Disposable {
  readonly #db: DatabaseSync;
  #isHeld = true;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Undefined when somebody holds it, be it in this process. The caller disposes it. @throws IO */
  static take(path: string): SharingLock | undefined {
    let db: DatabaseSync | undefined;
    try {
      makeFile(path);
      db = new DatabaseSync(path, { timeout: 0 });
      db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
      return new SharingLock(db);
    } catch (cause) {
      db?.close();
      if (busyCodes.includes((cause as { readonly errcode?: unknown }).errcode)) return undefined;
      throw new CofferError('IO', 'a file of the profile could not be locked', {
        cause,
        hint: `Check the file ${path}.`,
      });
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#db.close();
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED. */
const busyCodes: readonly unknown[] = [5, 6];

/** Only where there is none: closing a descriptor of the file would drop the locks that this process has on it. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
