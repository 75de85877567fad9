import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CofferError } from '@coffer/core';
import { createTables, stateFormat } from './schema.ts';

/** How long to wait for another process: several commands and an agent may share one profile, and a fold takes well under a second. */
const busyTimeoutMs = 10_000;

/** SQLite's answers that say nothing about the file: somebody else has it, or the disk, memory or permissions are the matter. */
const passing: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 10, 13, 14, 15, 22, 23]);

/**
 * Opens the local tables of one vault, 0600 in a 0700 folder. They are a cache of the journal: damaged or older ones are thrown
 * away and folded again from the server. The caller closes it.
 * @throws LOCKED while another process keeps them; NO_SPACE, IO. Then the tables stay what they are
 */
export function openVaultDatabase(path: string, { busyMs = busyTimeoutMs } = {}): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite would make it 0644, and its journal beside it the same.
    closeSync(openSync(path, 'a', 0o600));
    return openOrReplace(path, busyMs);
  } catch (error) {
    throw asFailure(error);
  }
}

function openOrReplace(path: string, busyMs: number): DatabaseSync {
  try {
    return openUsable(path, busyMs);
  } catch (error) {
    const code = sqliteCode(error);
    if (code === undefined || passing.has(code)) throw error;
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    closeSync(openSync(path, 'a', 0o600));
    return openUsable(path, busyMs);
  }
}

/** Primary code: the extended ones keep it in their lowest byte. */
function sqliteCode(error: unknown): number | undefined {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

function asFailure(cause: unknown): unknown {
  const code = sqliteCode(cause);
  if (code === 5 || code === 6) {
    return new CofferError('LOCKED', 'another program is busy with the local state', {
      hint: 'Try again when it is done.',
      cause,
    });
  }
  const system = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === undefined && system === undefined) return cause;
  if (code === 13 || system === 'ENOSPC')
    return new CofferError('NO_SPACE', 'there is no room for the local state', { cause });
  return new CofferError('IO', 'the local state could not be opened', {
    hint: 'Check the folder of the profile.',
    cause,
  });
}

function openUsable(path: string, busyMs: number): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs });
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
