import { CofferError, isCofferError } from '@coffer/core';
import type { BaseNode } from './base.ts';
import type { DiskTree } from './disk-tree.ts';
import type { JobState } from './job-state.ts';

/** `replaced` is another directory that has little of what base knows: not to be taken for the folder with most of it removed. */
export type RootFound = 'missing' | 'there' | 'replaced';

/** What a disk that is not mounted looks like: a missing or empty folder. That must never be taken for a removal (SYNC §Safety). */
export function checkRoot(tree: DiskTree, state: JobState): RootFound {
  const root = tree.root();
  const before = state.hasItems;
  if (root === undefined) {
    if (before) throw stopped('the folder is missing that was synced before');
    return 'missing';
  }
  if (root.kind !== 'directory') throw new CofferError('INVALID', 'the local path is not a directory');
  if (!before) return 'there';
  const seen = rootIdentityIn(state.facts?.device);
  if (seen !== undefined && seen.device !== String(tree.device)) {
    throw stopped('the folder is on another filesystem than last time');
  }
  const names = tree.names('');
  if (names.length === 0) throw stopped('the folder is empty that was not empty last time');
  const isOther = seen?.inode !== undefined && seen.inode !== String(tree.inode);
  return isOther && !hasMostOf(new Set(names), topItems(state)) ? 'replaced' : 'there';
}

/** @throws TOO_MANY_DELETIONS when another directory stands in the place of the folder and something would be removed for it */
export function checkReplaced(found: RootFound, removing: number): void {
  if (found !== 'replaced' || removing === 0) return;
  throw stopped('another folder is in the place of the one that was synced before, and has little of what that had');
}

/** How the folder is recognized again: its filesystem and inode, as {@link checkRoot} reads them. */
export function rootIdentity({ device, inode }: DiskTree): string {
  return `${device}:${inode}`;
}

/** States of before hold the filesystem alone. */
function rootIdentityIn(
  text: string | undefined,
): { readonly device: string; readonly inode: string | undefined } | undefined {
  const [device, inode] = text?.split(':') ?? [];
  return device === undefined ? undefined : { device, inode };
}

function topItems(state: JobState): readonly BaseNode[] {
  const directory = state.root()?.directory;
  return directory === undefined ? [] : state.children(directory);
}

function hasMostOf(names: ReadonlySet<string>, items: readonly BaseNode[]): boolean {
  return items.filter(({ name }) => names.has(name)).length * 2 >= items.length;
}

/** True for what {@link checkRoot} and {@link checkReplaced} refuse, which no count of removals allows. */
export function isRootRefusal(error: unknown): error is CofferError {
  return isCofferError(error, 'TOO_MANY_DELETIONS') && error.details['guard'] === 'folder';
}

function stopped(what: string): CofferError {
  return new CofferError('TOO_MANY_DELETIONS', what, {
    details: { guard: 'folder' },
    hint: 'Is its disk mounted? If this is meant, run it again with --force.',
  });
}
