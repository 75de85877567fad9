import { CofferError } from '@coffer/core';
import { findRemoved } from '@coffer/client';
import type { Entry, TreeReader, Version } from '@coffer/client';
import { findEntry, requireEntry } from './vault-paths.ts';

/** Versions are numbered per file from 1. @throws NOT_FOUND, INVALID when the entry is no file */
export function requireVersion(
  tree: TreeReader,
  { entry, version }: { readonly entry: Entry; readonly version: number },
): Version {
  if (entry.kind !== 'file')
    throw new CofferError('INVALID', 'only files have versions', { hint: 'Use --at for a folder.' });
  const found = tree.versions(entry.entry).find((known) => known.version === version);
  if (found === undefined) {
    throw new CofferError('NOT_FOUND', `there is no version ${version} of this file`, {
      hint: 'See them with `coffer versions`.',
    });
  }
  return found;
}

/** The file that is at a path, or was there last. @throws NOT_FOUND, INVALID when it is no file */
export function fileAt(tree: TreeReader, path: string): Entry {
  const entry = findEntry(tree, path) ?? findRemoved(tree, path)?.entry ?? requireEntry(tree, path);
  if (entry.kind === 'file') return entry;
  throw new CofferError('INVALID', `${path} is not a file`, {
    hint: 'Only files have versions; see a folder with `coffer ls --at`.',
  });
}
