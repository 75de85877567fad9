import type { EntryId } from '@coffer/core';
import type { VersionAge } from '@coffer/journal';
import type { Version } from '../entry.ts';
import type { StoredHistory } from '../state/stored-history.ts';
import type { TreeReader } from '../tree-reader.ts';

/** A version and what retention asks about it, as the folded journal has it. */
export interface AgedVersion {
  readonly version: Version;
  readonly age: VersionAge;
}

/** Versions of a file at the position of the tree, newest first. Times are the server's receive times. */
export function ageVersions(
  { tree, history }: { readonly tree: TreeReader; readonly history: StoredHistory },
  entry: EntryId,
): readonly AgedVersion[] {
  const ends = history.ends(entry);
  const removedSeq = tree.removedSeq(entry);
  const removedAtMs = removedSeq === undefined ? undefined : tree.timeOf(removedSeq);
  const drop = removedAtMs === undefined ? undefined : { reason: 'removed' as const, atMs: removedAtMs };
  return tree.versions(entry).map((version, newer) => {
    const own = ends.get(version.seq);
    const isOver = own !== undefined && own <= tree.seq;
    const end = version.current ? undefined : isOver ? own : removedSeq;
    return { version, age: { newer, endedAtMs: end === undefined ? undefined : tree.timeOf(end), drop } };
  });
}
