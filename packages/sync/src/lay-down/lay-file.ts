import { closeSync, fchmodSync, ftruncateSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { DownloadSink } from '@coffer/client';
import { CofferError, KiB } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import type { ByteName } from '../byte-name.ts';
import { fileError } from '../file-error.ts';
import type { Stamp } from '../stamp.ts';
import { parseStamp } from '../stamp.ts';
import type { TemporaryNames } from '../temporary-name.ts';
import { sameBytes } from './same-bytes.ts';
import type { FileTimes } from './file-times.ts';
import type { Folder } from './folder.ts';
import { freeName } from './free-name.ts';
import type { ConflictName } from './free-name.ts';
import { settleFile } from './settle-on-disk.ts';

export interface LayFileDeps {
  readonly temporaryNames: TemporaryNames;
  readonly times: FileTimes;
  readonly conflictName: ConflictName;
}

export interface FileToLay {
  readonly folder: Folder;
  readonly name: ByteName;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  /** What may be replaced; undefined when nothing should be there. */
  readonly expected: Stamp | undefined;
  /** Even what was expected is kept when its bytes differ. */
  readonly keepBoth: boolean;
  /** Whatever is there is replaced. */
  readonly overwrite: boolean;
  /** Writes the content into a sink. */
  readonly fill: (sink: DownloadSink, signal?: AbortSignal) => Promise<void>;
}

/** `same`: the bytes were there already, only times and mode were set. `conflict`: what was there is kept under another name. */
export interface LayOutcome {
  readonly kind: 'created' | 'replaced' | 'same' | 'conflict';
  /** Where the file now is: another name than wanted only where the filesystem takes two names for one. */
  readonly name: ByteName;
}

/**
 * Lays one file down: under a temporary name in the same directory, complete with size, mode and times, then renamed. At no
 * moment a reader sees half a file, and whatever was there and is not expected is kept (SYNC §Pipeline *Lay down*).
 * @throws what `fill` throws; NOT_ALLOWED, NO_SPACE, EXISTS (a directory is in the way), INVALID, IO. Nothing is left behind
 */
export async function layFile(deps: LayFileDeps, file: FileToLay, signal?: AbortSignal): Promise<LayOutcome> {
  const { folder } = file;
  const temporary = deps.temporaryNames.next();
  const fd = folder.create(temporary);
  let placed = false;
  try {
    const sink = new FileSink(fd);
    await file.fill((offset, bytes) => sink.write(offset, bytes), signal);
    signal?.throwIfAborted();
    sink.finish(file.size);
    const outcome = await place(deps, { ...file, fd, temporary });
    placed = outcome.kind !== 'same';
    return outcome;
  } finally {
    closeSync(fd);
    if (!placed) folder.unlink(temporary);
  }
}

interface Filled extends FileToLay {
  readonly fd: number;
  readonly temporary: ByteName;
}

async function place(deps: LayFileDeps, file: Filled): Promise<LayOutcome> {
  const { folder, name, fd } = file;
  const there = folder.look(name);
  if (there === undefined) return finish(deps, file, 'created');
  const free = file.expected === undefined ? freeName(folder, name, deps.conflictName) : name;
  if (free !== name) return finish(deps, { ...file, name: free }, 'created');
  if (there.kind === 'directory') throw new CofferError('EXISTS', 'a directory of this name is in the way');
  if (file.overwrite || (there.stamp === file.expected && !file.keepBoth)) {
    await settleFile(fd);
    return finish(deps, file, 'replaced');
  }
  const size = there.kind === 'file' ? parseStamp(there.stamp).size : -1;
  if (size === file.size && (await sameBytes(folder, name, file.temporary))) return adopt(deps, file);
  const aside = deps.conflictName(name, (other) => folder.look(other) !== undefined);
  folder.rename(name, folder, aside);
  return finish(deps, file, 'conflict');
}

/** Times come last: every write before sets them anew. The rename keeps them. */
function finish(
  deps: LayFileDeps,
  { folder, fd, name, temporary, mode, mtime }: Filled,
  kind: LayOutcome['kind'],
): LayOutcome {
  wrap(() => {
    fchmodSync(fd, mode);
    deps.times.setOpen(fd, mtime);
  });
  folder.rename(temporary, folder, name);
  return { kind, name };
}

/** The file on disk has the bytes already: it stays, so that whoever has it open keeps it. */
function adopt({ times }: LayFileDeps, { folder, name, mode, mtime }: Filled): LayOutcome {
  folder.setAttributes(name, { mode, mtime, times });
  return { kind: 'same', name };
}

/**
 * Small pieces are written at once: handing them to a thread costs more than writing them. Large ones may meet a full page
 * cache, and must not hold up the connection.
 */
class FileSink {
  readonly #fd: number;
  #end = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(offset: number, bytes: Uint8Array): Promise<void> | void {
    this.#end = Math.max(this.#end, offset + bytes.byteLength);
    if (bytes.byteLength <= directBytes) return wrap(() => writeAllSync(this.#fd, bytes, offset));
    return writeAll(this.#fd, bytes, offset);
  }

  /** A hole at the end is only a size. */
  finish(size: number): void {
    if (this.#end !== size) wrap(() => ftruncateSync(this.#fd, size));
  }
}

/** Up to here a write is quicker than a hop to the thread pool and back (about 60 µs). */
const directBytes = 128 * KiB;

function writeAllSync(fd: number, bytes: Uint8Array, offset: number): void {
  let done = 0;
  while (done < bytes.byteLength) done += writeSync(fd, bytes, done, bytes.byteLength - done, offset + done);
}

async function writeAll(fd: number, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  try {
    while (done < bytes.byteLength) {
      done += (await writeAsync(fd, bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
    }
  } catch (error) {
    throw fileError(error);
  }
}

const writeAsync = promisify(write);

function wrap(call: () => void): void {
  try {
    call();
  } catch (error) {
    throw fileError(error);
  }
}
