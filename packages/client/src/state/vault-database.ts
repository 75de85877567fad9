import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createTables, stateFormat } from './schema.ts';

/**
 * Opens the local tables of one vault, 0600 in a 0700 folder. They are a cache of the journal: damaged or older ones are thrown
 * away and folded again from the server. The caller closes it.
 */
export function openVaultDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return openUsable(path);
  } catch {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    return openUsable(path);
  }
}

function openUsable(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    // NORMAL loses the last commits in a power cut, never the order: they are pulled again.
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384',
    );
    prepareTables(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Several commands and an agent may share one profile; a fold of a full batch takes well under a second. */
const busyTimeoutMs = 10_000;

function prepareTables(db: DatabaseSync): void {
  const isCurrent = (): boolean => db.prepare('PRAGMA user_version').get()?.['user_version'] === stateFormat;
  if (!isCurrent()) {
    db.exec('BEGIN IMMEDIATE');
    try {
      if (!isCurrent()) createTables(db);
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
  db.prepare('SELECT COUNT(*) FROM meta').get();
}
