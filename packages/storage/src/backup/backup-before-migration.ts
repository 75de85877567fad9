import type { Clock } from '@coffer/core';
import { CofferError } from '@coffer/core';
import { existsSync } from 'node:fs';
import { refuseOlderAccounts } from '../accounts/refuse-older.ts';
import { firstRow, openReadOnly, refuseNewerDatabase } from '../sqlite/database.ts';
import type { Migrations } from '../sqlite/database.ts';
import { accountsPath, serverIdPath } from '../storage-folder.ts';
import { backupAccounts } from './backup-accounts.ts';

/**
 * Makes a backup of accounts.db when the program is about to change its schema: the way back to the version before.
 * @throws as {@link backupAccounts}; then nothing may be migrated. UPGRADE_REQUIRED for a newer one, DAMAGED for another
 * database, an empty one (a storage that has an identity has accounts) and one that is an older state of itself
 */
export async function backupBeforeMigration(
  path: string,
  { migrations, clock }: { readonly migrations: Migrations; readonly clock: Clock },
): Promise<void> {
  // A folder without an identity is being made; there is nothing to lose yet.
  if (!existsSync(serverIdPath(path))) return;
  refuseNewerDatabase({ path: accountsPath(path), migrations, table: 'accounts' });
  const schema = schemaOf(accountsPath(path), migrations);
  if (schema === 0) throw emptyAccounts(path);
  // A backup of an older state would be the newest, and a restore would take it.
  refuseOlderAccounts(path);
  if (schema < migrations.length) await backupAccounts({ path, clock });
}

function schemaOf(file: string, migrations: Migrations): number {
  const db = openReadOnly(file, migrations);
  try {
    return firstRow<{ user_version: number }>(db.prepare('PRAGMA user_version'))?.user_version ?? 0;
  } finally {
    db.close();
  }
}

function emptyAccounts(path: string): CofferError {
  return new CofferError('DAMAGED', 'accounts.db of the storage is empty', {
    hint: 'Run `coffer admin restore`: it takes the newest backup, and what the packs know beyond it.',
    details: { path },
  });
}
