import type { DatabaseSync } from 'node:sqlite';
import { compareBytes } from '@coffer/core';
import { nameToBytes } from '@coffer/journal';
import type { EntryKind, EntryName } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import type { Listing } from '../tree-reader.ts';
import { kindNames } from './schema.ts';

type ListingRow = readonly [
  row: number,
  name: EntryName,
  kind: 0 | 1 | 2 | 3,
  size: number,
  seconds: number,
  ns: number,
];

/** Reads listings of folders; `live` picks the intervals of a position. */
export function prepareListings(db: DatabaseSync, live: string, byRow: (row: number) => Entry | undefined) {
  const rows = db.prepare(`SELECT i.entry, i.name, i.kind, v.size, i.mtime_s, i.mtime_ns FROM intervals i
    JOIN versions v ON v.id = i.version WHERE i.parent = ? AND ${live} ORDER BY i.name`);
  rows.setReturnArrays(true);
  return (parent: number): Listing => {
    const listing = new FolderListing(byRow);
    for (const row of rows.iterate(parent)) listing.add(row as unknown as ListingRow);
    return listing.inByteOrder();
  };
}

/** Columns instead of objects: an entry takes some forty bytes, its name counted. */
class FolderListing implements Listing {
  readonly #byRow: (row: number) => Entry | undefined;
  readonly #rows: number[] = [];
  readonly #names: EntryName[] = [];
  readonly #kinds: number[] = [];
  readonly #sizes: number[] = [];
  readonly #times: number[] = [];
  #hasByteNames = false;

  constructor(byRow: (row: number) => Entry | undefined) {
    this.#byRow = byRow;
  }

  get length(): number {
    return this.#rows.length;
  }

  add([row, name, kind, size, seconds, ns]: ListingRow): void {
    this.#rows.push(row);
    this.#names.push(name);
    this.#kinds.push(kind);
    this.#sizes.push(size);
    this.#times.push(seconds * 1000 + ns / 1e6);
    this.#hasByteNames ||= typeof name !== 'string';
  }

  /** SQLite puts text before bytes; both are ordered within themselves, so only a mixture needs sorting. */
  inByteOrder(): Listing {
    if (!this.#hasByteNames) return this;
    const order = this.#names
      .map((name, index) => ({ index, bytes: nameToBytes(name) }))
      .toSorted((a, b) => compareBytes(a.bytes, b.bytes));
    const sorted = new FolderListing(this.#byRow);
    for (const { index } of order) {
      const at = <Value>(column: readonly Value[]): Value => column[index] as Value;
      const kind = at(this.#kinds) as 0 | 1 | 2 | 3;
      sorted.add([at(this.#rows), at(this.#names), kind, at(this.#sizes), at(this.#times) / 1000, 0]);
    }
    return sorted;
  }

  key(index: number): number {
    return this.#at(this.#rows, index);
  }

  name(index: number): EntryName {
    return this.#at(this.#names, index);
  }

  kind(index: number): EntryKind {
    return kindNames[this.#at(this.#kinds, index) as 0 | 1 | 2 | 3];
  }

  size(index: number): number {
    return this.#at(this.#sizes, index);
  }

  mtimeMs(index: number): number {
    return this.#at(this.#times, index);
  }

  entry(index: number): Entry | undefined {
    return this.#byRow(this.#at(this.#rows, index));
  }

  #at<Value>(column: readonly Value[], index: number): Value {
    const value = column[index];
    if (value === undefined) throw new RangeError(`${index} is not in a listing of ${this.length}`);
    return value;
  }
}
