import type { EntryId } from '@coffer/core';
import type { EntryName } from '@coffer/journal';
import type { CommitBatch, Placement } from './commit-batch.ts';
import type { Entry } from './entry.ts';
import type { TreeReader } from './tree-reader.ts';

export interface CopyEntry {
  readonly tree: TreeReader;
  readonly batch: CommitBatch;
  readonly source: Entry;
  readonly to: Placement;
}

/**
 * Copies an entry with all below within a vault, in the caller's batch, which the caller commits. Copies refer to the same
 * content: nothing is sent but the commit. The list below a folder is read before it is written, so that a copy into itself
 * ends. @returns the copy, and how many entries were made @throws what the batch throws
 */
export async function copyEntry(
  { tree, batch, source, to }: CopyEntry,
  signal?: AbortSignal,
): Promise<{ readonly entry: EntryId; readonly copied: number }> {
  const made = new Map<string, EntryId>();
  const walked = [...tree.walk(source.entry)];
  for (const { path, entry } of walked) {
    const parent = path.length === 0 ? to.parent : made.get(keyOf(path.slice(0, -1)));
    if (parent === undefined) throw new TypeError('a walk shows parents before children');
    const place = path.length === 0 ? to : { parent, name: entry.name };
    made.set(keyOf(path), await copyOne({ batch, entry, place }, signal));
  }
  const entry = made.get(keyOf([]));
  if (entry === undefined) throw new TypeError('what is not reachable is copied');
  return { entry, copied: walked.length };
}

function keyOf(names: readonly EntryName[]): string {
  return JSON.stringify(names.map((name) => (name instanceof Uint8Array ? [...name] : name)));
}

function copyOne(
  { batch, entry, place }: { readonly batch: CommitBatch; readonly entry: Entry; readonly place: Placement },
  signal?: AbortSignal,
): Promise<EntryId> {
  const { mtime, mode, target } = entry;
  if (entry.kind === 'directory') return batch.makeDirectory({ ...place, mtime, mode }, signal);
  if (entry.kind === 'symlink' && target !== undefined)
    return batch.putSymlink({ ...place, mtime, mode, target }, signal);
  return batch.copyFile(entry, place, signal);
}
