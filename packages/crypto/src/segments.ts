import type { ChunkId } from '@coffer/core';

/** Most chunks in one segment (JOURNAL §Commit). */
export const maxSegmentChunks = 1024;

/**
 * Ends (exclusive indices) of the segments of a file's tuples; `undefined` stands for a hole. A segment ends behind a chunk whose id
 * ends in ten zero bits, or behind the 1,024th; a hole stays with the chunk before it, so that every segment has a chunk.
 * Ids are keyed hashes of content: an edit changes one or two segments, and nobody can aim at the ends.
 */
export function planSegments(ids: readonly (ChunkId | undefined)[]): number[] {
  const ends: number[] = [];
  let chunks = 0;
  let ended = false;
  for (const [index, id] of ids.entries()) {
    if (id === undefined) continue;
    if (ended) ends.push(index);
    chunks = ended ? 1 : chunks + 1;
    ended = chunks === maxSegmentChunks || endsInTenZeroBits(id);
  }
  if (ids.length > 0) ends.push(ids.length);
  return ends;
}

function endsInTenZeroBits(id: ChunkId): boolean {
  return id.at(-1) === 0 && (id.at(-2)! & 0b11) === 0;
}
