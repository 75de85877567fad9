import { rootEntry, sha256, u32 } from '@coffer/core';
import type { AccountId, EntryId } from '@coffer/core';
import type { EntryName, Operation, Ref } from '@coffer/journal';

/** An entry id that is easy to read in a failure. */
export function entryId(n: number): EntryId {
  return new Uint8Array(16).fill(n);
}

export interface FileFields {
  readonly name?: EntryName;
  readonly parent?: EntryId;
  /** Stands for the content: equal numbers, equal content. */
  readonly content?: number;
}

/** A file of one chunk of 10 bytes. */
export function file(entry: EntryId, { name = 'file', parent = rootEntry, content = 0 }: FileFields = {}): Operation {
  return ['put', entry, parent, name, 'file', 10, [1, 2], 0o644, [[sha256(u32(content)), 10, 64, 0]]];
}

export function directory(entry: EntryId, { name = 'folder', parent = rootEntry }: FileFields = {}): Operation {
  return ['put', entry, parent, name, 'directory', 0, [1, 2], 0o755, []];
}

/** The ref that belongs to {@link file}. */
export function fileRef(entry: EntryId, uploader: AccountId): Ref {
  return { kind: 'put', entry, chunks: [{ uploader, ids: sha256(entry) }], segments: new Uint8Array(0) };
}

export function dropRef(...entries: readonly EntryId[]): Ref {
  return { kind: 'drop', entries, reason: 'removed' };
}
