import { existsSync, renameSync } from 'node:fs';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { removeAccountsMark } from '../accounts/accounts-mark.ts';
import { backupName, onDisk } from '../backup/backup-files.ts';
import { readNote, removeNote } from '../backup/backup-note.ts';
import type { BackupNote } from '../backup/backup-note.ts';
import { nodeDisk } from '../packs/node-disk.ts';
import { databaseError } from '../sqlite/database.ts';
import { accountsPath, indexPath, opaqueCopyPath } from '../storage-folder.ts';

/** Takes the note out of an unpacked backup and gives the copy its place. */
export function readCopy(unpacked: string, copy: string): BackupNote {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(unpacked);
    const note = readNote(db);
    removeNote(db);
    // The packs may be older than this copy and lack some of its statements: all are recorded again.
    db.exec('UPDATE identity_statements SET recorded = 0');
    db.close();
    db = undefined;
    renameSync(unpacked, copy);
    return note;
  } catch (error) {
    throw databaseError(unpacked, error);
  } finally {
    db?.close();
  }
}

export interface LayDown {
  /** The storage folder. */
  readonly path: string;
  /** The checked database, on the same filesystem. */
  readonly copy: string;
  readonly chosen: BackupNote;
  readonly nowMs: number;
}

/**
 * Puts the copy in the place of accounts.db, which is kept beside when there is one, and takes index.db away. Ended at any
 * point, the database that is replaced and its log are still there together, under one of the two names. @throws IO, NO_SPACE
 */
export async function layDownAccounts({ path, copy, chosen, nowMs }: LayDown): Promise<void> {
  const target = accountsPath(path);
  await onDisk(path, async () => {
    await keepAside(target, freeName(`${target}.replaced-${backupName(nowMs).slice(0, 15)}`));
    await nodeDisk.syncFolder(path);
    // A log of the old database beside the new one would be taken for its own.
    for (const suffix of logs) await rm(target + suffix, { force: true });
    for (const suffix of ['', ...logs]) await rm(indexPath(path) + suffix, { force: true });
    if (chosen.opaqueSetup !== undefined && !existsSync(opaqueCopyPath(path)))
      await writeFile(opaqueCopyPath(path), chosen.opaqueSetup, { mode: 0o600, flush: true });
    removeAccountsMark(path);
    await rename(copy, target);
    await nodeDisk.syncFolder(path);
  });
}

const logs = ['-wal', '-shm'] as const;

/** A second name each: neither room nor time is needed, and nothing is moved away yet. */
async function keepAside(target: string, aside: string): Promise<void> {
  for (const suffix of [...logs, '']) if (existsSync(target + suffix)) await link(target + suffix, aside + suffix);
}

/** What was replaced before may be the only good copy: it is never written over. */
function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; existsSync(name) || existsSync(`${name}-wal`); n += 1) name = `${wanted}-${n}`;
  return name;
}
