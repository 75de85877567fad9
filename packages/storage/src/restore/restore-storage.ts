import type { Clock, Logger, Random, ServerId } from '@coffer/core';
import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { VaultHead } from '@coffer/journal';
import { maxGenerationHeads } from '@coffer/journal';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { backupAccounts, unpackBackup, verifyOnThread, workFolder } from '../backup/backup-accounts.ts';
import { listBackups, makeBackupsFolder } from '../backup/backup-files.ts';
import type { BackupNote } from '../backup/backup-note.ts';
import { DirectoryLock } from '../directory-lock.ts';
import type { SetAsideSum } from '../recovery/set-aside.ts';
import { Generations } from '../generations.ts';
import {
  lockPath,
  markRestoring,
  readIdentity,
  serverIdPath,
  unmarkRestoring,
  usersPath,
  writeIdentity,
} from '../storage-folder.ts';
import { Storage } from '../storage.ts';
import { layDownAccounts, readCopy } from './lay-down-accounts.ts';
import { refuseTooManyVaults } from './refuse-too-many-vaults.ts';

export interface RestoreOptions {
  /** The storage folder: `users/` from a copy, and `backups/` or `file`. */
  readonly path: string;
  /** A certain backup; absent: the newest one of the folder that is whole. */
  readonly file?: string | undefined;
  readonly packBytes: number;
  /** The new generation is at least this: for a storage that has forgotten how often it was restored. */
  readonly leastGeneration?: number | undefined;
  /** Asked before anything is changed; whatever it throws leaves the folder as it was. */
  readonly prepare: (backup: ChosenBackup) => Promise<Certifier>;
  /** For tests: how many vaults the statement of a generation can name. */
  readonly maxVaults?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

interface ChosenBackup extends BackupNote {
  readonly file: string;
}

/** Signs the statement of a new generation with the authority's key. */
type Certifier = (generation: { readonly n: number; readonly heads: readonly VaultHead[] }) => Uint8Array;

export interface Restored {
  readonly server: ServerId;
  readonly generation: number;
  readonly backup: string;
  readonly accounts: number;
  readonly vaults: number;
  /** Commits that rest on heads of teams or accounts that are nowhere, and in how many vaults. */
  readonly setAside: SetAsideSum;
  /** Accounts whose packs are there and that the backup does not know: made after it, and lost. */
  readonly unknownAccounts: number;
}

/**
 * Makes a storage serve again from its packs and a backup of accounts.db: index.db is made anew, and a new generation, signed
 * by the authority, says where every vault stands. What is replaced is kept beside under another name. Until it is done
 * nothing else opens the storage; run again after an interruption, it begins anew.
 * @throws NOT_FOUND (no backup), DAMAGED (none is whole), CONFLICT (of another server), LOCKED (a server runs),
 *   LIMIT (more vaults than a generation can name), UPGRADE_REQUIRED, NO_SPACE, IO, and what `prepare` throws
 */
export async function restoreStorage(options: RestoreOptions): Promise<Restored> {
  const { path, clock } = options;
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { chosen, certify } = await layDown(options);
  await using storage = await Storage.open({ ...options, restoring: true, reserve: 0, onFatal: () => undefined });
  const before = Math.max(storage.generation, await new Generations(storage.accounts).highest());
  const n = Math.max(before + 1, options.leastGeneration ?? 0);
  const setAside = await storage.setAsideNowhere();
  const heads = await storage.heads();
  await storage.recordGeneration(n, certify({ n, heads }));
  await writeIdentity(path, { serverId: chosen.server, generation: n });
  await unmarkRestoring(path);
  const made = await backupAccounts({ path, clock });
  return {
    server: chosen.server,
    generation: n,
    backup: chosen.file,
    accounts: made.accounts,
    vaults: heads.length,
    setAside,
    unknownAccounts: await countUnknown(path, storage),
  };
}

/** Everything up to the point from where the storage opens again, under its lock. */
async function layDown(
  options: RestoreOptions,
): Promise<{ readonly chosen: ChosenBackup; readonly certify: Certifier }> {
  const { path, clock, maxVaults = maxGenerationHeads } = options;
  using _lock = DirectoryLock.take(lockPath(path));
  await using work = await workFolder(await makeBackupsFolder(path));
  const copy = join(work.path, 'accounts.db');
  const chosen = await unpackWhole(options, copy);
  const present = existsSync(serverIdPath(path)) ? await readIdentity(path) : undefined;
  if (present !== undefined && !equalBytes(present.serverId, chosen.server)) throw otherServer();
  await refuseTooManyVaults({ ...options, maxVaults });
  const certify = await options.prepare(chosen);
  await markRestoring(path);
  await layDownAccounts({ path, copy, chosen, nowMs: clock.nowMs() });
  const generation = Math.max(chosen.generation, present?.generation ?? 0);
  await writeIdentity(path, { serverId: chosen.server, generation });
  return { chosen, certify };
}

/** The backup that was named, or the newest that is whole. */
async function unpackWhole({ path, file, logger }: RestoreOptions, copy: string): Promise<ChosenBackup> {
  const files = file === undefined ? (await listBackups(path)).map((backup) => backup.file) : [file];
  if (files.length === 0) {
    throw new CofferError('NOT_FOUND', 'there is no backup of accounts.db in this storage', {
      hint: 'Put the folder backups into the storage folder, or name a backup with --backup.',
      details: { path },
    });
  }
  for (const [index, one] of files.entries()) {
    const unpacked = `${copy}.${index}`;
    try {
      await unpackBackup(one, unpacked);
      await verifyOnThread(unpacked);
      return { ...readCopy(unpacked, copy), file: one };
    } catch (error) {
      if (!isCofferError(error, 'DAMAGED') || index === files.length - 1) throw error;
      logger.warn({ backup: one }, 'this backup is damaged; an older one is taken');
    }
  }
  throw new TypeError('a list of backups has ended early');
}

async function countUnknown(path: string, { accounts }: Storage): Promise<number> {
  const known = new Set((await accounts.list({ removed: true })).map(({ account }) => idKey(account)));
  const folders = await readdir(usersPath(path)).catch(() => []);
  return folders.filter((name) => /^[0-9a-f]{32}$/.test(name) && !known.has(name)).length;
}

function otherServer(): CofferError {
  return new CofferError('CONFLICT', 'this backup belongs to another server than the storage folder', {
    hint: 'Name the right folder, or the right backup.',
  });
}
