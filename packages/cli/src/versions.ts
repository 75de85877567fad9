import { CofferError } from '@coffer/core';
import type { Entry, TreeReader, Version } from '@coffer/client';

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
