import { constants, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { FileFacts, LinkTarget } from '@coffer/client';
import type { CofferError } from '@coffer/core';
import { toEntryName, toFsPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { fileError, isGone } from './file-error.ts';
import type { LocalKind, LocalListing, LocalNode, LocalTree } from './local-tree.ts';
import { isTemporaryName } from './temporary-name.ts';

export interface DiskTreeOptions {
  /** Told the unfinished files that are met, which are not listed. */
  readonly onTemporary?: (directory: ByteName, name: ByteName) => void;
  /** Directories on other filesystems than the root's are `foreign`. Default false. */
  readonly oneFilesystem?: boolean;
}

/**
 * A folder on disk. Synchronous calls with byte names: for trees of small files they cost half of what promises do, and names
 * that are not UTF-8 stay what they are. Never follows a symlink below the root; the root's own path is followed.
 */
export class DiskTree implements LocalTree {
  readonly #root: ByteName;
  readonly #oneFilesystem: boolean;
  readonly #onTemporary: DiskTreeOptions['onTemporary'];
  #device: bigint | undefined;
  #inode: bigint | undefined;

  /** `root` is an absolute path without symlinks. */
  constructor(root: ByteName, options: DiskTreeOptions = {}) {
    this.#root = root;
    this.#oneFilesystem = options.oneFilesystem ?? false;
    this.#onTemporary = options.onTemporary;
  }

  /** Filesystem of the root; known after {@link root} or {@link list}. */
  get device(): bigint | undefined {
    return this.#device;
  }

  /** Of the root; known after {@link root} or {@link list}. */
  get inode(): bigint | undefined {
    return this.#inode;
  }

  root(): LocalNode | undefined {
    const stats = lookAt(this.#root);
    if (stats === undefined) return undefined;
    this.#device = stats.dev;
    this.#inode = stats.ino;
    return nodeOf('', stats);
  }

  list(path: ByteName): LocalListing {
    if (this.#device === undefined) this.root();
    const directory = this.absolute(path);
    const nodes: LocalNode[] = [];
    const problems: { name: ByteName; error: CofferError }[] = [];
    for (const name of namesIn(directory)) {
      if (isTemporaryName(name)) {
        this.#onTemporary?.(path, name);
        continue;
      }
      try {
        const stats = lookAt(`${directory}/${name}`);
        if (stats !== undefined) nodes.push(this.#node(name, stats));
      } catch (error) {
        problems.push({ name, error: fileError(error) });
      }
    }
    return { nodes, problems };
  }

  /** Names in a directory, without looking at any of them. @throws as {@link list} */
  names(path: ByteName): readonly ByteName[] {
    return namesIn(this.absolute(path)).filter((name) => !isTemporaryName(name));
  }

  target(path: ByteName): LinkTarget {
    try {
      return toEntryName(readlinkSync(toFsPath(this.absolute(path)), { encoding: 'latin1' }));
    } catch (error) {
      throw fileError(error);
    }
  }

  /** The whole path of something in this tree. */
  absolute(path: ByteName): ByteName {
    if (path === '') return this.#root;
    return this.#root.endsWith('/') ? this.#root + path : `${this.#root}/${path}`;
  }

  #node(name: ByteName, stats: BigIntStats): LocalNode {
    const node = nodeOf(name, stats);
    return node.kind === 'directory' && this.#oneFilesystem && stats.dev !== this.#device
      ? { ...node, kind: 'foreign' }
      : node;
  }
}

/** What is at one path, as {@link DiskTree} would list it; undefined when nothing is there. @throws NOT_ALLOWED, IO */
export function nodeAt(path: ByteName): LocalNode | undefined {
  const stats = lookAt(path);
  return stats === undefined ? undefined : nodeOf('', stats);
}

/** One look at the mode tells the kind: the methods of `BigIntStats` do big integer arithmetic each time. */
export function nodeOf(name: ByteName, stats: FileFacts): LocalNode {
  const mode = Number(stats.mode);
  const kind = kinds.get(mode & constants.S_IFMT) ?? 'special';
  if (kind === 'directory') return { name, kind, stamp: `0:${stats.mtimeNs}:0:${stats.ino}:${mode}` };
  return { name, kind, stamp: `${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.ino}:${mode}` };
}

const kinds: ReadonlyMap<number, LocalKind> = new Map([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
]);

function namesIn(directory: ByteName): ByteName[] {
  try {
    return readdirSync(toFsPath(directory), { encoding: 'latin1' }).toSorted();
  } catch (error) {
    throw fileError(error);
  }
}

function lookAt(path: ByteName): BigIntStats | undefined {
  try {
    return lstatSync(toFsPath(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw fileError(error);
  }
}
