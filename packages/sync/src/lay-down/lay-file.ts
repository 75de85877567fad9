import { fchmodSync, fstatSync } from 'node:fs';
import type { DownloadSink, FileTimes, LaidFile, LanePlace, LayTarget } from '@coffer/client';
import { CofferError } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import { toFsPath } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import { nodeOf } from '../disk-tree.ts';
import { fileError } from '../file-error.ts';
import { laidMode } from '../laid-mode.ts';
import { identityOf, parseStamp, untrusted } from '../stamp.ts';
import type { Stamp } from '../stamp.ts';
import type { TemporaryNames } from '../temporary-name.ts';
import type { Folder } from './folder.ts';
import { freeName, takenByLikeName } from './free-name.ts';
import type { ConflictName } from './free-name.ts';
import type { HeldFolder } from './open-folders.ts';
import { sameBytes } from './same-bytes.ts';
import { settleFile } from './settle-on-disk.ts';
import { UnfinishedFile } from './unfinished-file.ts';

export interface LayFileDeps {
  readonly temporaryNames: TemporaryNames;
  readonly times: FileTimes;
  readonly conflictName: ConflictName;
  /** Where the filesystem takes two names for one: fail with {@link takenByLikeName} instead of laying down under another one. */
  readonly refuseOtherNames?: boolean;
}

export interface FileToLay {
  /** Opens the directory, when the first bytes are there. */
  readonly hold: () => HeldFolder;
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
  /** Writes the content into a sink, or has a lane lay the file down where it may. */
  readonly fetch: (target: LayTarget, signal?: AbortSignal) => Promise<LaidFile | undefined>;
  /** Called when the file is in its place. */
  readonly onLaid: (outcome: LayOutcome) => Promise<void>;
}

/** `same`: the bytes were there already, only times and mode were set. `conflict`: what was there is kept under another name. */
export interface LayOutcome {
  readonly kind: 'created' | 'replaced' | 'same' | 'conflict';
  /** Where the file now is: another name than wanted only where the filesystem takes two names for one. */
  readonly name: ByteName;
  /** Of what was laid down, and of nothing that somebody put there in the same moment. */
  readonly stamp: Stamp;
  /** Where what was there is kept (`conflict`). */
  readonly keptAs?: ByteName;
}

/**
 * Lays one file down: under a temporary name in the same directory, complete with size, mode and times, then renamed. At no
 * moment a reader sees half a file, and whatever was there and is not expected is kept (SYNC §Pipeline *Lay down*).
 * @throws what `fetch` throws; NOT_ALLOWED, NO_SPACE, EXISTS (a directory is in the way), INVALID, IO. Nothing is left behind
 */
export async function layFile(deps: LayFileDeps, file: FileToLay, signal?: AbortSignal): Promise<LayOutcome> {
  using unfinished = new UnfinishedFile(file.hold, deps.temporaryNames);
  const sink: DownloadSink = (offset, bytes) => unfinished.write(offset, bytes);
  const laid = await file.fetch({ sink, place: () => lanePlace(deps, file) }, signal);
  const outcome = laid === undefined ? await complete(deps, { file, unfinished }, signal) : laidByLane(file, laid);
  await file.onLaid(outcome);
  return outcome;
}

/** For a lane, which lays down only what is new and replaces nothing. */
function lanePlace({ temporaryNames }: LayFileDeps, file: FileToLay): LanePlace | undefined {
  if (file.expected !== undefined) return undefined;
  const { folder, release } = file.hold();
  try {
    const temporary = toFsPath(folder.at(temporaryNames.next()));
    const path = toFsPath(folder.at(file.name));
    const { size, mtime } = file;
    if (folder.isAnchored) return { temporary, path, size, mtime, mode: laidMode(file.mode, 0), release };
  } catch (error) {
    release();
    throw error;
  }
  release();
  return undefined;
}

function laidByLane({ name }: FileToLay, { stats }: LaidFile): LayOutcome {
  return { kind: 'created', name, stamp: stats === undefined ? untrusted : nodeOf('', stats).stamp };
}

async function complete(deps: LayFileDeps, { file, unfinished }: Filled, signal?: AbortSignal): Promise<LayOutcome> {
  signal?.throwIfAborted();
  unfinished.complete(file.size);
  return place(deps, { file, unfinished });
}

interface Filled {
  readonly file: FileToLay;
  readonly unfinished: UnfinishedFile;
}

async function place(deps: LayFileDeps, { file, unfinished }: Filled): Promise<LayOutcome> {
  const { folder, fd, temporary } = unfinished.open();
  const { name } = file;
  const finish = (kind: LayOutcome['kind'], as: ByteName): LayOutcome => {
    setAttributes(fd, { deps, file });
    const laid = stampOf(fd);
    unfinished.rename(as);
    return { kind, name: as, stamp: stampNow(folder, as, laid) };
  };
  // Before the last look: what is there may change while the disk works.
  if (folder.look(name) !== undefined) await settleFile(fd);
  const there = folder.look(name);
  if (there === undefined) return finish('created', name);
  const free = file.expected === undefined ? freeName(folder, name, deps.conflictName) : name;
  if (free !== name && deps.refuseOtherNames === true) throw takenByLikeName();
  if (free !== name) return finish('created', free);
  if (there.kind === 'directory') throw new CofferError('EXISTS', 'a directory of this name is in the way');
  if (file.overwrite || (there.stamp === file.expected && !file.keepBoth)) return finish('replaced', name);
  const size = there.kind === 'file' ? parseStamp(there.stamp).size : -1;
  if (size === file.size && (await sameBytes(folder, name, temporary)) && folder.look(name)?.stamp === there.stamp)
    return adopt(deps, { file, folder });
  const keptAs = deps.conflictName(name, (other) => folder.look(other) !== undefined);
  folder.rename(name, folder, keptAs);
  return { ...finish('conflict', name), keptAs };
}

/** Times come last: every write before sets them anew. The rename keeps them. */
function setAttributes(fd: number, { deps, file }: { readonly deps: LayFileDeps; readonly file: FileToLay }): void {
  try {
    fchmodSync(fd, laidMode(file.mode, 0));
    deps.times.setOpen(fd, file.mtime);
  } catch (error) {
    throw fileError(error);
  }
}

/** The file on disk has the bytes already: it stays, so that whoever has it open keeps it. */
function adopt(
  { times }: LayFileDeps,
  { file, folder }: { readonly file: FileToLay; readonly folder: Folder },
): LayOutcome {
  const { name, mode, mtime } = file;
  folder.setAttributes(name, { mode, mtime, times });
  return { kind: 'same', name, stamp: folder.look(name)?.stamp ?? untrusted };
}

function stampOf(fd: number): Stamp {
  try {
    return nodeOf('', fstatSync(fd, { bigint: true })).stamp;
  } catch (error) {
    throw fileError(error);
  }
}

/** A rename changes no more than ctime. */
function stampNow(folder: Folder, name: ByteName, laid: Stamp): Stamp {
  const { stamp } = folder.look(name) ?? { stamp: untrusted };
  return stamp !== untrusted && identityOf(stamp) === identityOf(laid) ? stamp : untrusted;
}
