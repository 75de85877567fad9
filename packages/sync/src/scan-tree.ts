import { timestampFromNs } from '@coffer/core';
import type { CofferError, Timestamp } from '@coffer/core';
import { isCofferError } from '@coffer/core';
import { joinPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { DiskTree } from './disk-tree.ts';
import type { DiskTreeOptions } from './disk-tree.ts';
import { createIgnoreRules } from './ignore-rules.ts';
import { realRoot } from './local-root.ts';
import type { LocalKind, LocalNode } from './local-tree.ts';
import { parseStamp, permissionMask } from './stamp.ts';

export interface ScanOptions extends DiskTreeOptions {
  /** Patterns in the syntax of gitignore. */
  readonly exclude?: readonly string[];
}

/** One name met on a scan; with an error when it could not be looked at. */
export interface ScannedNode {
  /** Below the root, one character per byte; empty for the root itself. */
  readonly path: ByteName;
  readonly kind: LocalKind | undefined;
  readonly size: number;
  readonly mtime: Timestamp;
  /** Permission bits. */
  readonly mode: number;
  readonly error: CofferError | undefined;
}

/** Everything below a folder, parents before children, one directory in memory at a time. @throws NOT_FOUND for the root */
export function* scanTree(root: string | Uint8Array, options: ScanOptions = {}): Iterable<ScannedNode> {
  const tree = new DiskTree(realRoot(root), options);
  const ignore = createIgnoreRules(options.exclude ?? []);
  const waiting: ByteName[] = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const found of listing(tree, path)) {
      if (ignore.ignores(found.path, found.kind === 'directory')) continue;
      yield found;
      if (found.kind === 'directory') waiting.push(found.path);
    }
  }
}

function* listing(tree: DiskTree, path: ByteName): Iterable<ScannedNode> {
  try {
    const { nodes, problems } = tree.list(path);
    for (const { name, error } of problems) yield failed(joinPath(path, name), error);
    for (const node of nodes) yield scanned(joinPath(path, node.name), node);
  } catch (error) {
    if (path === '' || !isCofferError(error)) throw error;
    yield failed(path, error);
  }
}

function scanned(path: ByteName, { kind, stamp }: LocalNode): ScannedNode {
  const { size, mtimeNs, mode } = parseStamp(stamp);
  return { path, kind, size, mtime: timestampFromNs(mtimeNs), mode: mode & permissionMask, error: undefined };
}

function failed(path: ByteName, error: CofferError): ScannedNode {
  return { path, kind: undefined, size: 0, mtime: [0, 0], mode: 0, error };
}
