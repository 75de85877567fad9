import {
  close,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  mkdir,
  open,
  read,
  readdir,
  stat,
  statfs,
  unlink,
  writev,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Disk, DiskFile } from './disk.ts';
import { diskErrorCode } from './disk.ts';

/** The machine's own filesystem. Plain descriptors: `FileHandle` costs twice as much for small reads. */
export const nodeDisk: Disk = {
  open: async (path, mode) => nodeFile(await openAsync(path, openFlags[mode], 0o600)),
  makeFolder,
  syncFolder,
  size: async (path) => (await statAsync(path)).size,
  list: async (path) => readdirAsync(path).catch(emptyWhenMissing),
  remove: (path) => unlinkAsync(path),
  space: async (path) => {
    const facts = await statfsAsync(path);
    return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
  },
};

const openFlags = { create: 'wx+', write: 'r+', read: 'r' } as const;
const openAsync = promisify(open);
const closeAsync = promisify(close);
const fdatasyncAsync = promisify(fdatasync);
const fsyncAsync = promisify(fsync);
const fstatAsync = promisify(fstat);
const ftruncateAsync = promisify(ftruncate);
const mkdirAsync = promisify(mkdir);
const readdirAsync = promisify(readdir) as (path: string) => Promise<string[]>;
const statAsync = promisify(stat);
const statfsAsync = promisify(statfs);
const unlinkAsync = promisify(unlink);

function nodeFile(descriptor: number): DiskFile {
  return {
    write: (parts, position) => writeParts(descriptor, parts, position),
    read: (into, position) => readFully(descriptor, into, position),
    sync: () => fdatasyncAsync(descriptor),
    truncate: (bytes) => ftruncateAsync(descriptor, bytes),
    size: async () => (await fstatAsync(descriptor)).size,
    close: () => closeAsync(descriptor),
  };
}

function writeParts(descriptor: number, parts: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(descriptor, parts, position, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

async function readFully(descriptor: number, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.byteLength) {
    const got = await readOnce(descriptor, into.subarray(filled), position + filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}

function readOnce(descriptor: number, into: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, into, 0, into.byteLength, position, (error, got) => (error ? reject(error) : resolve(got)));
  });
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdirAsync(path, 0o700);
    return true;
  } catch (error) {
    if (diskErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const descriptor = await openAsync(path, 'r');
  try {
    await fsyncAsync(descriptor);
  } finally {
    await closeAsync(descriptor);
  }
}

function emptyWhenMissing(error: unknown): string[] {
  if (diskErrorCode(error) === 'ENOENT') return [];
  throw error;
}
