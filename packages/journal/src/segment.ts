import { AccountId, ChunkId, decodeCbor, encodeCbor, idKey, lp, sha256, splitBytes } from '@coffer/core';
import { z } from 'zod';
import { isTupleList } from './content.ts';
import type { ContentTuple } from './content.ts';
import { sortedIds } from './field-schemas.ts';
import { commitLimits, contentLimits } from './limits.ts';
import { invalid, parseWith } from './refuse.ts';
import type { UploaderIds } from './ref.ts';

/** What the server stores of a run of a huge file's chunks (JOURNAL §Commit). */
export interface Segment {
  /** Every chunk of the run and the list chunk, sorted by uploader. */
  readonly chunks: readonly UploaderIds[];
  /** The chunk that holds the run's tuples. */
  readonly list: { readonly uploader: AccountId; readonly id: ChunkId };
}

/** Payload of a segment; its id is {@link segmentId}. @throws INVALID */
export function encodeSegment({ chunks, list }: Segment): Uint8Array {
  const payload = encodeCbor([chunks.map(({ uploader, ids }) => [uploader, ids]), [list.uploader, list.id]]);
  parseSegment(payload);
  return payload;
}

/** @throws INVALID */
export function parseSegment(payload: Uint8Array): Segment {
  if (payload.byteLength > maxSegmentBytes) throw invalid('a segment is too large');
  const [entries, [uploader, id]] = parseWith(SegmentPayload, decodeCbor(payload), 'a segment');
  const chunks = entries.map(([from, ids]): UploaderIds => ({ uploader: from, ids }));
  const sorted = chunks.every(
    ({ uploader: now }, index) => Buffer.compare(chunks[index - 1]?.uploader ?? empty, now) < 0,
  );
  const count = chunks.reduce((sum, { ids }) => sum + ids.byteLength / 32, 0);
  if (!sorted || count > contentLimits.segmentChunks + 1) throw invalid('the chunks of a segment are not in order');
  const own = chunks.find((entry) => idKey(entry.uploader) === idKey(uploader));
  const listed = own !== undefined && splitBytes(own.ids, 32).some((other) => idKey(other) === idKey(id));
  if (!listed) throw invalid('a segment does not hold its own list');
  return { chunks, list: { uploader, id } };
}

/** Names a segment by its exact bytes. */
export function segmentId(payload: Uint8Array): ChunkId {
  return sha256(lp('coffer/1 segment', payload));
}

/** Plain bytes of a list chunk: the tuples of a run, holes included. @throws INVALID */
export function encodeSegmentList(tuples: readonly ContentTuple[]): Uint8Array {
  if (!isTupleList(tuples, contentLimits.segmentChunks)) throw invalid('a run of chunks is not valid');
  return encodeCbor(tuples);
}

/** @throws INVALID */
export function parseSegmentList(plain: Uint8Array): readonly ContentTuple[] {
  const value = decodeCbor(plain);
  if (!Array.isArray(value) || !isTupleList(value, contentLimits.segmentChunks)) {
    throw invalid('a run of chunks is not valid');
  }
  return value;
}

const empty = new Uint8Array(0);
/** 1,025 ids of 32 bytes, up to 256 uploaders of 21 bytes, and heads. */
const maxSegmentBytes = 48 * 1024;
const SegmentPayload = z.tuple([
  z
    .array(z.tuple([AccountId, sortedIds(contentLimits.segmentChunks + 1).refine((ids) => ids.byteLength > 0)]))
    .min(1)
    .max(commitLimits.uploadersPerPut),
  z.tuple([AccountId, ChunkId]),
]);
