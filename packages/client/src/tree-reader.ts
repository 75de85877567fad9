import type { EntryId } from '@coffer/core';
import type { EntryKind, EntryName } from '@coffer/journal';
import type { DeletedEntry, Entry, Version, WalkedEntry } from './entry.ts';

/** A path: `/photos/2026`, or its names where one of them is not text. The root is `/` or no names. */
export type VaultPath = string | readonly EntryName[];

/** What lies in a folder, ordered by the bytes of names. */
export interface Listing {
  readonly length: number;
  /** Stays with the entry from one listing to the next, on this device. */
  key(index: number): number;
  name(index: number): EntryName;
  kind(index: number): EntryKind;
  /** Plain bytes. */
  size(index: number): number;
  mtimeMs(index: number): number;
  /** As it is now; undefined when it went. */
  entry(index: number): Entry | undefined;
}

/** The tree of one vault at one position; synchronous, local, never asks the server (JOURNAL §Fold). */
export interface TreeReader {
  /** Position shown; 0 before the first commit at a past moment. */
  readonly seq: number;
  root(): Entry;
  /** @throws INVALID when the path cannot name anything */
  lookup(path: VaultPath): Entry | undefined;
  /** The entry when it is live and reachable. */
  get(entry: EntryId): Entry | undefined;
  child(parent: EntryId, name: EntryName): Entry | undefined;
  /** Live entries directly below, ordered by the bytes of their names. */
  children(parent: EntryId): readonly Entry[];
  /** {@link children} read a page at a time, for what is written out as it comes. What changes meanwhile is there or not. */
  eachChild(parent: EntryId): Iterable<Entry>;
  /** The same as {@link children} in little memory: for lists of 100,000. As it was when it was asked for. */
  listing(parent: EntryId): Listing;
  /** The entry itself, then all below it; parents before children, siblings in the order of {@link children}. */
  walk(from: EntryId): Iterable<WalkedEntry>;
  /** Names from the root; undefined when the entry is not reachable. */
  path(entry: EntryId): readonly EntryName[] | undefined;
  /** All versions known of a file up to this position, newest first. */
  versions(entry: EntryId): readonly Version[];
  /** The same vault as it was when everything received up to `timeMs` was there (the server's receive times). */
  at(timeMs: number): TreeReader;
  /** The same vault as it was right after the commit of that position. */
  atSeq(seq: number): TreeReader;
  /**
   * Directories in which something came, went, was renamed or changed after a position: each as it is called now, and as it was
   * called then, without those that are or were not reachable.
   */
  changedDirectories(afterSeq: number): Iterable<readonly EntryName[]>;
  /** Position of the commit that made the entry unreachable: its own removal, or that of a directory above it. Undefined while it is reachable, and when it is not known. */
  removedSeq(entry: EntryId): number | undefined;
  /** When the server received the commit of a position, milliseconds; undefined when it is not folded. */
  timeOf(seq: number): number | undefined;
  /** What would come back with a directory that is not reachable: entries directly below it that were not removed themselves, ordered as {@link children}. */
  hidden(directory: EntryId): readonly Entry[];
  /** Entries removed and not back, latest removal first; of a removed directory only the directory. */
  deleted(): readonly DeletedEntry[];
  /** Reachable entries whose name contains the query, or matches it when it holds `*` or `?`; letter case is ignored. */
  find(query: string): Iterable<WalkedEntry>;
}
