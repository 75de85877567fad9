import type { Entry, EntryKind, TreeReader } from '@coffer/client';
import { idFromKey, idKey } from '@coffer/core';
import type { EntryId, IdKey, Timestamp } from '@coffer/core';
import { fromEntryName } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';

/**
 * What the vault says of an entry, as one text: kind, entry, seq of its version (0 for what is no file), mtime, mode, size.
 * Equal stamps mean "nobody changed it"; a move leaves the stamp as it is.
 */
export type RemoteStamp = string & { readonly __remoteStamp?: true };

export interface RemoteStampFields {
  readonly kind: EntryKind;
  readonly entry: EntryId;
  readonly seq: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  readonly size: number;
}

/** One name in a directory of the vault. */
export interface RemoteNode {
  readonly name: ByteName;
  readonly kind: EntryKind;
  readonly stamp: RemoteStamp;
}

/** The vault as the planner sees it. */
export interface RemoteTree {
  /** Ordered by the bytes of their names. */
  children(directory: EntryId): readonly RemoteNode[];
  /** Everything about one entry; undefined when it is not there. Costs a walk to the root. */
  get(entry: EntryId): Entry | undefined;
  /** Everything about all entries of a directory: where many are needed, far cheaper than one by one. */
  entries(directory: EntryId): readonly Entry[];
}

/** A {@link TreeReader} for the planner. */
export function createRemoteTree(tree: TreeReader): RemoteTree {
  return {
    children: (directory) => tree.children(directory).map((entry) => remoteNode(entry)),
    get: (entry) => tree.get(entry),
    entries: (directory) => tree.children(directory),
  };
}

export function remoteNode(entry: Entry): RemoteNode {
  return { name: fromEntryName(entry.name), kind: entry.kind, stamp: stampOf(entry.key, entry) };
}

export function makeRemoteStamp(fields: RemoteStampFields): RemoteStamp {
  return stampOf(idKey(fields.entry), fields);
}

function stampOf(key: IdKey, { kind, seq, mtime, mode, size }: Omit<RemoteStampFields, 'entry'>): RemoteStamp {
  return `${kind}:${key}:${kind === 'file' ? seq : 0}:${mtime[0]}:${mtime[1]}:${mode}:${size}`;
}

export function parseRemoteStamp(stamp: RemoteStamp): RemoteStampFields {
  const [kind, entry, seq, seconds, nanoseconds, mode, size] = stamp.split(':');
  if (size === undefined) throw new TypeError('not a stamp of the vault');
  return {
    kind: kind as EntryKind,
    entry: idFromKey<'entry'>(entry ?? ''),
    seq: Number(seq),
    mtime: [Number(seconds), Number(nanoseconds)],
    mode: Number(mode),
    size: Number(size),
  };
}

/** Plain bytes of a file, without parsing the rest. */
export function sizeOf(stamp: RemoteStamp): number {
  return Number(stamp.slice(stamp.lastIndexOf(':') + 1));
}

/** The entry's id in the form of a map key, without parsing the rest. */
export function entryKeyOf(stamp: RemoteStamp): string {
  return stamp.split(':', 2)[1] ?? '';
}

export function entryOf(stamp: RemoteStamp): EntryId {
  return idFromKey<'entry'>(entryKeyOf(stamp));
}

/** True when the vault has another entry under a name than the one that base remembers. */
export function isOtherEntry(base: { readonly remote: RemoteStamp } | undefined, remote: RemoteNode): boolean {
  return base !== undefined && entryKeyOf(base.remote) !== entryKeyOf(remote.stamp);
}

/** True when both are the same version of the same entry, whatever its mtime and mode. */
export function sameVersion(a: RemoteStamp, b: RemoteStamp): boolean {
  return a === b || a.split(':', 3).join(':') === b.split(':', 3).join(':');
}
