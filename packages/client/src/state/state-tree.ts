import type { DatabaseSync } from 'node:sqlite';
import { rootEntry } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { nameToBytes } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { DeletedEntry, Entry, Version, WalkedEntry } from '../entry.ts';
import type { Listing, TreeReader, VaultPath } from '../tree-reader.ts';
import { splitPath } from '../vault-path.ts';
import { nameMatcher } from './name-matcher.ts';
import { kindNumbers, rootRow } from './schema.ts';
import { StoredEntry } from './stored-entry.ts';
import { prepareTreeQueries } from './tree-queries.ts';
import type { TreeQueries } from './tree-queries.ts';

/** No row has this number. */
const nowhere = -1;

/** Deeper nesting exists only in a damaged database. */
const maxDepth = 4096;

/** {@link TreeReader} over the folded tables: the head, or any position before it. */
export class StateTree implements TreeReader {
  readonly #db: DatabaseSync;
  readonly #sql: TreeQueries;
  readonly #position: number | undefined;

  private constructor(db: DatabaseSync, position: number | undefined) {
    this.#db = db;
    this.#sql = prepareTreeQueries(db, position);
    this.#position = position;
  }

  /** Follows the head as it moves. The database stays the caller's. */
  static atHead(db: DatabaseSync): StateTree {
    return new StateTree(db, undefined);
  }

  get seq(): number {
    return this.#position ?? this.#sql.headSeq();
  }

  root(): Entry {
    return StoredEntry.root();
  }

  lookup(path: VaultPath): Entry | undefined {
    let at: StoredEntry = StoredEntry.root();
    for (const name of typeof path === 'string' ? splitPath(path) : path) {
      const next = this.#named(at.row, name, typeof path === 'string');
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  get(entry: EntryId): Entry | undefined {
    if (isRoot(entry)) return StoredEntry.root();
    const found = this.#sql.byEntry(entry);
    return found !== undefined && this.#names(found) !== undefined ? found : undefined;
  }

  child(parent: EntryId, name: EntryName): Entry | undefined {
    const row = this.#row(parent);
    return row === undefined ? undefined : this.#sql.child(row, name);
  }

  children(parent: EntryId): readonly Entry[] {
    const row = this.#row(parent);
    return row === undefined ? [] : this.#sql.children(row);
  }

  *eachChild(parent: EntryId): Generator<Entry> {
    const row = this.#row(parent);
    if (row !== undefined) yield* this.#sql.eachChild(row);
  }

  listing(parent: EntryId): Listing {
    return this.#sql.listing(this.#row(parent) ?? nowhere);
  }

  *walk(from: EntryId): Generator<WalkedEntry> {
    const start = this.#stored(from);
    if (start !== undefined) yield* this.#below(start, []);
  }

  path(entry: EntryId): readonly EntryName[] | undefined {
    const found = this.#stored(entry);
    return found === undefined ? undefined : this.#names(found);
  }

  /** Every mount that is reachable. */
  mounts(): readonly Entry[] {
    return this.#sql.mounts().filter((mount) => this.#names(mount) !== undefined);
  }

  versions(entry: EntryId): readonly Version[] {
    const current = this.get(entry) as StoredEntry | undefined;
    return this.#sql.versions(entry, current?.versionRow);
  }

  at(timeMs: number): TreeReader {
    return new StateTree(this.#db, Math.min(this.seq, this.#sql.seqAt(timeMs)));
  }

  atSeq(seq: number): TreeReader {
    return new StateTree(this.#db, Math.min(this.seq, seq));
  }

  *changedDirectories(afterSeq: number): Generator<readonly EntryName[]> {
    for (const row of this.#sql.changedBelow(afterSeq)) {
      const now = this.#namesNow(row);
      const then = this.#sql.namesAt(row, afterSeq);
      if (now !== undefined) yield now;
      if (then !== undefined && !sameNames(now, then)) yield then;
    }
  }

  removedSeq(entry: EntryId): number | undefined {
    const row = isRoot(entry) || this.get(entry) !== undefined ? undefined : this.#sql.rowOf(entry);
    for (let at = row, depth = 0; at !== undefined && at !== rootRow && depth <= maxDepth; depth += 1) {
      const last = this.#sql.lastPlace(at);
      if (last === undefined) return undefined;
      // A mount hides what was below the directory that it replaced.
      if (depth > 0 && last.kind !== kindNumbers.directory) return last.fromSeq;
      if (last.toSeq !== undefined) return last.toSeq;
      at = last.parent;
    }
    return undefined;
  }

  timeOf(seq: number): number | undefined {
    return this.#sql.timeOf(seq);
  }

  hidden(directory: EntryId): readonly Entry[] {
    const row = isRoot(directory) || this.get(directory) !== undefined ? undefined : this.#sql.rowOf(directory);
    return row === undefined ? [] : this.#sql.children(row);
  }

  deleted(): readonly DeletedEntry[] {
    return this.#sql.deleted();
  }

  *find(query: string): Generator<WalkedEntry> {
    const matches = nameMatcher(query);
    for (const walked of this.walk(rootEntry)) {
      const name = walked.path.at(-1);
      if (name !== undefined && matches(name)) yield walked;
    }
  }

  *#below(start: StoredEntry, path: readonly EntryName[]): Generator<WalkedEntry> {
    yield { path, entry: start };
    if (start.kind !== 'directory' || path.length > maxDepth) return;
    for (const child of this.#sql.children(start.row)) yield* this.#below(child, [...path, child.name]);
  }

  /** A name typed as text may mean one whose bytes are not text, shown escaped. */
  #named(parent: number, name: EntryName, mayBeEscaped: boolean): StoredEntry | undefined {
    return (
      this.#sql.child(parent, name) ??
      (mayBeEscaped && typeof name === 'string' ? this.#sql.escapedChild(parent, name) : undefined)
    );
  }

  #stored(entry: EntryId): StoredEntry | undefined {
    return isRoot(entry) ? StoredEntry.root() : this.#sql.byEntry(entry);
  }

  #namesNow(row: number): readonly EntryName[] | undefined {
    if (row === rootRow) return [];
    const found = this.#sql.byRow(row);
    return found === undefined ? undefined : this.#names(found);
  }

  #row(entry: EntryId): number | undefined {
    return isRoot(entry) ? rootRow : this.#sql.byEntry(entry)?.row;
  }

  #names(entry: StoredEntry): readonly EntryName[] | undefined {
    const names: EntryName[] = [];
    for (let at = entry; at.row !== rootRow;) {
      names.push(at.name);
      if (at.parentRow === rootRow) break;
      const above = this.#sql.byRow(at.parentRow);
      if (above === undefined || above.kind !== 'directory' || names.length > maxDepth) return undefined;
      at = above;
    }
    return names.toReversed();
  }
}

function sameNames(a: readonly EntryName[] | undefined, b: readonly EntryName[]): boolean {
  return a !== undefined && a.length === b.length && a.every((name, index) => sameName(name, b[index]));
}

function sameName(a: EntryName, b: EntryName | undefined): boolean {
  return b !== undefined && Buffer.compare(nameToBytes(a), nameToBytes(b)) === 0;
}

function isRoot(entry: EntryId): boolean {
  return Buffer.compare(entry, rootEntry) === 0;
}
