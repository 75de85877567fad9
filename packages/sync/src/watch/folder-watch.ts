import { lstatSync, readdirSync, readFileSync, watch as watchDirectory } from 'node:fs';
import type { FSWatcher, WatchListener } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { CofferError } from '@coffer/core';
import { joinPath, toFsPath } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import { fileError, hasErrno, isGone } from '../file-error.ts';
import { isTemporaryName } from '../temporary-name.ts';

/** Told of what happens in a folder; paths are below its root. All are hints: whoever gets one looks for himself. */
export interface FolderWatchHandlers {
  /** Something happened to this name. */
  readonly onTouched: (directory: ByteName, name: ByteName) => void;
  /** A directory came, with what was in it by the time that it was watched. */
  readonly onTree: (directory: ByteName) => void;
  /** Events may have been lost. */
  readonly onMissed: () => void;
  /** It cannot be watched any further: nothing more will be told. */
  readonly onGivenUp: (error: CofferError) => void;
}

export interface FolderWatchDeps {
  /** Real path of an existing directory. */
  readonly root: ByteName;
  /** Directories that are not watched, with all below. */
  readonly ignores: (directory: ByteName) => boolean;
  /** `fs.watch` of one directory, for tests. */
  readonly watch?: (path: string | Buffer, listener: WatchListener<Buffer>) => Pick<FSWatcher, 'on' | 'close'>;
}

interface Watched {
  readonly path: ByteName;
  readonly watcher: Pick<FSWatcher, 'close'>;
  readonly children: Map<ByteName, Watched>;
  isClosed: boolean;
}

/** What says nothing of other directories, but what {@link limitError} tells apart. */
const unreadable = ['EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EIO', 'ENOMEM'] as const;

/** How long the watching of many directories holds up everything else at a time. */
const sliceMs = 20;

/** Events that the kernel keeps for a process that is busy (fs.inotify.max_queued_events); what does not fit is dropped. */
const usualQueue = 16_384;

/**
 * Watches a folder with everything below it. Linux has no recursive watch: each directory gets one of its own, all on one inotify
 * instance, made here rather than by `fs.watch({recursive})`, which holds up the process for twice as long and tells nothing
 * of directories that it could not watch (100,000 files in 1,101 directories: 0.27 s and 18 MiB against 0.52 s and 27 MiB). Elsewhere
 * the system watches a tree by itself.
 */
export class FolderWatch implements Disposable {
  readonly #deps: FolderWatchDeps;
  readonly #handlers: FolderWatchHandlers;
  readonly #queueLength = readQueueLength();
  readonly #waiting: { readonly path: ByteName; readonly parent: Watched | undefined }[] = [];
  #top: Watched | undefined;
  #adding: Promise<void> | undefined;
  #isEnded = false;
  #burst = 0;

  /** Resolves when all directories are watched, or watching was given up, which is told. @throws the signal's reason */
  static async open(deps: FolderWatchDeps, handlers: FolderWatchHandlers, signal?: AbortSignal): Promise<FolderWatch> {
    const folder = new FolderWatch(deps, handlers);
    folder.#waiting.push({ path: '', parent: undefined });
    try {
      await folder.#add(signal);
    } catch (error) {
      folder[Symbol.dispose]();
      throw error;
    }
    return folder;
  }

  private constructor(deps: FolderWatchDeps, handlers: FolderWatchHandlers) {
    this.#deps = deps;
    this.#handlers = handlers;
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#waiting.length = 0;
    if (this.#top !== undefined) closeAll(this.#top);
    this.#top = undefined;
  }

  /** Resolves when all that waits is watched, whoever began with it. */
  async #add(signal?: AbortSignal): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isEnded) {
      this.#adding ??= this.#addAll(signal).finally(() => (this.#adding = undefined));
      await this.#adding;
    }
  }

  /** From the top down, so that nothing is made unseen between looking into a directory and watching it. */
  async #addAll(signal?: AbortSignal): Promise<void> {
    let endMs = performance.now() + sliceMs;
    for (let next = this.#waiting.pop(); next !== undefined && !this.#isEnded; next = this.#waiting.pop()) {
      this.#watchOne(next);
      if (performance.now() < endMs) continue;
      await turn();
      signal?.throwIfAborted();
      endMs = performance.now() + sliceMs;
    }
  }

  #watchOne({ path, parent }: { readonly path: ByteName; readonly parent: Watched | undefined }): void {
    if (parent?.isClosed === true || (path !== '' && this.#deps.ignores(path))) return;
    const absolute = this.#absolute(path);
    try {
      if (parent !== undefined) forget(parent, nameOf(path));
      const watched: Watched = { path, watcher: this.#open(absolute, path), children: new Map(), isClosed: false };
      if (parent === undefined) this.#top = watched;
      else parent.children.set(nameOf(path), watched);
      for (const { name, isDirectory } of listing(absolute)) {
        if (isDirectory) this.#waiting.push({ path: joinPath(path, name), parent: watched });
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #open(absolute: ByteName, path: ByteName): Pick<FSWatcher, 'close'> {
    const onChange: WatchListener<Buffer> = (kind, name) => this.#event(path, { kind, name });
    const watcher = (this.#deps.watch ?? watchOf)(toFsPath(absolute), onChange);
    watcher.on('error', () => this.#handlers.onTree(path));
    return watcher;
  }

  /** One that is gone or cannot be read is no loss: the scan finds out. A limit of the system ends everything. */
  #failed(error: unknown): void {
    const limit = limitError(error);
    if (limit === undefined) {
      if (!isGone(error) && !hasErrno(error, ...unreadable)) throw fileError(error);
      return;
    }
    this[Symbol.dispose]();
    this.#handlers.onGivenUp(limit);
  }

  #event(directory: ByteName, { kind, name }: { readonly kind: string; readonly name: Buffer | null }): void {
    if (this.#isEnded) return;
    this.#countBurst();
    if (name === null) return this.#handlers.onTree(directory);
    const text = name.toString('latin1');
    const last = process.platform === 'linux' ? -1 : text.lastIndexOf('/');
    const [where, what] =
      last < 0 ? [directory, text] : [joinPath(directory, text.slice(0, last)), text.slice(last + 1)];
    if (isTemporaryName(what)) return;
    this.#handlers.onTouched(where, what);
    if (process.platform === 'linux') this.#follow(joinPath(where, what), kind);
  }

  /**
   * A directory that came is watched, one that went or was replaced is not any more. One of the same number may be another one:
   * filesystems give the number of what is gone to what comes next.
   */
  #follow(path: ByteName, kind: string): void {
    const parent = this.#find(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');
    if (parent === undefined || (kind === 'change' && parent.children.has(nameOf(path)))) return;
    forget(parent, nameOf(path));
    if (!isDirectoryAt(this.#absolute(path))) return;
    this.#waiting.push({ path, parent });
    void this.#addTree(path);
  }

  async #addTree(path: ByteName): Promise<void> {
    try {
      await this.#add();
    } catch {
      // Told below: whoever scans meets the same failure, and reports it.
    }
    if (!this.#isEnded) this.#handlers.onTree(path);
  }

  #find(path: ByteName): Watched | undefined {
    let at = this.#top;
    if (path !== '') for (const name of path.split('/')) at = at?.children.get(name);
    return at;
  }

  /**
   * Node does not tell that the kernel dropped events. It hands over everything that is queued in one turn, so a turn with as
   * many events as the queue holds may have lost some, and one with fewer has not.
   */
  #countBurst(): void {
    this.#burst += 1;
    if (this.#burst > 1) return;
    setImmediate(() => {
      const missed = this.#burst >= this.#queueLength / 2;
      this.#burst = 0;
      if (missed && !this.#isEnded) this.#handlers.onMissed();
    });
  }

  #absolute(path: ByteName): ByteName {
    const { root } = this.#deps;
    if (path === '') return root;
    return root.endsWith('/') ? root + path : `${root}/${path}`;
  }
}

function watchOf(path: string | Buffer, listener: WatchListener<Buffer>): FSWatcher {
  return watchDirectory(path, { encoding: 'buffer', recursive: process.platform !== 'linux' }, listener);
}

function listing(directory: ByteName): { readonly name: ByteName; readonly isDirectory: boolean }[] {
  if (process.platform !== 'linux') return [];
  return readdirSync(toFsPath(directory), { encoding: 'buffer', withFileTypes: true }).map((entry) => ({
    name: entry.name.toString('latin1'),
    isDirectory: entry.isDirectory(),
  }));
}

function isDirectoryAt(path: ByteName): boolean {
  try {
    return lstatSync(toFsPath(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

function nameOf(path: ByteName): ByteName {
  return path.slice(path.lastIndexOf('/') + 1);
}

function forget(parent: Watched, name: ByteName): void {
  const known = parent.children.get(name);
  if (known === undefined) return;
  parent.children.delete(name);
  closeAll(known);
}

function closeAll(top: Watched): void {
  const open = [top];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    at.isClosed = true;
    at.watcher.close();
    open.push(...at.children.values());
  }
}

/** The system's limits of watching, by the name of the setting. */
function limitError(error: unknown): CofferError | undefined {
  if (hasErrno(error, 'ENOSPC')) {
    return new CofferError(
      'LIMIT',
      `the system watches no more folders: fs.inotify.max_user_watches is ${setting('user_watches')}`,
      {
        hint: 'Raise it with `sysctl fs.inotify.max_user_watches=1048576`; until then the folder is looked through every minute.',
        cause: error,
      },
    );
  }
  if (!hasErrno(error, 'EMFILE', 'ENFILE')) return undefined;
  return new CofferError(
    'LIMIT',
    `the system gives no more watches or open files: fs.inotify.max_user_instances is ${setting('user_instances')}`,
    {
      hint: 'Raise it with `sysctl fs.inotify.max_user_instances=1024`, or `ulimit -n`; until then the folder is looked through every minute.',
      cause: error,
    },
  );
}

function readQueueLength(): number {
  const length = Number(setting('queued_events'));
  return Number.isSafeInteger(length) && length > 0 ? length : usualQueue;
}

function setting(name: string): string {
  try {
    return readFileSync(`/proc/sys/fs/inotify/max_${name}`, 'utf8').trim();
  } catch {
    return 'not known';
  }
}
