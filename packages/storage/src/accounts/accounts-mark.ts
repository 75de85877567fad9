import { CofferError } from '@coffer/core';
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { diskErrorCode, isDiskFull } from '../packs/disk.ts';
import { accountsMarkPath, accountsPath } from '../storage-folder.ts';

/** Sixteen decimal digits, a space, the crc32 of the digits in hex, a line feed (FORMAT §The folder). */
const markBytes = 26;

/**
 * accounts.mark: how many changes accounts.db is known to have taken. It lies outside of the database and its log, so that a
 * log that is gone, or an older copy in the database's place, is noticed (ADR 0008). It is written in place once a change
 * is durable, and not flushed: after a crash it says too little at worst, never too much.
 */
export class AccountsMark implements Disposable {
  readonly #path: string;
  /** Undefined while the disk was too full to make it. */
  readonly #file: number | undefined;

  /** Opens the mark of a storage folder, or begins one. @throws IO */
  constructor(folder: string) {
    this.#path = accountsMarkPath(folder);
    this.#file = onDisk(this.#path, () => openMark(folder));
  }

  /** `changes` of them are durable. Never lowers it: another process may have changed the database since. @throws IO */
  raise(changes: number): void {
    const file = this.#file;
    if (file === undefined) return;
    onDisk(this.#path, () => {
      const bytes = Buffer.alloc(markBytes);
      readSync(file, bytes, 0, markBytes, 0);
      if (changes > parse(bytes.toString('latin1'))) writeMark(file, changes);
    });
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

/** 0 when there is no mark, or none that can be made out. @throws IO */
export function readAccountsMark(folder: string): number {
  const path = accountsMarkPath(folder);
  return onDisk(path, () => {
    try {
      return parse(readFileSync(path, 'latin1'));
    } catch (error) {
      if (diskErrorCode(error) === 'ENOENT') return 0;
      throw error;
    }
  });
}

/** What it said does not count any more: another database takes the place of the one it was about. */
export function removeAccountsMark(folder: string): void {
  rmSync(accountsMarkPath(folder), { force: true });
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

function openMark(folder: string): number | undefined {
  const path = accountsMarkPath(folder);
  try {
    const file = openSync(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
    // A command that root runs must not keep the server from its own mark.
    if (process.getuid?.() === 0) {
      const { uid, gid } = statSync(accountsPath(folder));
      fchownSync(file, uid, gid);
    }
    return file;
  } catch (error) {
    if (isDiskFull(error)) return undefined;
    if (diskErrorCode(error) !== 'EEXIST') throw error;
  }
  // Whoever may write to the folder must not make root write to a file elsewhere.
  const file = openSync(path, O_RDWR | O_NOFOLLOW);
  const stat = fstatSync(file);
  if (stat.isFile() && (stat.nlink === 1 || process.getuid?.() !== 0)) return file;
  closeSync(file);
  throw Object.assign(new Error('accounts.mark is no file of its own'), { code: 'EINVAL' });
}

function writeMark(file: number, changes: number): void {
  try {
    writeSync(file, textOf(changes), 0, 'latin1');
  } catch (error) {
    // A mark that says too little is still true, and a full disk must go on taking removals.
    if (!isDiskFull(error)) throw error;
  }
}

function textOf(changes: number): string {
  const digits = String(changes).padStart(16, '0');
  return `${digits} ${checksumOf(digits)}\n`;
}

function parse(text: string): number {
  const [, digits, checksum] = /^(\d{16}) ([0-9a-f]{8})\n/.exec(text) ?? [];
  return digits !== undefined && checksumOf(digits) === checksum ? Number(digits) : 0;
}

function checksumOf(digits: string): string {
  return crc32(digits).toString(16).padStart(8, '0');
}

function onDisk<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    const code = diskErrorCode(cause) ?? 'unknown';
    throw new CofferError('IO', `accounts.mark of the storage cannot be read or written (${code})`, {
      cause,
      hint: 'Check that the storage folder and its files belong to the user that the server runs as.',
      details: { path },
    });
  }
}
