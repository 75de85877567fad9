import { CofferError } from '@coffer/core';
import { databaseError, firstRow, openReadOnly } from '../sqlite/database.ts';
import { accountsPath } from '../storage-folder.ts';
import { readAccountsMark } from './accounts-mark.ts';
import { accountsMigrations, countedSince } from './accounts-schema.ts';

/**
 * How many of the changes that accounts.db is known to have taken it does not hold any more: it is an older copy, or has lost
 * its log. 0 when it is whole, and when there is no mark that can be made out. @throws DAMAGED, UPGRADE_REQUIRED, IO
 */
export function lostChanges(folder: string): number {
  // Read first: what another process changes meanwhile must not look like a loss.
  const marked = readAccountsMark(folder);
  return marked === 0 ? 0 : Math.max(0, marked - changesOf(accountsPath(folder)));
}

/** @throws DAMAGED when accounts.db is an older state of itself; as {@link lostChanges} */
export function refuseOlderAccounts(folder: string): void {
  const lost = lostChanges(folder);
  if (lost === 0) return;
  throw new CofferError('DAMAGED', `accounts.db of the storage is an older state of itself: ${lost} changes are gone`, {
    hint: 'Stop the server. OPERATIONS.md, «accounts.db went back», says what to choose from: the right file with its log, the newest backup (`coffer admin restore --storage DIR`), or what is there now.',
    details: { path: accountsPath(folder), lost },
  });
}

function changesOf(path: string): number {
  const db = openReadOnly(path, accountsMigrations);
  try {
    const schema = firstRow<{ user_version: number }>(db.prepare('PRAGMA user_version'))?.user_version ?? 0;
    if (schema < countedSince) return 0;
    return firstRow<{ n: number }>(db.prepare('SELECT n FROM changes'))?.n ?? 0;
  } catch (error) {
    throw databaseError(path, error);
  } finally {
    db.close();
  }
}
