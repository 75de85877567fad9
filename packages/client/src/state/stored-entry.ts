import { rootEntry } from '@coffer/core';
import type { DeviceId, EntryId, Hash, Timestamp } from '@coffer/core';
import type { Content, EntryKind, EntryName, LinkTarget } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import { kindNames, rootRow } from './schema.ts';
import { decodeContent } from './stored-content.ts';

/** One row as the tree queries select it. */
export interface EntryRow {
  readonly row: number;
  readonly entry: Uint8Array;
  readonly parent_row: number;
  readonly parent: Uint8Array;
  readonly name: EntryName;
  readonly kind: number;
  readonly mtime_s: number;
  readonly mtime_ns: number;
  readonly mode: number;
  readonly version_row: number;
  readonly number: number;
  readonly seq: number;
  readonly size: number;
  readonly content: Uint8Array;
  readonly hash: Uint8Array | null;
  readonly target: LinkTarget | null;
  readonly received_ms: number | null;
  readonly device: Uint8Array | null;
}

/** An {@link Entry} that decodes its content only when asked: a listing of 100,000 entries never does. */
export class StoredEntry implements Entry {
  readonly row: number;
  readonly parentRow: number;
  readonly versionRow: number;
  readonly entry: EntryId;
  readonly parent: EntryId;
  readonly name: EntryName;
  readonly kind: EntryKind;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  readonly contentHash: Hash | undefined;
  readonly target: LinkTarget | undefined;
  readonly version: number;
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly device: DeviceId | undefined;
  readonly #content: Uint8Array;

  constructor(row: EntryRow) {
    this.row = row.row;
    this.parentRow = row.parent_row;
    this.versionRow = row.version_row;
    this.entry = row.entry;
    this.parent = row.parent;
    this.name = row.name;
    this.kind = kindNames[row.kind as 0 | 1 | 2 | 3];
    this.size = row.size;
    this.mtime = [row.mtime_s, row.mtime_ns];
    this.mode = row.mode;
    this.contentHash = row.hash ?? undefined;
    this.target = row.target ?? undefined;
    this.version = row.number;
    this.seq = row.seq;
    this.receivedAtMs = row.received_ms ?? 0;
    this.device = row.device ?? undefined;
    this.#content = row.content;
  }

  static root(): StoredEntry {
    return new StoredEntry(rootRowValues);
  }

  get content(): Content {
    return decodeContent(this.#content);
  }
}

const rootRowValues: EntryRow = {
  row: rootRow,
  entry: rootEntry,
  parent_row: rootRow,
  parent: rootEntry,
  name: '',
  kind: kindNames.indexOf('directory'),
  mtime_s: 0,
  mtime_ns: 0,
  mode: 0o755,
  version_row: 0,
  number: 1,
  seq: 1,
  size: 0,
  content: new Uint8Array(0),
  hash: null,
  target: null,
  received_ms: null,
  device: null,
};
