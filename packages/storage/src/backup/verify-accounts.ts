import { CofferError } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import { DatabaseSync } from 'node:sqlite';
import { accountsMigrations } from '../accounts/accounts-schema.ts';
import { AccountsTables } from '../accounts/accounts-tables.ts';
import { allRows, databaseError, firstRow } from '../sqlite/database.ts';
import { readNote } from './backup-note.ts';

export interface VerifiedAccounts {
  readonly accounts: number;
  /** Number of the last migration that was applied to it. */
  readonly schema: number;
}

/**
 * Reads a copy of accounts.db whole: every page, every reference, every identity chain, and to which server it belongs.
 * Synchronous; large ones belong on a thread. @throws DAMAGED, UPGRADE_REQUIRED, IO
 */
export function verifyAccounts(file: string): VerifiedAccounts {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    return verified(db);
  } catch (error) {
    if (error instanceof CofferError) throw error;
    const failure = databaseError(file, error);
    throw failure instanceof CofferError && failure.code !== 'IO' ? failure : damaged('it cannot be read', error);
  } finally {
    db?.close();
  }
}

function verified(db: DatabaseSync): VerifiedAccounts {
  const schema = firstRow<{ user_version: number }>(db.prepare('PRAGMA user_version'))?.user_version ?? 0;
  if (schema > accountsMigrations.length)
    throw new CofferError(
      'UPGRADE_REQUIRED',
      `the copy has schema ${schema}; this program knows ${accountsMigrations.length}`,
    );
  if (schema < 1) throw damaged('it has no schema');
  const [first] = allRows<{ integrity_check: string }>(db.prepare('PRAGMA integrity_check(1)'));
  if (first?.integrity_check !== 'ok') throw damaged('a page of it is damaged');
  if (db.prepare('PRAGMA foreign_key_check').get() !== undefined) throw damaged('rows of it refer to nothing');
  readNote(db);
  const tables = new AccountsTables(db);
  // An older copy gets its missing columns when it is opened to serve.
  if (schema < accountsMigrations.length) return { accounts: count(db), schema };
  const accounts = tables.list();
  for (const { account } of accounts) foldChain(tables.statements(account, 0));
  return { accounts: accounts.length, schema };
}

function count(db: DatabaseSync): number {
  return firstRow<{ accounts: number }>(db.prepare('SELECT count(*) AS accounts FROM accounts'))?.accounts ?? 0;
}

function damaged(what: string, cause?: unknown): CofferError {
  return new CofferError('DAMAGED', `this copy of accounts.db is not usable: ${what}`, {
    ...(cause !== undefined && { cause }),
  });
}
