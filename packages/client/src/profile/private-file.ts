import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { CofferError, systemRandom, toHex } from '@coffer/core';

/**
 * Replaces a file that only its owner may read: written beside, synced, renamed, so that a crash leaves the old or the new one.
 * @throws IO
 */
export function writePrivateFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${toHex(systemRandom.bytes(6))}.new`;
  try {
    makePrivateFolder(dirname(path));
    writeSynced(temporary, bytes);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new CofferError('IO', 'a file of the profile could not be written', {
      cause,
      hint: `Check the folder ${dirname(path)}.`,
    });
  }
}

/**
 * The bytes, or undefined when there is no such file.
 * @throws CONFIG when others may read it: its secrets may be known; IO; LIMIT when it is larger than `maxBytes`
 */
export function readPrivateFile(path: string, maxBytes: number): Uint8Array | undefined {
  let bytes: Uint8Array;
  try {
    checkPrivate(path);
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof CofferError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CofferError('IO', 'a file of the profile could not be read', { cause, hint: `Check the file ${path}.` });
  }
  if (bytes.byteLength > maxBytes)
    throw new CofferError('LIMIT', 'a file of the profile is too large', { hint: `Check the file ${path}.` });
  return bytes;
}

/** Nothing happens when there is none. @throws IO */
export function removePrivateFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw new CofferError('IO', 'a file of the profile could not be removed', {
      cause,
      hint: `Remove ${path} yourself.`,
    });
  }
}

/** Windows keeps no such bits; there the folder of the user is private by its access list. */
function checkPrivate(path: string): void {
  const { mode } = statSync(path);
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new CofferError('CONFIG', 'a file of the profile can be read by other users', {
    hint: `If nobody else uses this machine run: chmod 600 ${path}; otherwise log out and log in again.`,
  });
}

/**
 * A folder that only its owner may change, or none yet: whoever else may write to it could put another profile in its place, and
 * with it another server and other keys. @throws CONFIG, IO
 */
export function checkOwnFolder(path: string): void {
  const stats = lookAt(path);
  if (stats === undefined || process.platform === 'win32') return;
  if (stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0) return;
  throw new CofferError('CONFIG', 'the folder of the profile belongs to somebody else, or others may write to it', {
    hint: `Take another --home, or see to ${path}: it must be yours, and nobody else may write to it.`,
  });
}

function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new CofferError('IO', 'the folder of the profile could not be read', { cause, hint: `Check ${path}.` });
  }
}

export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } catch {
    // Some filesystems cannot sync a folder; the rename is atomic there all the same.
  } finally {
    closeSync(folder);
  }
}
