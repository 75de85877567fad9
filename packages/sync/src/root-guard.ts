import { CofferError } from '@coffer/core';
import type { DiskTree } from './disk-tree.ts';
import type { JobState } from './job-state.ts';

/** What a disk that is not mounted looks like: a missing or empty folder. That must never be taken for a removal (SYNC §Safety). */
export function checkRoot(tree: DiskTree, state: JobState): 'missing' | 'there' {
  const root = tree.root();
  const before = state.hasItems;
  if (root === undefined) {
    if (before) throw stopped('the folder is missing that was synced before');
    return 'missing';
  }
  if (root.kind !== 'directory') throw new CofferError('INVALID', 'the local path is not a directory');
  if (!before) return 'there';
  if (state.facts !== undefined && state.facts.device !== String(tree.device)) {
    throw stopped('the folder is on another filesystem than last time');
  }
  const { nodes, problems } = tree.list('');
  if (nodes.length + problems.length === 0) throw stopped('the folder is empty that was not empty last time');
  return 'there';
}

function stopped(what: string): CofferError {
  return new CofferError('TOO_MANY_DELETIONS', what, {
    hint: 'Is its disk mounted? If this is meant, run it again with --force.',
  });
}
