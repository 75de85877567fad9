import type { DatabaseSync } from 'node:sqlite';
import { idKey, rootEntry } from '@coffer/core';
import type { EntryId, IdKey, Timestamp } from '@coffer/core';
import { encodeContent, hashContent } from './stored-content.ts';
import type { AttrOperation, EntryName, MoveOperation, Operation, PutOperation, VaultKind } from '@coffer/journal';
import { kindNumbers, rootRow } from './schema.ts';
import { prepareTreeStatements } from './tree-statements.ts';
import type { LiveRow, TreeStatements } from './tree-statements.ts';

/** Why an operation counts for nothing. The same on every client, since it follows from the journal alone. */
export type SkipReason =
  | 'unknown entry'
  | 'not reachable'
  | 'no such parent'
  | 'name taken'
  | 'would be inside itself'
  | 'kind changed'
  | 'root'
  | 'beside the shared entry'
  | 'the shared entry'
  | 'nothing to keep';

export interface Skipped {
  readonly entry: EntryId;
  readonly reason: SkipReason;
}

export interface FoldContext {
  readonly keeps: ReadonlyMap<IdKey, number>;
  readonly kind: VaultKind;
  /** True when the owner of the vault made the commit. */
  readonly byOwner: boolean;
}

const maxDepth = 4096;

/** What sharing replaces by a mount. */
const mountable: ReadonlySet<number> = new Set([kindNumbers.directory, kindNumbers.file]);

/**
 * Applies operations to the tables, one commit at a time, inside the caller's transaction. An operation that the rules
 * of JOURNAL §Fold refuse is skipped and told; everything it would have changed stays as it was.
 */
export class TreeWriter {
  readonly #sql: TreeStatements;
  #seq = 0;
  #isShare = false;
  #byOwner = false;
  #keeps: ReadonlyMap<IdKey, number> = new Map();
  /** Whether a directory is reachable from the root, by row; forgotten when a directory moves or goes. */
  readonly #reachable = new Map<number, boolean>();
  /** Directory rows of this commit by entry id, so that a thousand files of one folder ask once. */
  readonly #parents = new Map<IdKey, number | undefined>();

  constructor(db: DatabaseSync) {
    this.#sql = prepareTreeStatements(db);
  }

  /** Call also after a rollback: what is remembered of the tables is forgotten. `keeps`: the commit's keep refs, entry to seq, which undelete needs. */
  begin(seq: number, { keeps, kind, byOwner }: FoldContext): void {
    this.#seq = seq;
    this.#isShare = kind === 'share';
    this.#byOwner = byOwner;
    this.#keeps = keeps;
    this.forget();
  }

  apply(operation: Operation): readonly Skipped[] {
    switch (operation[0]) {
      case 'put':
        return this.#told(operation[1], this.#put(operation));
      case 'move':
        return this.#told(operation[1], this.#move(operation));
      case 'attr':
        return this.#told(operation[1], this.#attr(operation));
      case 'remove':
        return operation[1].flatMap((entry) => this.#told(entry, this.#remove(entry)));
      case 'init':
        return [];
      default:
        return operation satisfies never;
    }
  }

  /** True when the entry is live and reachable after what was applied so far. */
  isLive(entry: EntryId): boolean {
    return this.liveVersion(entry) !== undefined;
  }

  /** Kind of a reachable entry and the commit that put its current version. */
  liveVersion(entry: EntryId): { readonly kind: number; readonly seq: number } | undefined {
    const known = this.#sql.liveByEntry(entry);
    if (known === undefined || known.interval === null || !this.#isReachable(known.id)) return undefined;
    return { kind: known.kind, seq: this.#sql.versionSeq(known.version) };
  }

  #told(entry: EntryId, reason: SkipReason | undefined): readonly Skipped[] {
    return reason === undefined ? [] : [{ entry, reason }];
  }

  #put(operation: PutOperation): SkipReason | undefined {
    const [, entry, parentEntry, name, kind] = operation;
    if (isRoot(entry)) return 'root';
    const kindNumber = kindNumbers[kind];
    const known = this.#sql.liveByEntry(entry);
    if (known === undefined) return this.#putNew(operation);
    const last = this.#last(known);
    if (last.kind !== kindNumber && !(kind === 'mount' && mountable.has(last.kind))) return 'kind changed';
    const place = this.#place({ entry: known.id, kind: last.kind, parentEntry, name });
    if (typeof place === 'string') return place;
    const isContent = kind !== 'directory';
    const version = isContent
      ? this.#newVersion(operation, known.id, this.#sql.versionNumber(last.version) + 1)
      : last.version;
    this.#expectBack(known, last);
    this.#replace(known, {
      parent: place.parent,
      name,
      kind: kindNumber,
      version,
      mtime: operation[6],
      mode: operation[7],
    });
    if (last.kind === kindNumbers.directory && kind === 'mount') this.#hideBelow(known.id, 'moved');
    return undefined;
  }

  #putNew(operation: PutOperation): SkipReason | undefined {
    const [, entry, parentEntry, name, kind, , mtime, mode] = operation;
    const place = this.#place({ entry: undefined, kind: kindNumbers[kind], parentEntry, name });
    if (typeof place === 'string') return place;
    const id = this.#sql.insertEntry(entry);
    const version = this.#newVersion(operation, id, 1);
    this.#open(id, { parent: place.parent, name, kind: kindNumbers[kind], version, mtime, mode });
    if (kind === 'directory') this.#parents.delete(idKey(entry));
    return undefined;
  }

  #move([, entry, parentEntry, name]: MoveOperation): SkipReason | undefined {
    if (isRoot(entry)) return 'root';
    const known = this.#sql.liveByEntry(entry);
    if (known === undefined) return 'unknown entry';
    const last = this.#last(known);
    const isBack = known.interval === null || !this.#isReachable(known.id);
    const version = isBack ? this.#keptVersion(entry, known.id, last) : last.version;
    if (version === undefined) return 'nothing to keep';
    const place = this.#place({ entry: known.id, kind: last.kind, parentEntry, name });
    if (typeof place === 'string') return place;
    const { mtime_s, mtime_ns, mode } = last;
    this.#expectBack(known, last);
    this.#replace(known, { parent: place.parent, name, kind: last.kind, version, mtime: [mtime_s, mtime_ns], mode });
    return undefined;
  }

  #attr([, entry, mtime, mode]: AttrOperation): SkipReason | undefined {
    if (isRoot(entry)) return 'root';
    const known = this.#sql.liveByEntry(entry);
    if (known === undefined) return 'unknown entry';
    if (known.interval === null || !this.#isReachable(known.id)) return 'not reachable';
    this.#replace(known, { ...known, mtime, mode }, true);
    return undefined;
  }

  #remove(entry: EntryId): SkipReason | undefined {
    if (isRoot(entry)) return 'root';
    const known = this.#sql.liveByEntry(entry);
    if (known === undefined) return 'unknown entry';
    if (known.interval === null || !this.#isReachable(known.id)) return 'not reachable';
    if (this.#isShare && !this.#byOwner && this.#sql.shared() === known.id) return 'the shared entry';
    this.#end(known);
    if (known.kind === kindNumbers.directory) this.#hideBelow(known.id, 'removed');
    return undefined;
  }

  /** The server still counts what lies below as current, until somebody's drops say otherwise. */
  #hideBelow(id: number, reason: 'removed' | 'moved'): void {
    this.#sql.doubtBelow(id, reason);
    this.forget();
  }

  /** What lies below a directory that comes back comes back too, and the server was told that it is gone. */
  #expectBack(known: LiveRow, last: LiveRow): void {
    if (last.kind !== kindNumbers.directory) return;
    if (known.interval === null || !this.#isReachable(known.id)) this.#sql.doubtReturned(known.id);
  }

  /** Where the entry is, or was last. */
  #last(known: LiveRow): LiveRow {
    const last = known.interval === null ? this.#sql.lastInterval(known.id) : known;
    if (last === undefined) throw new TypeError('an entry was never anywhere');
    return last;
  }

  /** Files come back with the version that their `keep` names; directories hold nothing that the server counts. */
  #keptVersion(entry: EntryId, id: number, last: LiveRow): number | undefined {
    if (last.kind !== kindNumbers.file) return last.version;
    const seq = this.#keeps.get(idKey(entry));
    return seq === undefined ? undefined : this.#sql.versionOfSeq(id, seq);
  }

  #place(wanted: {
    entry: number | undefined;
    kind: number;
    parentEntry: EntryId;
    name: EntryName;
  }): { parent: number } | SkipReason {
    const { entry, kind, name } = wanted;
    const parent = this.#directory(wanted.parentEntry);
    if (parent === undefined) return 'no such parent';
    const misplaced = this.#isShare ? this.#misplaced(entry, parent) : undefined;
    if (misplaced !== undefined) return misplaced;
    if (entry !== undefined && kind === kindNumbers.directory && this.#isInside(parent, entry))
      return 'would be inside itself';
    const holder = this.#sql.liveChild(parent, name);
    return holder === undefined || holder === entry ? { parent } : 'name taken';
  }

  /** The root of a share holds one entry, the same one for ever: no member can hide it from the others, or show two. */
  #misplaced(entry: number | undefined, parent: number): SkipReason | undefined {
    const shared = this.#sql.shared();
    if (parent === rootRow) return shared === undefined || shared === entry ? undefined : 'beside the shared entry';
    return shared !== undefined && shared === entry ? 'the shared entry' : undefined;
  }

  /** Row of a reachable directory. */
  #directory(entry: EntryId): number | undefined {
    if (isRoot(entry)) return rootRow;
    const key = idKey(entry);
    if (this.#parents.has(key)) return this.#parents.get(key);
    const known = this.#sql.liveByEntry(entry);
    const isThere = known?.interval !== null && known?.kind === kindNumbers.directory && this.#isReachable(known.id);
    const row = isThere ? known.id : undefined;
    this.#parents.set(key, row);
    return row;
  }

  #isReachable(id: number): boolean {
    const seen: number[] = [];
    let at = id;
    let answer: boolean | undefined = at === rootRow ? true : this.#reachable.get(at);
    while (answer === undefined) {
      seen.push(at);
      const parent = this.#sql.directoryAbove(at);
      // Cycles cannot arise; the bound turns a damaged database into an answer instead of a hang.
      if (parent === undefined || seen.length > maxDepth) answer = false;
      else if (parent === rootRow) answer = true;
      else {
        at = parent;
        answer = this.#reachable.get(at);
      }
    }
    for (const row of seen) this.#reachable.set(row, answer);
    return answer;
  }

  #isInside(id: number, ancestor: number): boolean {
    for (
      let at: number | undefined = id, depth = 0;
      at !== undefined && at !== rootRow && depth <= maxDepth;
      depth += 1
    ) {
      if (at === ancestor) return true;
      at = this.#sql.directoryAbove(at);
    }
    return false;
  }

  #newVersion(operation: PutOperation, id: number, number: number): number {
    const [, , , , kind, size, , , content, target] = operation;
    return this.#sql.insertVersion({
      entry: id,
      number,
      seq: this.#seq,
      size,
      content: encodeContent(content),
      hash: kind === 'file' ? hashContent(content) : null,
      target: target ?? null,
    });
  }

  #replace(row: LiveRow, next: IntervalFields, onlyAttributes = false): void {
    this.#reachable.delete(row.id);
    const isSamePlace = onlyAttributes || row.kind === kindNumbers.file || row.kind === kindNumbers.symlink;
    if (!isSamePlace) this.forget();
    this.#close(row);
    this.#open(row.id, next);
    if (!isSamePlace) this.forget();
    // A file that moved out of a removed directory is reachable again, or the other way round.
    this.#reachable.delete(row.id);
  }

  #open(id: number, fields: IntervalFields): void {
    this.#sql.insertInterval({ entry: id, fromSeq: this.#seq, ...fields });
  }

  /** Followed by another interval: what began in this very commit was never seen from outside. */
  #close(row: LiveRow): void {
    if (row.interval !== null && row.from_seq === this.#seq) this.#sql.deleteInterval(row.interval);
    else this.#end(row);
  }

  /** What came and went within one commit leaves an interval of no length: nobody saw it, but its kind is taken. */
  #end(row: LiveRow): void {
    this.#reachable.delete(row.id);
    if (row.interval !== null) this.#sql.endInterval(row.interval, this.#seq);
  }

  /** To be called when the tables went back to an earlier state, or another process may have changed them. */
  forget(): void {
    this.#reachable.clear();
    this.#parents.clear();
  }
}

interface IntervalFields {
  readonly parent: number;
  readonly name: EntryName;
  readonly kind: number;
  readonly version: number;
  readonly mtime: Timestamp;
  readonly mode: number;
}

function isRoot(entry: EntryId): boolean {
  return Buffer.compare(entry, rootEntry) === 0;
}
