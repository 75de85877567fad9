import type { Entry, KeptVersion, TreeReader } from '@coffer/client';
import type { EntryName } from '@coffer/client';
import { listStart } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';

/** Moments at which the vault changed, oldest first; the slider stops at them. */
export interface Moment {
  readonly seq: number;
  readonly atMs: number;
}

/** What the History screen shows: the versions of a file, or a folder as it was at a moment. Immutable. */
export type HistoryState = {
  readonly list: ListState;
} & (
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'versions';
      readonly entry: Entry;
      readonly names: readonly EntryName[];
      readonly versions: readonly KeptVersion[];
    }
  | {
      readonly kind: 'folder';
      readonly names: readonly EntryName[];
      readonly moments: readonly Moment[];
      /** Index of the moment that is shown. */
      readonly at: number;
      readonly rows: readonly HistoryRow[];
    }
);

/** An entry of a folder as it was, and what became of it. */
export interface HistoryRow {
  readonly entry: Entry;
  readonly now: 'same' | 'changed' | 'moved' | 'gone';
}

export const noHistory: HistoryState = { kind: 'nothing', list: listStart };

/** The folder at a moment, each entry compared with what it is now; nothing where the folder was not there yet. */
export function rowsAt(
  { was, now }: { readonly was: TreeReader; readonly now: TreeReader },
  names: readonly EntryName[],
): readonly HistoryRow[] {
  const folder = was.lookup(names);
  if (folder?.kind !== 'directory') return [];
  return was.children(folder.entry).map((entry) => ({ entry, now: fateOf(entry, now.get(entry.entry)) }));
}

function fateOf(was: Entry, now: Entry | undefined): HistoryRow['now'] {
  if (now === undefined) return 'gone';
  if (now.seq !== was.seq && was.kind === 'file') return 'changed';
  return Buffer.compare(now.parent, was.parent) === 0 && String(now.name) === String(was.name) ? 'same' : 'moved';
}

/** Moments at which a folder or something in it changed, told apart by looking at each position. */
export function momentsOf(tree: TreeReader): readonly Moment[] {
  const moments: Moment[] = [];
  for (let seq = Math.max(1, tree.seq - maxMoments); seq <= tree.seq; seq += 1) {
    const atMs = tree.timeOf(seq);
    if (atMs !== undefined) moments.push({ seq, atMs });
  }
  return moments;
}

/** Commits that the slider reaches back; `:` goes to any time. */
const maxMoments = 5000;
