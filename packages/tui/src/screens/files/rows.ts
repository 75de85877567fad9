import { CofferError, timestampToMs } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { Entry, EntryKind, EntryName, Listing } from '@coffer/client';
import { count } from '../../terminal/format.ts';

/** One row of a list of files. What a list needs is at hand; the entry itself may have to be looked up. */
export interface Row {
  /** The same for the same entry as long as the list is of one place. */
  readonly key: string | number;
  readonly name: EntryName;
  readonly kind: EntryKind;
  readonly size: number;
  readonly mtimeMs: number;
  /** @throws NOT_FOUND when it went since the list was made */
  readonly entry: Entry;
  /** Names from the root to it, where the list shows more than one folder. */
  readonly path?: readonly EntryName[];
  /** For what was removed. */
  readonly removedAtMs?: number;
  readonly removedSeq?: number;
}

type RowPlace = Pick<Row, 'path' | 'removedAtMs' | 'removedSeq'>;

/** A row of an entry that is at hand. */
export function entryRow(entry: Entry, { path, removedAtMs, removedSeq }: RowPlace = {}): Row {
  const { name, kind, size, mtime } = entry;
  return {
    key: entry.key,
    name,
    kind,
    size,
    mtimeMs: timestampToMs(mtime),
    entry,
    ...(path !== undefined && { path }),
    ...(removedAtMs !== undefined && { removedAtMs }),
    ...(removedSeq !== undefined && { removedSeq }),
  };
}

/** A row of a listing: two fields, so that 100,000 of them are nothing. */
export class ListedRow implements Row {
  readonly #listing: Listing;
  readonly #index: number;

  constructor(listing: Listing, index: number) {
    this.#listing = listing;
    this.#index = index;
  }

  get key(): number {
    return this.#listing.key(this.#index);
  }

  get name(): EntryName {
    return this.#listing.name(this.#index);
  }

  get kind(): EntryKind {
    return this.#listing.kind(this.#index);
  }

  get size(): number {
    return this.#listing.size(this.#index);
  }

  get mtimeMs(): number {
    return this.#listing.mtimeMs(this.#index);
  }

  get entry(): Entry {
    const entry = this.#listing.entry(this.#index);
    if (entry === undefined) throw new CofferError('NOT_FOUND', `${displayName(this.name)} is not there any more`);
    return entry;
  }
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
  for (const row of rows) (row.kind === 'directory' || row.kind === 'mount' ? folders : others).push(row);
  const compare = comparisons[by];
  for (const part of [folders, others]) {
    if (compare !== undefined) part.sort(compare);
    if (isReversed) part.reverse();
  }
  return folders.length === 0 ? others : [...folders, ...others];
}

const comparisons: Readonly<Record<Sorting['by'], ((a: Row, b: Row) => number) | undefined>> = {
  name: undefined,
  size: (a, b) => b.size - a.size,
  time: (a, b) => b.mtimeMs - a.mtimeMs,
  kind: (a, b) => compareText(extensionOf(a.name), extensionOf(b.name)),
};

/** Lower case, without the dot; empty for none. */
export function extensionOf(name: EntryName): string {
  const text = displayName(name);
  const dot = text.lastIndexOf('.');
  return dot > 0 ? text.slice(dot + 1).toLowerCase() : '';
}

export function isHidden({ name }: Row): boolean {
  return typeof name === 'string' ? name.startsWith('.') : name[0] === 0x2e;
}

/** `q1.pdf`, or `3 entries`. */
export function whatOf(rows: readonly Row[]): string {
  const [only] = rows;
  return rows.length === 1 && only !== undefined ? displayName(only.name) : count(rows.length, 'entry', 'entries');
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
