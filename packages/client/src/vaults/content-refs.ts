import { compareBytes, concatBytes, idKey, integrityError } from '@coffer/core';
import type { AccountId, ChunkId, EntryId, IdKey } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import { isHole, isSegmented, isSharedTuple, noIds } from '@coffer/journal';
import type { ChunkTuple, Content, PutRef } from '@coffer/journal';

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

export interface OwnContents {
  readonly account: AccountId;
  /** By generation of the dedup secret. */
  readonly keys: ReadonlyMap<number, ChunkKeys>;
}

/** The `put` ref of a content that stands in the vault already, from its tuples. @throws INTEGRITY */
export function refOfContent(entry: EntryId, content: Content, own: OwnContents): PutRef {
  if (isSegmented(content)) {
    const segments = uniqueSorted(content[1].map(([segment]) => segment));
    return putRef(entry, { chunks: [], segments }, own.account);
  }
  const byUploader = new Map<IdKey, { readonly uploader: AccountId; readonly ids: ChunkId[] }>();
  for (const tuple of content) {
    if (isHole(tuple)) continue;
    const { uploader, id } = namedChunk(tuple, own);
    const known = byUploader.get(idKey(uploader)) ?? { uploader, ids: [] };
    known.ids.push(id);
    byUploader.set(idKey(uploader), known);
  }
  const sorted = [...byUploader.values()].toSorted((a, b) => compareBytes(a.uploader, b.uploader));
  const chunks = sorted.map(({ uploader, ids }) => ({ uploader, ids: concatBytes(...uniqueSorted(ids)) }));
  return { kind: 'put', entry, chunks, segments: noIds };
}

/** As the server names a chunk. @throws INTEGRITY when the device does not hold the secret that the id follows from */
function namedChunk(
  tuple: ChunkTuple,
  { account, keys }: OwnContents,
): { readonly uploader: AccountId; readonly id: ChunkId } {
  if (isSharedTuple(tuple)) return { uploader: tuple[3], id: tuple[4] };
  const chunkKeys = keys.get(tuple[3]);
  if (chunkKeys === undefined) throw integrityError('A chunk');
  return { uploader: account, id: chunkKeys.id(tuple[0]) };
}

export function uniqueSorted(ids: readonly ChunkId[]): ChunkId[] {
  const sorted = ids.toSorted(compareBytes);
  return sorted.filter((id, index) => index === 0 || compareBytes(sorted[index - 1] ?? id, id) !== 0);
}
