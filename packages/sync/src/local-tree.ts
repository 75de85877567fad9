import type { LinkTarget } from '@coffer/client';
import type { CofferError } from '@coffer/core';
import type { ByteName } from './byte-name.ts';
import type { Stamp } from './stamp.ts';

/** `special` are FIFOs, sockets and devices; `foreign` is a directory on another filesystem than the root. */
export type LocalKind = 'file' | 'directory' | 'symlink' | 'special' | 'foreign';

/** One name in a local directory. A directory's stamp has no size and no ctime: they change with its children. */
export interface LocalNode {
  readonly name: ByteName;
  readonly kind: LocalKind;
  readonly stamp: Stamp;
}

export interface LocalListing {
  /** Ordered by the bytes of their names. */
  readonly nodes: readonly LocalNode[];
  /** Names that are there but could not be looked at. */
  readonly problems: readonly { readonly name: ByteName; readonly error: CofferError }[];
}

/** A folder as the planner sees it: names and stamps, never content. Paths are below its root, whose own path is empty. */
export interface LocalTree {
  /** The root itself; undefined when nothing is there. @throws NOT_ALLOWED, IO */
  root(): LocalNode | undefined;
  /** @throws NOT_FOUND when the directory has gone meanwhile; NOT_ALLOWED, IO when it cannot be read */
  list(path: ByteName): LocalListing;
  /** Text of a symlink. @throws NOT_FOUND, NOT_ALLOWED, IO */
  target(path: ByteName): LinkTarget;
}
