import type { IdKey } from '@coffer/core';
import { idKey, isCofferError } from '@coffer/core';
import { existsSync } from 'node:fs';
import { factsMigrations } from './facts/facts-schema.ts';
import { allRows, databaseError, openReadOnly } from './sqlite/database.ts';
import { indexPath } from './storage-folder.ts';

/**
 * What every account stores, chunks and journals, as the index has it now, never less than nothing; works beside a running server. Undefined when
 * the index is missing or damaged. @throws UPGRADE_REQUIRED, BUSY, IO
 */
export async function readStoredBytes(path: string): Promise<ReadonlyMap<IdKey, number> | undefined> {
  if (!existsSync(indexPath(path))) return undefined;
  try {
    return read(path);
  } catch (error) {
    const failure = databaseError(indexPath(path), error);
    if (isCofferError(failure, 'DAMAGED')) return undefined;
    throw failure;
  }
}

function read(path: string): ReadonlyMap<IdKey, number> {
  const db = openReadOnly(indexPath(path), factsMigrations);
  try {
    const sql = `SELECT id, chunk_bytes + journal_bytes AS bytes FROM usage JOIN numbers ON number = owner`;
    const rows = allRows<{ id: Uint8Array; bytes: number }>(db.prepare(sql));
    return new Map(rows.map(({ id, bytes }) => [idKey(id), Math.max(0, bytes)]));
  } finally {
    db.close();
  }
}
