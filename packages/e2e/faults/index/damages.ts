import {
  copyFileSync,
  existsSync,
  openSync,
  closeSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Seeded } from '../seeded.ts';

interface DatabaseFiles {
  /** The storage folder; nothing runs on it. */
  readonly storage: string;
  /** A copy of the database as it was some commits ago. */
  readonly older: string;
}

/** One way in which a database of a storage can come to harm. */
export interface Damage {
  readonly name: string;
  readonly make: (files: DatabaseFiles, seeded: Seeded) => void;
}

export type DatabaseName = 'index.db' | 'accounts.db';

const pageBytes = 4096;

/** Every way in which this database can come to harm. */
export function damagesOf(database: DatabaseName): readonly Damage[] {
  const other = database === 'index.db' ? 'accounts.db' : 'index.db';
  const at = (storage: string, suffix = ''): string => join(storage, database + suffix);
  const remove = (storage: string, ...suffixes: readonly string[]): void => {
    for (const suffix of suffixes) rmSync(at(storage, suffix), { force: true });
  };
  const replace = (storage: string, by: string): void => {
    remove(storage, '', '-wal', '-shm');
    copyFileSync(by, at(storage));
  };
  return [
    { name: 'deleted', make: ({ storage }) => remove(storage, '', '-wal', '-shm') },
    { name: 'deleted, its log left behind', make: ({ storage }) => remove(storage, '') },
    { name: 'its log deleted', make: ({ storage }) => remove(storage, '-wal', '-shm') },
    { name: 'emptied', make: ({ storage }) => truncateSync(at(storage)) },
    { name: 'truncated', make: ({ storage }, seeded) => truncate(at(storage), seeded) },
    { name: 'bits flipped', make: ({ storage }, seeded) => flip(at(storage), seeded, 1 + seeded.below(64)) },
    { name: 'one bit flipped', make: ({ storage }, seeded) => flip(at(storage), seeded, 1) },
    { name: 'bits flipped in its log', make: ({ storage }, seeded) => flip(at(storage, '-wal'), seeded, 8) },
    { name: 'a page zeroed', make: ({ storage }, seeded) => zeroPage(at(storage), seeded) },
    { name: 'replaced by an older copy', make: ({ storage, older }) => replace(storage, older) },
    { name: 'replaced by another database', make: ({ storage }) => replace(storage, join(storage, other)) },
  ];
}

export function indexOf(storage: string): string {
  return join(storage, 'index.db');
}

function truncate(path: string, seeded: Seeded): void {
  truncateSync(path, seeded.below(statSync(path).size));
}

/** Nothing happens to a file that is not there: a daemon that was stopped leaves no log. */
function flip(path: string, seeded: Seeded, bits: number): void {
  if (!existsSync(path)) return;
  for (let bit = 0; bit < bits; bit += 1) {
    change(path, seeded.below(statSync(path).size), 1, (byte) => (byte[0] = (byte[0] ?? 0) ^ (1 << seeded.below(8))));
  }
}

function zeroPage(path: string, seeded: Seeded): void {
  const page = seeded.below(Math.floor(statSync(path).size / pageBytes));
  change(path, page * pageBytes, pageBytes, (bytes) => bytes.fill(0));
}

function change(path: string, at: number, length: number, work: (bytes: Uint8Array) => void): void {
  const file = openSync(path, 'r+');
  try {
    const bytes = new Uint8Array(length);
    readSync(file, bytes, 0, length, at);
    work(bytes);
    writeSync(file, bytes, 0, length, at);
  } finally {
    closeSync(file);
  }
}
