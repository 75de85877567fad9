import { compareBytes, concatBytes, rootEntry } from '@coffer/core';
import type { AccountId, ChunkId, EntryId, Hash } from '@coffer/core';
import type { PutOperation } from '../operation.ts';
import type { PutRef } from '../ref.ts';
import { noIds } from '../ref.ts';

/** A `put` ref for chunks of one uploader; sorts the ids and drops doubles. */
export function putRef(entry: EntryId, { uploader, ids }: { uploader: AccountId; ids: readonly ChunkId[] }): PutRef {
  const sorted = ids
    .toSorted(compareBytes)
    .filter((id, index, all) => index === 0 || compareBytes(all[index - 1] ?? noIds, id) !== 0);
  const chunks = sorted.length === 0 ? [] : [{ uploader, ids: concatBytes(...sorted) }];
  return { kind: 'put', entry, chunks, segments: noIds };
}

export interface FilePutOptions {
  readonly entry: EntryId;
  readonly name: string;
  readonly uploader: AccountId;
  /** Ids of its chunks, 1,000 plain bytes each. In a home vault any 32 bytes stand for the plain hash. */
  readonly ids: readonly ChunkId[];
  readonly parent?: EntryId;
}

export interface FilePut {
  readonly operation: PutOperation;
  readonly ref: PutRef;
}

/** Operation and ref of a file in a home vault; they match each other. */
export function filePut({ entry, name, uploader, ids, parent = rootEntry }: FilePutOptions): FilePut {
  const content = ids.map((id) => [new Uint8Array(id) as Hash, 1000, 1100, 1] as const);
  const operation: PutOperation = [
    'put',
    entry,
    parent,
    name,
    'file',
    1000 * ids.length,
    [1_700_000_000, 0],
    0o644,
    content,
  ];
  return { operation, ref: putRef(entry, { uploader, ids }) };
}
