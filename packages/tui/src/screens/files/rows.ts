import { compareBytes, timestampToMs } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { Entry, EntryName } from '@coffer/client';
import { count } from '../../terminal/format.ts';

/** One row of a list of files. */
export interface Row {
  readonly entry: Entry;
  /** Names from the root to it, where the list shows more than one folder. */
  readonly path?: readonly EntryName[];
  /** For what was removed. */
  readonly removedAtMs?: number;
  readonly removedSeq?: number;
}

export const sortOrders = ['name', 'size', 'time', 'kind'] as const;

export interface Sorting {
  readonly by: (typeof sortOrders)[number];
  readonly isReversed: boolean;
}

export const byName: Sorting = { by: 'name', isReversed: false };

/** Folders first, then the order that was asked for. Rows come in by name, and stay so where the order says nothing else. */
export function sortRows(rows: readonly Row[], { by, isReversed }: Sorting): readonly Row[] {
  const folders: Row[] = [];
  const others: Row[] = [];
  for (const row of rows) (row.entry.kind === 'directory' ? folders : others).push(row);
  const compare = comparisons[by];
  for (const part of [folders, others]) {
    if (compare !== undefined) part.sort(compare);
    if (isReversed) part.reverse();
  }
  return folders.length === 0 ? others : [...folders, ...others];
}

const comparisons: Readonly<Record<Sorting['by'], ((a: Row, b: Row) => number) | undefined>> = {
  name: undefined,
  size: (a, b) => b.entry.size - a.entry.size,
  time: (a, b) => timestampToMs(b.entry.mtime) - timestampToMs(a.entry.mtime),
  kind: (a, b) => compareText(extensionOf(a.entry.name), extensionOf(b.entry.name)),
};

/** Lower case, without the dot; empty for none. */
export function extensionOf(name: EntryName): string {
  const text = displayName(name);
  const dot = text.lastIndexOf('.');
  return dot > 0 ? text.slice(dot + 1).toLowerCase() : '';
}

export function isHidden({ entry: { name } }: Row): boolean {
  return typeof name === 'string' ? name.startsWith('.') : name[0] === 0x2e;
}

/** Whether two rows are about one entry. */
export function isSameEntry(a: Row, b: Row): boolean {
  return compareBytes(a.entry.entry, b.entry.entry) === 0;
}

/** `q1.pdf`, or `3 entries`. */
export function whatOf(rows: readonly Row[]): string {
  const [only] = rows;
  return rows.length === 1 && only !== undefined
    ? displayName(only.entry.name)
    : count(rows.length, 'entry', 'entries');
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
