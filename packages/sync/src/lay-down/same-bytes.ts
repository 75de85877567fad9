import { close, read } from 'node:fs';
import { promisify } from 'node:util';
import { MiB } from '@coffer/core';
import type { ByteName } from '../byte-name.ts';
import { fileError } from '../file-error.ts';
import type { Folder } from './folder.ts';

/** Compared at a time, of each file. */
const blockBytes = MiB;

/** True when two files of one directory hold the same bytes. @throws NOT_FOUND, INVALID, NOT_ALLOWED, IO */
export async function sameBytes(folder: Folder, name: ByteName, other: ByteName): Promise<boolean> {
  const fds: number[] = [];
  try {
    const left = folder.read(name);
    fds.push(left);
    const right = folder.read(other);
    fds.push(right);
    return await equalContent(left, right);
  } catch (error) {
    throw fileError(error);
  } finally {
    await Promise.all(fds.map((fd) => closeAsync(fd)));
  }
}

async function equalContent(left: number, right: number): Promise<boolean> {
  const [a, b] = [Buffer.allocUnsafe(blockBytes), Buffer.allocUnsafe(blockBytes)];
  for (let offset = 0; ;) {
    const [inA, inB] = await Promise.all([fill(left, a, offset), fill(right, b, offset)]);
    if (inA !== inB || a.compare(b, 0, inB, 0, inA) !== 0) return false;
    if (inA < blockBytes) return true;
    offset += inA;
  }
}

/** Bytes read: fewer than the buffer holds only at the end of the file. */
async function fill(fd: number, buffer: Buffer, offset: number): Promise<number> {
  let done = 0;
  while (done < buffer.byteLength) {
    const { bytesRead } = await readAsync(fd, buffer, done, buffer.byteLength - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

const readAsync = promisify(read);
const closeAsync = promisify(close);
