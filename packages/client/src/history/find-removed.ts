import { equalBytes } from '@coffer/core';
import type { EntryName } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import type { TreeReader } from '../tree-reader.ts';
import { displayName, splitPath } from '../vault-path.ts';

/** An entry that was at a path and is not reachable any more. */
export interface RemovedEntry {
  /** As it was last. */
  readonly entry: Entry;
  /** The vault right before it went. */
  readonly before: TreeReader;
  readonly removedSeq: number;
  readonly removedAtMs: number;
}

/** What was removed last at a path, by itself or with a directory above it; undefined when nothing was. @throws INVALID when the path cannot name anything */
export function findRemoved(tree: TreeReader, path: string): RemovedEntry | undefined {
  const names = splitPath(path);
  if (names.length === 0) return undefined;
  for (const gone of tree.deleted()) {
    const isAbove = gone.path.length <= names.length && gone.path.every((name, index) => isNamed(name, names[index]));
    if (!isAbove) continue;
    const before = tree.atSeq(gone.removedSeq - 1);
    const entry = before.lookup([...gone.path, ...names.slice(gone.path.length)]) ?? before.lookup(path);
    // What was taken out of a removed directory since is where it was put.
    if (entry === undefined || tree.get(entry.entry) !== undefined) continue;
    if (gone.path.length === names.length && !equalBytes(entry.entry, gone.entry)) continue;
    return { entry, before, removedSeq: gone.removedSeq, removedAtMs: gone.removedAtMs };
  }
  return undefined;
}

/** A name that is not text is typed as it is shown. */
function isNamed(name: EntryName, typed: string | undefined): boolean {
  return name === typed || (typeof name !== 'string' && displayName(name) === typed);
}
