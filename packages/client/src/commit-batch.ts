import type { CofferError, EntryId, Timestamp } from '@coffer/core';
import type { EntryName, LinkTarget } from '@coffer/journal';
import type { Entry } from './entry.ts';
import type { UploadedContent, Uploader } from './uploader.ts';

export interface CommitBatchOptions {
  /** The uploader whose contents are put; it is flushed before each commit that needs it. */
  readonly uploader?: Uploader;
  /** Called after each acknowledged commit, in order. */
  readonly onCommitted?: (report: CommitReport) => void;
  /**
   * Asked about each entry of each operation right before every try to append it, with everything folded that other devices
   * did: false refuses the operation. For who must not write over what it has not seen.
   */
  readonly holds?: (entry: EntryId) => boolean;
}

export interface Placement {
  readonly parent: EntryId;
  readonly name: EntryName;
}

export interface Attributes {
  readonly mtime: Timestamp;
  readonly mode: number;
}

export interface FilePut extends Placement, Attributes {
  /** A file that exists gets a new version; without it a new file is made. */
  readonly entry?: EntryId;
  readonly content: UploadedContent;
}

export interface DirectoryPut extends Placement, Attributes {}

export interface SymlinkPut extends Placement, Attributes {
  readonly entry?: EntryId;
  readonly target: LinkTarget;
}

/** An operation that another device's change made impossible; its entry is unchanged in the vault. */
export interface RefusedOperation {
  readonly entry: EntryId;
  /** CONFLICT: plan it again. */
  readonly error: CofferError;
}

export interface CommitReport {
  readonly seq: number;
  readonly receivedAtMs: number;
  /** Entries of the operations that took effect, in order. */
  readonly entries: readonly EntryId[];
  readonly refused: readonly RefusedOperation[];
}

/**
 * Gathers operations and commits them in order: a commit is appended whenever 1,000 operations or 1 MiB are gathered,
 * and at {@link commit}. Methods wait while two commits are under way. When another device was faster the batch pulls,
 * checks every operation again and appends what still holds. After a method threw nothing more is appended.
 */
export interface CommitBatch extends AsyncDisposable {
  putFile(file: FilePut, signal?: AbortSignal): Promise<EntryId>;
  /** A new file, or a new version of `to.entry`, with the content, time and mode of `source`, which may be an old version; nothing is sent. */
  copyFile(source: Entry, to: Placement & { readonly entry?: EntryId }, signal?: AbortSignal): Promise<EntryId>;
  makeDirectory(directory: DirectoryPut, signal?: AbortSignal): Promise<EntryId>;
  putSymlink(link: SymlinkPut, signal?: AbortSignal): Promise<EntryId>;
  move(entry: EntryId, to: Placement, signal?: AbortSignal): Promise<void>;
  setAttributes(entry: EntryId, attributes: Attributes, signal?: AbortSignal): Promise<void>;
  /** Removes the entries; of a directory also everything below. */
  remove(entries: readonly EntryId[], signal?: AbortSignal): Promise<void>;
  /** Puts a removed entry back at a place (its version of `seq` becomes current again). */
  undelete(entry: EntryId, to: Placement & { readonly seq: number }, signal?: AbortSignal): Promise<void>;
  /** Makes an old version current again without sending anything: a new version with its content. */
  restoreVersion(entry: EntryId, seq: number, signal?: AbortSignal): Promise<void>;
  /** Appends what is gathered; resolves when everything so far is acknowledged and folded. */
  commit(signal?: AbortSignal): Promise<readonly CommitReport[]>;
}
