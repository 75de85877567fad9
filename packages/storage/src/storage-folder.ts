import type { Random, ServerId } from '@coffer/core';
import { CofferError, fromHex, idKey, randomId } from '@coffer/core';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DirectoryLock } from './directory-lock.ts';
import { nodeDisk } from './packs/node-disk.ts';
import { diskErrorCode } from './packs/disk.ts';

/** Who a storage belongs to, for ever, and how often it was restored or promoted. */
export interface StorageIdentity {
  readonly serverId: ServerId;
  readonly generation: number;
}

export const accountsPath = (path: string): string => join(path, 'accounts.db');
export const accountsMarkPath = (path: string): string => join(path, 'accounts.mark');
export const indexPath = (path: string): string => join(path, 'index.db');
export const lockPath = (path: string): string => join(path, 'lock');
export const usersPath = (path: string): string => join(path, 'users');
export const serverIdPath = (path: string): string => join(path, 'server.id');
/** The OPAQUE setup, sealed to the recovery key: what backups take along. */
export const opaqueCopyPath = (path: string): string => join(path, 'opaque-setup.sealed');
/** There while a restore is under way: what lies in the folder must not serve before its new generation is signed. */
const restoringPath = (path: string): string => join(path, 'restoring');
const generationPath = (path: string): string => join(path, 'generation');

/** Names that may lie in the folder of a new storage: what a version control or a person puts there. */
const harmlessNames = new Set(['README.md', '.gitignore', '.gitkeep', 'lost+found']);

/** Makes the folder and gives it an identity. @throws EXISTS when there is a storage or anything else in it */
export async function createFolder(path: string, random: Random): Promise<StorageIdentity> {
  await makeFolders(path);
  const names = await readdir(path);
  if (names.includes('server.id')) throw exists(path, 'there is a storage in this folder already');
  const foreign = names.filter((name) => !harmlessNames.has(name) && !leftovers.has(name));
  if (foreign.length > 0) throw exists(path, 'the folder for the storage is not empty');
  return { serverId: randomId(random), generation: 1 };
}

/** The last step of making a storage: from now on it is one. */
export async function writeIdentity(path: string, { serverId, generation }: StorageIdentity): Promise<void> {
  await writeDurably(generationPath(path), `${generation}\n`);
  await writeDurably(serverIdPath(path), `${idKey(serverId)}\n`);
}

/** From now on nothing but a restore opens the storage. @throws IO */
export async function markRestoring(path: string): Promise<void> {
  await writeDurably(restoringPath(path), '');
}

/** The last step of a restore. @throws IO */
export async function unmarkRestoring(path: string): Promise<void> {
  await rm(restoringPath(path), { force: true });
  await nodeDisk.syncFolder(path);
}

/**
 * Takes the folder's lock. Until a restore is finished only the restore itself gets it.
 * @throws LOCKED; DAMAGED when a restore was begun and not finished
 */
export function lockToServe({ path, restoring }: { readonly path: string; readonly restoring?: boolean }): Disposable {
  const lock = DirectoryLock.take(lockPath(path));
  if (restoring === true || !existsSync(restoringPath(path))) return lock;
  lock[Symbol.dispose]();
  throw new CofferError('DAMAGED', 'the restore of this storage was not finished', {
    hint: 'Run `coffer admin restore` again: clients would refuse what it left.',
    details: { path },
  });
}

/** @throws NOT_FOUND (no storage there), DAMAGED, IO */
export async function readIdentity(path: string): Promise<StorageIdentity> {
  const serverId = /^([0-9a-f]{32})\n?$/.exec(await readText(serverIdPath(path), path))?.[1];
  const generation = /^([1-9][0-9]{0,14})\n?$/.exec(await readText(generationPath(path), path))?.[1];
  if (serverId === undefined || generation === undefined) {
    throw new CofferError('DAMAGED', 'the identity of the storage is damaged', {
      hint: 'Restore the files server.id and generation from a backup.',
      details: { path },
    });
  }
  return { serverId: fromHex(serverId), generation: Number(generation) };
}

/** What an interrupted init leaves behind and the next one may overwrite. */
const leftovers: ReadonlySet<string> = new Set([
  'accounts.db',
  'accounts.db-wal',
  'accounts.db-shm',
  'accounts.mark',
  'generation',
  'generation.new',
  'server.id.new',
  'lock',
]);

async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await nodeDisk.syncFolder(dirname(path));
  } catch (error) {
    throw ioError(path, error);
  }
}

async function readText(file: string, path: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if (diskErrorCode(error) !== 'ENOENT') throw ioError(path, error);
    throw new CofferError('NOT_FOUND', 'there is no storage in this folder', {
      hint: 'Run `coffer admin init` first, or name the right folder.',
      details: { path },
    });
  }
}

/** Whole or not at all, and there after a power cut. */
async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await nodeDisk.syncFolder(dirname(path));
}

function exists(path: string, message: string): CofferError {
  return new CofferError('EXISTS', message, {
    hint: 'Choose another folder, or remove what is in it.',
    details: { path },
  });
}

function ioError(path: string, cause: unknown): CofferError {
  return new CofferError('IO', `cannot use the storage folder (${diskErrorCode(cause) ?? 'unknown'})`, {
    cause,
    hint: 'Check that the folder exists and that this user may write to it.',
    details: { path },
  });
}
