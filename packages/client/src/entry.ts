import type { AccountId, DeviceId, EntryId, Hash, IdKey, Timestamp } from '@coffer/core';
import type { Content, EntryKind, EntryName, LinkTarget } from '@coffer/journal';

/** One entry as it is at the position its {@link TreeReader} shows. */
export interface Entry {
  readonly entry: EntryId;
  /** {@link entry} as text, at hand without making its bytes. */
  readonly key: IdKey;
  /** The root's parent is the root itself. */
  readonly parent: EntryId;
  /** The root's name is empty text. */
  readonly name: EntryName;
  readonly kind: EntryKind;
  /** Plain bytes; 0 for everything but files. */
  readonly size: number;
  readonly mtime: Timestamp;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly content: Content;
  /** Files only: equal hashes mean equal bytes; files over 1,024 chunks may differ in hash and be equal. */
  readonly contentHash: Hash | undefined;
  /** Text of a symlink, bytes when it is not UTF-8; vault id of a mount. */
  readonly target: LinkTarget | undefined;
  /** Number of the shown version among those of its file, from 1. */
  readonly version: number;
  /** Position of the commit that put this version. */
  readonly seq: number;
  readonly receivedAtMs: number;
  /** Device that signed that commit; undefined where the account itself did. */
  readonly device: DeviceId | undefined;
}

/** One version of a file, newest first in lists. */
export interface Version extends Entry {
  readonly current: boolean;
  /** Account that wrote it: in what is shared not always one's own. */
  readonly author: AccountId;
}

/** An entry that is gone, as it was last, with the moment it went. */
export interface DeletedEntry extends Entry {
  /** Names from the root to where it was. */
  readonly path: readonly EntryName[];
  readonly removedSeq: number;
  readonly removedAtMs: number;
}

/** An entry met on a walk, with the names that lead to it from where the walk began (empty for the start itself). */
export interface WalkedEntry {
  readonly path: readonly EntryName[];
  readonly entry: Entry;
}
