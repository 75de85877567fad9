import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fsync } from 'node:fs';
import { promisify } from 'node:util';
import { toFsPath } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import { fileError } from '../file-error.ts';

/**
 * Resolves when everything written so far to the filesystem of `directory` is on stable storage. One `sync -f` for thousands
 * of files: an fsync for each costs 5 to 25 s for 21,000 files, and Node has no `syncfs`. A child process waits, so the
 * connection goes on. Where there is no such program, everything is synced.
 * @throws IO when the disk reports an error
 */
export async function settleOnDisk(directory: ByteName): Promise<boolean> {
  if (process.platform === 'win32') return false;
  return (await run('sync', ['-f', '--', toFsPath(directory)])) || run('sync', []);
}

async function run(program: string, args: readonly (string | Buffer)[]): Promise<boolean> {
  try {
    // A path that is not UTF-8 cannot be passed on: the fallback syncs it with all others.
    if (args.some((arg) => typeof arg !== 'string')) return false;
    const child = spawn(program, args as readonly string[], { stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0;
  } catch {
    return false;
  }
}

/** One file on stable storage, before it replaces another one. @throws IO, NO_SPACE */
export async function settleFile(fd: number): Promise<void> {
  try {
    await fsyncAsync(fd);
  } catch (error) {
    throw fileError(error);
  }
}

const fsyncAsync = promisify(fsync);
