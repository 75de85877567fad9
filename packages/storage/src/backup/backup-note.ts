import type { ServerId } from '@coffer/core';
import { CofferError, fromUtf8, utf8 } from '@coffer/core';
import type { DatabaseSync } from 'node:sqlite';
import { AccountsTables } from '../accounts/accounts-tables.ts';

/** What a backup carries beside the accounts, so that it alone and the packs make a server again. */
export interface BackupNote {
  readonly server: ServerId;
  readonly generation: number;
  /** The OPAQUE setup, sealed to the recovery key; undefined when the storage has no such copy. */
  readonly opaqueSetup: Uint8Array | undefined;
}

/** Settings that exist in backups only. */
const names = { server: 'backup.server', generation: 'backup.generation', opaqueSetup: 'backup.opaqueSetup' } as const;

export function writeNote(db: DatabaseSync, { server, generation, opaqueSetup }: BackupNote): void {
  const tables = new AccountsTables(db);
  tables.setSetting(names.server, server);
  tables.setSetting(names.generation, utf8(String(generation)));
  if (opaqueSetup !== undefined) tables.setSetting(names.opaqueSetup, opaqueSetup);
}

/** @throws DAMAGED when it is no backup */
export function readNote(db: DatabaseSync): BackupNote {
  const tables = new AccountsTables(db);
  const server = tables.setting(names.server);
  const generation = Number(fromUtf8(tables.setting(names.generation) ?? new Uint8Array(0)));
  if (server?.byteLength !== 16 || !Number.isSafeInteger(generation) || generation < 1)
    throw new CofferError('DAMAGED', 'this copy of accounts.db does not say which server it belongs to');
  return { server, generation, opaqueSetup: tables.setting(names.opaqueSetup) };
}

/** A database that serves again is no backup. */
export function removeNote(db: DatabaseSync): void {
  const remove = db.prepare('DELETE FROM settings WHERE key = ?');
  for (const name of Object.values(names)) remove.run(name);
}
