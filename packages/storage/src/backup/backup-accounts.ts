import type { Clock } from '@coffer/core';
import { CofferError, startWorker } from '@coffer/core';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { nodeDisk } from '../packs/node-disk.ts';
import { databaseError } from '../sqlite/database.ts';
import { makePrivate } from '../sqlite/private-file.ts';
import { accountsPath, opaqueCopyPath, readIdentity } from '../storage-folder.ts';
import { backupName, listBackups, makeBackupsFolder, onDisk, rotateBackups, workFolderPrefix } from './backup-files.ts';
import type { AccountsBackup } from './backup-files.ts';
import { writeNote } from './backup-note.ts';
import type { VerifiedAccounts } from './verify-accounts.ts';
import type { VerifyReply } from './verify-worker.ts';

export interface BackupOptions {
  /** The storage folder; a running daemon beside it is fine. */
  readonly path: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

export interface MadeBackup extends AccountsBackup, VerifiedAccounts {}

/** Longest a copy waits for another process's write. */
const busyTimeoutMs = 5000;

/** Pages of one step: between two steps other work of the process goes on. */
const pagesPerStep = 1000;

/**
 * A consistent copy of accounts.db with what a restore needs beside it, in `backups/`. It has its name only once it is
 * compressed, flushed, unpacked again and found whole. Older ones are removed, all but the newest thirty and the last of each of seven days.
 * @throws NOT_FOUND (no storage there), DAMAGED, NO_SPACE, BUSY, IO; then no backup was made and none was removed
 */
export async function backupAccounts({ path, clock, signal }: BackupOptions): Promise<MadeBackup> {
  const { serverId, generation } = await readIdentity(path);
  const folder = await makeBackupsFolder(path);
  await using work = await workFolder(folder);
  const copy = join(work.path, 'accounts.db');
  await copyDatabase(accountsPath(path), copy);
  const opaqueSetup = existsSync(opaqueCopyPath(path)) ? await readFile(opaqueCopyPath(path)) : undefined;
  annotate(copy, { server: serverId, generation, opaqueSetup });
  const verified = await verifyOnThread(copy);
  signal?.throwIfAborted();
  const packed = join(work.path, 'packed');
  await pack(copy, packed, signal);
  const backupMade = await giveName(path, { packed, nowMs: clock.nowMs() });
  await rotateBackups(path, clock.nowMs());
  return { ...backupMade, ...verified };
}

interface WorkFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder of its own below `folder`, gone when it is disposed. @throws IO, NO_SPACE */
export async function workFolder(folder: string): Promise<WorkFolder> {
  const path = await onDisk(folder, () => mkdtemp(workFolderPrefix(folder)));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Checks a copy without stopping this thread. @throws DAMAGED, UPGRADE_REQUIRED, IO */
export async function verifyOnThread(file: string): Promise<VerifiedAccounts> {
  await using worker = startWorker(new URL('./verify-worker.ts', import.meta.url), {
    workerData: { file },
    name: 'coffer-backup',
  });
  const [reply] = (await once(worker, 'message')) as [VerifyReply];
  if (reply.verified !== undefined) return reply.verified;
  throw new CofferError(reply.error?.code ?? 'INTERNAL', reply.error?.message ?? 'the check of a backup ended', {
    details: { path: file },
  });
}

async function copyDatabase(from: string, to: string): Promise<void> {
  makePrivate(to);
  let source: DatabaseSync | undefined;
  try {
    source = new DatabaseSync(from, { readOnly: true, timeout: busyTimeoutMs });
    await backup(source, to, { rate: pagesPerStep });
  } catch (error) {
    throw databaseError(from, error);
  } finally {
    source?.close();
  }
}

function annotate(copy: string, note: Parameters<typeof writeNote>[1]): void {
  const db = new DatabaseSync(copy);
  try {
    // One file, not three: the copy is read by whoever has a SQLite.
    db.exec('PRAGMA journal_mode = DELETE');
    writeNote(db, note);
  } catch (error) {
    throw databaseError(copy, error);
  } finally {
    db.close();
  }
}

/** Compresses, flushes, and reads back what was written. */
async function pack(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  await onDisk(to, async () => {
    const options = signal === undefined ? {} : { signal };
    await pipeline(
      createReadStream(from),
      createZstdCompress(),
      createWriteStream(to, { flags: 'wx', mode: 0o600, flush: true }),
      options,
    );
    if ((await hashOf(from)) !== (await hashOf(to, true)))
      throw new CofferError('DAMAGED', 'a backup does not read back as it was written', { details: { path: to } });
  });
}

async function hashOf(file: string, packed = false): Promise<string> {
  const hash = createHash('sha256');
  await (packed
    ? pipeline(createReadStream(file), createZstdDecompress(), hash)
    : pipeline(createReadStream(file), hash));
  return hash.digest('hex');
}

async function giveName(
  path: string,
  { packed, nowMs }: { readonly packed: string; readonly nowMs: number },
): Promise<AccountsBackup> {
  const folder = await makeBackupsFolder(path);
  const newest = (await listBackups(path))[0];
  // Names sort by age whatever the clock does: rotation must never take the newest.
  const atMs = Math.max(nowMs, (newest?.atMs ?? 0) + 1);
  const file = join(folder, backupName(atMs));
  return await onDisk(file, async () => {
    await rename(packed, file);
    await nodeDisk.syncFolder(folder);
    return { file, atMs, bytes: (await stat(file)).size };
  });
}

/** Unpacks a backup into a new file. @throws DAMAGED when it is no zstd, NOT_FOUND, NO_SPACE, IO */
export async function unpackBackup(file: string, to: string): Promise<void> {
  if (!existsSync(file)) throw new CofferError('NOT_FOUND', `there is no backup ${file}`);
  try {
    await pipeline(
      createReadStream(file),
      createZstdDecompress(),
      createWriteStream(to, { flags: 'wx', mode: 0o600, flush: true }),
    );
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code.startsWith('ZSTD') || code.startsWith('Z_') || code.startsWith('ERR_')) {
      throw new CofferError('DAMAGED', 'this backup cannot be unpacked', { cause, details: { path: file } });
    }
    await onDisk(file, () => Promise.reject(cause as Error));
  }
  await using handle = await open(to, 'r');
  await handle.sync();
}
