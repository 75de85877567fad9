import { compareBytes, concatBytes, integrityError } from '@coffer/core';
import type { AccountId, ChunkId, EntryId } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import { isHole, isSegmented, isSharedTuple, noIds } from '@coffer/journal';
import type { Content, PutRef } from '@coffer/journal';

export interface ContentIds {
  readonly chunks: readonly ChunkId[];
  readonly segments: readonly ChunkId[];
}

/** The `put` ref of a content whose ids are sorted and unique. */
export function putRef(entry: EntryId, { chunks, segments }: ContentIds, uploader: AccountId): PutRef {
  return {
    kind: 'put',
    entry,
    chunks: chunks.length === 0 ? [] : [{ uploader, ids: concatBytes(...chunks) }],
    segments: segments.length === 0 ? noIds : concatBytes(...segments),
  };
}

/** Ids of a content that stands in a home vault already, from its tuples. @throws INTEGRITY */
export function idsOfContent(content: Content, keys: ReadonlyMap<number, ChunkKeys>): ContentIds {
  if (isSegmented(content)) return { chunks: [], segments: uniqueSorted(content[1].map(([segment]) => segment)) };
  const chunks = content.flatMap((tuple) => {
    if (isHole(tuple)) return [];
    const chunkKeys = isSharedTuple(tuple) ? undefined : keys.get(tuple[3]);
    if (chunkKeys === undefined) throw integrityError('A chunk');
    return [chunkKeys.id(tuple[0])];
  });
  return { chunks: uniqueSorted(chunks), segments: [] };
}

export function uniqueSorted(ids: readonly ChunkId[]): ChunkId[] {
  const sorted = ids.toSorted(compareBytes);
  return sorted.filter((id, index) => index === 0 || compareBytes(sorted[index - 1] ?? id, id) !== 0);
}
