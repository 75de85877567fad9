import { idFromKey, idKey, rootEntry } from '@coffer/core';
import type { AccountId, DeviceId, EntryId, Hash, IdKey, Timestamp } from '@coffer/core';
import type { Content, EntryKind, EntryName, LinkTarget } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import { kindNames, rootRow } from './schema.ts';
import { decodeContent } from './stored-content.ts';

/** One row of a tree query. Arrays without a byte string, which costs more than all else: a listing of 100,000 entries is made of little else. */
export type EntryRow = readonly [
  row: number,
  key: IdKey,
  parent: number,
  name: EntryName,
  kind: number,
  mtimeSeconds: number,
  mtimeNanoseconds: number,
  mode: number,
  version: number,
  number: number,
  seq: number,
  size: number,
  target: LinkTarget | null,
];

/** The columns of {@link EntryRow}: `i` an interval, `e` its entry, `v` its version. */
export const entryColumns = `i.entry, lower(hex(e.entry)), i.parent, i.name, i.kind, i.mtime_s, i.mtime_ns, i.mode, v.id, v.number, v.seq, v.size, v.target`;

/** What is fetched only when somebody asks. */
export interface EntrySource {
  entryOfRow(row: number): EntryId;
  contentOf(version: number): Uint8Array;
  hashOf(version: number): Hash | undefined;
  commitOf(seq: number): {
    readonly receivedAtMs: number;
    readonly account: AccountId;
    readonly device: DeviceId | undefined;
  };
}

/** An {@link Entry} as the tables have it. Good as long as its account is open. */
export class StoredEntry implements Entry {
  readonly row: number;
  readonly parentRow: number;
  readonly versionRow: number;
  readonly key: IdKey;
  readonly name: EntryName;
  readonly kind: EntryKind;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  readonly target: LinkTarget | undefined;
  readonly version: number;
  readonly seq: number;
  readonly #source: EntrySource;
  #entry: EntryId | undefined;

  constructor(row: EntryRow, source: EntrySource) {
    this.row = row[0];
    this.key = row[1];
    this.parentRow = row[2];
    this.name = row[3];
    this.kind = kindNames[row[4] as 0 | 1 | 2 | 3];
    this.mtime = [row[5], row[6]];
    this.mode = row[7];
    this.versionRow = row[8];
    this.version = row[9];
    this.seq = row[10];
    this.size = row[11];
    this.target = row[12] ?? undefined;
    this.#source = source;
  }

  static root(): StoredEntry {
    const kind = kindNames.indexOf('directory');
    return new StoredEntry([rootRow, idKey(rootEntry), rootRow, '', kind, 0, 0, 0o755, 0, 1, 1, 0, null], nothing);
  }

  get entry(): EntryId {
    return (this.#entry ??= idFromKey(this.key));
  }

  get parent(): EntryId {
    return this.parentRow === rootRow ? rootEntry : this.#source.entryOfRow(this.parentRow);
  }

  get content(): Content {
    return this.kind === 'file' ? decodeContent(this.#source.contentOf(this.versionRow)) : [];
  }

  get contentHash(): Hash | undefined {
    return this.kind === 'file' ? this.#source.hashOf(this.versionRow) : undefined;
  }

  get receivedAtMs(): number {
    return this.#source.commitOf(this.seq).receivedAtMs;
  }

  get author(): AccountId {
    return this.#source.commitOf(this.seq).account;
  }

  get device(): DeviceId | undefined {
    return this.#source.commitOf(this.seq).device;
  }
}

/** The root is in no table. */
const nothing: EntrySource = {
  entryOfRow: () => rootEntry,
  contentOf: () => new Uint8Array(0),
  hashOf: () => undefined,
  commitOf: () => ({ receivedAtMs: 0, account: new Uint8Array(16), device: undefined }),
};
