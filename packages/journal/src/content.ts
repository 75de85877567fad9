import type { AccountId, ChunkId, Hash } from '@coffer/core';
import { hasLength, isWhole } from './field-schemas.ts';
import { contentLimits } from './limits.ts';

/** A chunk in a home vault: always the owner's own; id and key follow from `ph` and the dedup secret `g`. */
export type HomeTuple = readonly [plainHash: Hash, plainBytes: number, storedBytes: number, g: number];

/** A chunk in a shared vault. */
export type SharedTuple = readonly [
  plainHash: Hash,
  plainBytes: number,
  storedBytes: number,
  uploader: AccountId,
  id: ChunkId,
  key: Uint8Array,
];

/** A run of zeros that is stored nowhere. */
export type Hole = readonly [lengthBytes: number];

export type ChunkTuple = HomeTuple | SharedTuple;
export type ContentTuple = ChunkTuple | Hole;

/** A run of chunks whose tuples are in a chunk of their own. */
export type SegmentRun = readonly [segment: ChunkId, list: ChunkTuple, plainBytes: number, chunks: number];

/** All of a file that has more chunks than an operation lists. */
export type SegmentedContent = readonly ['seg', readonly SegmentRun[]];

/** What a file is made of, in order. */
export type Content = readonly ContentTuple[] | SegmentedContent;

export function isSegmented(content: Content): content is SegmentedContent {
  return content[0] === 'seg';
}

export function isHole(tuple: ContentTuple): tuple is Hole {
  return tuple.length === 1;
}

export function isSharedTuple(tuple: ContentTuple): tuple is SharedTuple {
  return tuple.length === 6;
}

/** Plain bytes of a content, holes included. */
export function contentBytes(content: Content): number {
  return isSegmented(content)
    ? content[1].reduce((sum, [, , bytes]) => sum + bytes, 0)
    : content.reduce((sum, tuple) => sum + (isHole(tuple) ? tuple[0] : tuple[1]), 0);
}

/** True for a content as the format allows it, all of whose chunk tuples have one form. */
export function isContent(value: unknown): value is Content {
  if (!Array.isArray(value)) return false;
  return value[0] === 'seg' ? isSegmentedValue(value) : isTupleList(value, contentLimits.directChunks);
}

/** True for a list of at most `maxChunks` chunk tuples of one form, with holes between them. */
export function isTupleList(list: readonly unknown[], maxChunks: number): list is readonly ContentTuple[] {
  if (list.length > 2 * maxChunks + 1) return false;
  let chunks = 0;
  let form = 0;
  let afterHole = false;
  for (const tuple of list) {
    if (!Array.isArray(tuple)) return false;
    const hole = tuple.length === 1;
    // Two holes in a row would give one content many encodings.
    if (hole ? afterHole || !isWhole(tuple[0], 1) : !isChunkTuple(tuple)) return false;
    afterHole = hole;
    if (hole) continue;
    chunks += 1;
    if (form !== 0 && form !== tuple.length) return false;
    form = tuple.length;
  }
  return chunks <= maxChunks;
}

function isChunkTuple(tuple: readonly unknown[]): boolean {
  const [plainHash, plainBytes, storedBytes] = tuple;
  if (!hasLength(plainHash, 32)) return false;
  if (!isWhole(plainBytes, 1, contentLimits.chunkBytes) || !isWhole(storedBytes, 1, contentLimits.storedBytes))
    return false;
  if (tuple.length === 4) return isWhole(tuple[3], 0, 2 ** 32 - 1);
  return tuple.length === 6 && hasLength(tuple[3], 16) && hasLength(tuple[4], 32) && hasLength(tuple[5], 32);
}

function isSegmentedValue(value: readonly unknown[]): boolean {
  const runs = value[1];
  if (value.length !== 2 || !Array.isArray(runs) || runs.length === 0) return false;
  const form = (runs[0] as unknown[])?.[1];
  return runs.every((run) => isRun(run) && (run[1] as unknown[]).length === (form as unknown[]).length);
}

function isRun(run: unknown): run is readonly unknown[] {
  return (
    Array.isArray(run) &&
    run.length === 4 &&
    hasLength(run[0], 32) &&
    Array.isArray(run[1]) &&
    isChunkTuple(run[1]) &&
    isWhole(run[2], 1) &&
    isWhole(run[3], 1, contentLimits.segmentChunks)
  );
}
