import { isCofferError } from '@coffer/core';
import { existsSync } from 'node:fs';
import { accountsMigrations } from './accounts/accounts-schema.ts';
import { factsMigrations } from './facts/facts-schema.ts';
import { decodePackHeader, packHeaderBytes } from './packs/pack-format.ts';
import type { PackInfo, Packs } from './packs/packs.ts';
import { refuseNewerDatabase } from './sqlite/database.ts';
import { accountsPath, indexPath } from './storage-folder.ts';

/** Looks at both databases before either is opened for writing. @throws UPGRADE_REQUIRED when newer code wrote one of them */
export function refuseNewerDatabases(path: string): void {
  const databases = [
    { path: accountsPath(path), migrations: accountsMigrations, table: 'accounts' },
    { path: indexPath(path), migrations: factsMigrations, table: 'numbers' },
  ];
  for (const database of databases) {
    if (existsSync(database.path)) refuse(database);
  }
}

function refuse(database: Parameters<typeof refuseNewerDatabase>[0]): void {
  try {
    refuseNewerDatabase(database);
  } catch (error) {
    // Damage is for whoever opens it to report.
    if (isCofferError(error, 'UPGRADE_REQUIRED')) throw error;
  }
}

/** @throws UPGRADE_REQUIRED when newer code wrote one of the packs */
export async function refuseNewerPacks(
  packs: Packs,
  infos: Iterable<PackInfo> | AsyncIterable<PackInfo>,
): Promise<void> {
  for await (const info of infos) {
    if (info.bytes < packHeaderBytes) continue;
    decodePackHeader(await packs.read({ ...info, offset: 0, length: packHeaderBytes }));
  }
}
