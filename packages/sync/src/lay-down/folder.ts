import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { nameToBytes } from '@coffer/client';
import type { FileTimes, LinkTarget } from '@coffer/client';
import { CofferError } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import { toEntryName, toFsPath } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import { nodeOf } from '../disk-tree.ts';
import { fileError, isGone } from '../file-error.ts';
import { laidMode } from '../laid-mode.ts';
import type { LocalNode } from '../local-tree.ts';
import type { Stamp } from '../stamp.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** `/proc/self/fd/N/name` means `name` in the open directory N, wherever that directory is by now: Node has no `openat`. */
const descriptors = '/proc/self/fd';

/**
 * An open directory in which things are made, renamed and removed by single names. Nothing done through it reaches another
 * directory: names are single components, a symlink is never followed, and on Linux every call goes through the open
 * descriptor, so that a directory swapped for a link in the meantime changes nothing (SYNC §Pipeline *Lay down*). Elsewhere
 * the path is checked to be still this directory before each call.
 */
export class Folder implements Disposable {
  readonly fd: number;
  readonly #path: ByteName;
  readonly #identity: string;
  #closed = false;

  /** The root: an existing directory by its real path. @throws NOT_FOUND, INVALID, NOT_ALLOWED, IO */
  static root(path: ByteName): Folder {
    return attempt(() => new Folder(openSync(toFsPath(path), O_RDONLY | O_DIRECTORY), path));
  }

  private constructor(fd: number, path: ByteName) {
    this.fd = fd;
    this.#path = path;
    const { dev, ino } = fstatSync(fd, { bigint: true });
    this.#identity = `${dev}:${ino}`;
  }

  /** A directory below this one. @throws NOT_FOUND; INVALID when it is a symlink or no directory; NOT_ALLOWED, IO */
  open(name: ByteName): Folder {
    return attempt(() => {
      const fd = openSync(toFsPath(this.at(name)), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      return new Folder(fd, `${this.#path}/${name}`);
    });
  }

  /** Writable for us alone until its own mode is set. @throws EXISTS, NOT_ALLOWED, NO_SPACE, INVALID, IO */
  make(name: ByteName): void {
    attempt(() => mkdirSync(toFsPath(this.at(name)), 0o700));
  }

  /** A new empty file, open for writing; the caller closes it. @throws EXISTS, NOT_ALLOWED, NO_SPACE, INVALID, IO */
  create(name: ByteName): number {
    return attempt(() => openSync(toFsPath(this.at(name)), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
  }

  /** An existing file, open for reading, never waiting for a FIFO; the caller closes it. @throws NOT_FOUND, INVALID, NOT_ALLOWED, IO */
  read(name: ByteName): number {
    return attempt(() => openSync(toFsPath(this.at(name)), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  }

  look(name: ByteName): LocalNode | undefined {
    return attempt(() => {
      const stats = lstatSync(toFsPath(this.at(name)), { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? undefined : nodeOf(name, stats);
    });
  }

  /** Replaces what is there, as `rename` does. */
  rename(name: ByteName, to: Folder, newName: ByteName): void {
    attempt(() => renameSync(toFsPath(this.at(name)), toFsPath(to.at(newName))));
  }

  link(target: LinkTarget, name: ByteName): void {
    attempt(() => symlinkSync(Buffer.from(nameToBytes(target)), toFsPath(this.at(name))));
  }

  target(name: ByteName): LinkTarget {
    return attempt(() => toEntryName(readlinkSync(toFsPath(this.at(name)), { encoding: 'latin1' })));
  }

  /** Removes anything but a directory; nothing happens when it is gone. */
  unlink(name: ByteName): void {
    this.#remove(() => unlinkSync(toFsPath(this.at(name))));
  }

  /** Removes an empty directory; nothing happens when it is gone. @throws IO when it is not empty */
  rmdir(name: ByteName): void {
    this.#remove(() => rmdirSync(toFsPath(this.at(name))));
  }

  /** Names in here, in no order. */
  names(): readonly ByteName[] {
    const path = anchored ? `${descriptors}/${this.fd}` : this.#path;
    return attempt(() => readdirSync(toFsPath(path), { encoding: 'latin1' }));
  }

  /** Of a file, the mode as {@link laidMode} says; a symlink is never followed. @throws INVALID when it is something else; NOT_FOUND, NOT_ALLOWED, IO */
  setAttributes(name: ByteName, { mode, mtime, times }: FolderAttributeValues): void {
    attempt(() => {
      this.#setMode(name, mode);
      this.#setTimes(name, { mtime, times });
    });
  }

  /** Of a symlink itself. */
  setLinkTimes(name: ByteName, { mtime, times }: Pick<FolderAttributeValues, 'mtime' | 'times'>): void {
    attempt(() => this.#setTimes(name, { mtime, times }));
  }

  /** Of this directory itself, the mode as {@link laidMode} says. */
  setOwnAttributes({ mode, mtime, times }: FolderAttributeValues): void {
    attempt(() => {
      fchmodSync(this.fd, laidMode(mode, fstatSync(this.fd).mode));
      times.setOpen(this.fd, mtime);
    });
  }

  setOwnMode(mode: number): void {
    attempt(() => fchmodSync(this.fd, mode));
  }

  get stamp(): Stamp {
    return attempt(() => nodeOf('', fstatSync(this.fd, { bigint: true })).stamp);
  }

  /** Makes sure that we may write in here; answers the mode from before when it had to be changed. */
  makeWritable(): number | undefined {
    const mode = fstatSync(this.fd).mode & 0o7777;
    if ((mode & 0o700) === 0o700) return undefined;
    attempt(() => fchmodSync(this.fd, mode | 0o700));
    return mode;
  }

  /** True when {@link at} means this directory whatever happens to its name, in other threads too. */
  get isAnchored(): boolean {
    return anchored;
  }

  /** The path of a name in here, for calls of `node:fs`. @throws INVALID for what is no single name */
  at(name: ByteName): ByteName {
    checkLocalName(name);
    if (anchored) return `${descriptors}/${this.fd}/${name}`;
    this.#checkPath();
    return `${this.#path}/${name}`;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
  }

  #checkPath(): void {
    const { dev, ino } = statSync(toFsPath(this.#path), { bigint: true });
    if (`${dev}:${ino}` === this.#identity) return;
    throw new CofferError('INVALID', 'the directory was replaced by something else in the meantime');
  }

  #setTimes(name: ByteName, { mtime, times }: Pick<FolderAttributeValues, 'mtime' | 'times'>): void {
    times.setLink({ directory: this.fd, name, path: toFsPath(this.at(name)) }, mtime);
  }

  #setMode(name: ByteName, mode: number): void {
    const fd = this.#openAny(name);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw new CofferError('INVALID', 'it is no file any more');
      const laid = laidMode(mode, stats.mode);
      if ((stats.mode & 0o7777) === laid) return;
      // A descriptor opened without permission to read takes no fchmod, but its path does.
      if (anchored) chmodSync(`${descriptors}/${fd}`, laid);
      else fchmodSync(fd, laid);
    } finally {
      closeSync(fd);
    }
  }

  /** Also what we may not read, where the system has a way. */
  #openAny(name: ByteName): number {
    return openSync(toFsPath(this.at(name)), anchored ? O_PATH | O_NOFOLLOW : O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  #remove(remove: () => void): void {
    try {
      remove();
    } catch (error) {
      if (!isGone(error)) throw fileError(error);
    }
  }
}

export interface FolderAttributeValues {
  readonly mode: number;
  readonly mtime: Timestamp;
  readonly times: FileTimes;
}

/** Linux's, on every architecture that Node runs on; Node does not export it. */
const O_PATH = 0o10000000;

/** A Linux without /proc (a bare container) takes the way of the others. */
const anchored = process.platform === 'linux' && existsSync(descriptors);

/**
 * A name from a vault becomes part of a path here, so it is checked here again, whatever was checked before.
 * @throws INVALID
 */
function checkLocalName(name: ByteName): void {
  if (name !== '' && name !== '.' && name !== '..' && !forbidden.test(name)) return;
  throw new CofferError('INVALID', 'the name is no name of a file');
}

// oxlint-disable-next-line no-control-regex -- NUL ends a path
const forbidden = process.platform === 'win32' ? /[/\\:\x00]/ : /[/\x00]/;

function attempt<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw fileError(error);
  }
}
