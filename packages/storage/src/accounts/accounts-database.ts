import type { Clock } from '@coffer/core';
import { CofferError, isCofferError } from '@coffer/core';
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { backupBeforeMigration } from '../backup/backup-before-migration.ts';
import { databaseError, inTransaction, openDatabase } from '../sqlite/database.ts';
import { accountsPath, serverIdPath } from '../storage-folder.ts';
import { AccountsMark, removeAccountsMark } from './accounts-mark.ts';
import { accountsMigrations } from './accounts-schema.ts';
import { AccountsTables } from './accounts-tables.ts';

export interface AccountsDatabaseOptions {
  readonly clock: Clock;
  /** The disk refused a change: nothing may be acknowledged any more. */
  readonly onFailed: ((error: unknown) => void) | undefined;
}

/** accounts.db with its mark: a change is durable when it returns, and counted. */
export class AccountsDatabase implements Disposable {
  readonly db: DatabaseSync;
  readonly tables: AccountsTables;
  readonly #path: string;
  readonly #mark: AccountsMark;
  readonly #onFailed: AccountsDatabaseOptions['onFailed'];
  #closed = false;

  private constructor(path: string, { onFailed }: AccountsDatabaseOptions) {
    this.#path = accountsPath(path);
    this.#onFailed = onFailed;
    this.db = openDatabase({
      path: this.#path,
      migrations: accountsMigrations,
      table: 'accounts',
      synchronous: 'FULL',
    });
    this.tables = new AccountsTables(this.db);
    this.#mark = this.#openMark(path);
  }

  /** `path` is the storage folder. @throws NOT_FOUND (no storage there), UPGRADE_REQUIRED, DAMAGED, IO */
  static async open(path: string, options: AccountsDatabaseOptions): Promise<AccountsDatabase> {
    if (!existsSync(accountsPath(path)) && existsSync(serverIdPath(path))) throw lostAccounts(path);
    if (!existsSync(accountsPath(path))) {
      throw new CofferError('NOT_FOUND', 'there is no storage in this folder', {
        hint: 'Run `coffer admin init` first, or name the right folder.',
        details: { path },
      });
    }
    await backupBeforeMigration(path, { migrations: accountsMigrations, clock: options.clock });
    return new AccountsDatabase(path, options);
  }

  /** As {@link open}, and makes the database when there is none. Part of making a storage. */
  static openNew(path: string, options: AccountsDatabaseOptions): AccountsDatabase {
    if (!existsSync(accountsPath(path))) removeAccountsMark(path);
    return new AccountsDatabase(path, options);
  }

  /** Gives errors of the database their codes. */
  readonly ask = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  };

  /** In one transaction, durable when it returns. @throws NO_SPACE, BUSY, DAMAGED, IO, and what the work throws */
  readonly change = <Result>(work: () => Result): Result => {
    try {
      const done = this.ask(() =>
        inTransaction(this.db, () => ({ result: work(), changes: this.tables.countChange() })),
      );
      this.#mark.raise(done.changes);
      return done.result;
    } catch (error) {
      if (isCofferError(error, 'IO')) this.#onFailed?.(error);
      throw error;
    }
  };

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#mark[Symbol.dispose]();
    } finally {
      this.db.close();
    }
  }

  /** One that says too little is put right by the next change: what is in the log now may not be on the disk yet. */
  #openMark(path: string): AccountsMark {
    try {
      return new AccountsMark(path);
    } catch (error) {
      this.db.close();
      throw error;
    }
  }
}

function lostAccounts(path: string): CofferError {
  return new CofferError('DAMAGED', 'the storage has lost its accounts.db', {
    hint: 'Restore it with `coffer admin restore`: it takes the newest backup, and what the packs know beyond it.',
    details: { path },
  });
}
