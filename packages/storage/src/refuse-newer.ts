import { isCofferError } from '@coffer/core';
import { existsSync } from 'node:fs';
import { accountsMigrations } from './accounts/accounts-schema.ts';
import { factsMigrations } from './facts/facts-schema.ts';
import { decodePackHeader, packHeaderBytes } from './packs/pack-format.ts';
import type { PackInfo, Packs } from './packs/packs.ts';
import { openReadOnly } from './sqlite/database.ts';
import type { Migrations } from './sqlite/database.ts';
import { accountsPath, indexPath } from './storage-folder.ts';

/** Looks at both databases before either is opened for writing. @throws UPGRADE_REQUIRED when newer code wrote one of them */
export function refuseNewerDatabases(path: string): void {
  const databases: readonly (readonly [string, Migrations])[] = [
    [accountsPath(path), accountsMigrations],
    [indexPath(path), factsMigrations],
  ];
  for (const [file, migrations] of databases) {
    if (existsSync(file)) refuseNewerDatabase(file, migrations);
  }
}

function refuseNewerDatabase(file: string, migrations: Migrations): void {
  try {
    openReadOnly(file, migrations).close();
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
