import type { EntryId } from '@coffer/core';
import type { TreeReader } from '@coffer/client';

/** The vault when it last had an entry: as it is, or right before the commit that removed it. */
export function treeWith(tree: TreeReader, entry: EntryId): TreeReader {
  if (tree.get(entry) !== undefined) return tree;
  const removedSeq = tree.removedSeq(entry);
  return removedSeq === undefined ? tree : tree.atSeq(removedSeq - 1);
}
