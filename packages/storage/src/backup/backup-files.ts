import { CofferError, dayMs } from '@coffer/core';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull, diskErrorCode } from '../packs/disk.ts';

/** A finished copy of accounts.db: it was opened and checked before it got its name. */
export interface AccountsBackup {
  readonly file: string;
  /** When it was made. */
  readonly atMs: number;
  readonly bytes: number;
}

/** A week of copies at one every six hours. */
const keptBackups = 30;

/** Days of which the last backup is kept however many follow: who makes many in a row must not push out all that were made before. */
const keptDays = 7;

/** Work that a killed process left behind is older than any backup takes. */
const abandonedMs = 24 * 60 * 60 * 1000;

const workPrefix = '.work-';

const backupsPath = (path: string): string => join(path, 'backups');

/** The folder of backups below a storage folder, made when it is missing. @throws IO, NO_SPACE */
export async function makeBackupsFolder(path: string): Promise<string> {
  const folder = backupsPath(path);
  await onDisk(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }));
  return folder;
}

/** `20260131T235959.123Z.accounts.db.zst`: names sort by age. */
export function backupName(atMs: number): string {
  return `${new Date(atMs).toISOString().replaceAll(/[-:]/g, '')}.accounts.db.zst`;
}

/** Finished backups of a storage folder, newest first. @throws IO */
export async function listBackups(path: string): Promise<readonly AccountsBackup[]> {
  const folder = backupsPath(path);
  const names = await onDisk(folder, () => readdir(folder).catch(emptyWhenMissing));
  const backups: AccountsBackup[] = [];
  for (const name of names.toSorted().toReversed()) {
    const atMs = timeOf(name);
    if (atMs === undefined) continue;
    const file = join(folder, name);
    const { size } = await onDisk(file, () => stat(file));
    backups.push({ file, atMs, bytes: size });
  }
  return backups;
}

/** Removes all but the newest and the last of each of the newest days, and what killed processes left. @throws IO */
export async function rotateBackups(path: string, nowMs: number): Promise<void> {
  for (const { file } of superfluous(await listBackups(path))) await rm(file, { force: true });
  const folder = backupsPath(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(workPrefix)) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: nowMs }));
    if (nowMs - mtimeMs > abandonedMs) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function superfluous(newestFirst: readonly AccountsBackup[]): readonly AccountsBackup[] {
  const lastOfDay = new Map<number, AccountsBackup>();
  for (const backup of newestFirst) {
    const day = Math.floor(backup.atMs / dayMs);
    if (!lastOfDay.has(day)) lastOfDay.set(day, backup);
  }
  const kept = new Set([...lastOfDay.values()].slice(0, keptDays));
  return newestFirst.slice(keptBackups).filter((backup) => !kept.has(backup));
}

/** Where one backup or restore works, inside the folder of backups. */
export function workFolderPrefix(folder: string): string {
  return join(folder, workPrefix);
}

/** Gives failures of the disk a code. @throws NO_SPACE, IO */
export async function onDisk<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const code = diskErrorCode(cause);
    if (code === undefined || cause instanceof CofferError) throw cause;
    if (isDiskFull(cause))
      throw new CofferError('NO_SPACE', 'there is no room for a backup', { cause, details: { path } });
    throw new CofferError('IO', `a backup cannot be read or written (${code})`, { cause, details: { path } });
  }
}

function timeOf(name: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3})Z\.accounts\.db\.zst$/.exec(name);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second] = parts;
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

function emptyWhenMissing(error: unknown): string[] {
  if (diskErrorCode(error) === 'ENOENT') return [];
  throw error;
}
