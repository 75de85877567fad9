import type { ChunkId } from '@coffer/core';

/** Most tuples in one segment (JOURNAL §Append). */
export const maxSegmentChunks = 1024;

/**
 * Ends (exclusive indices) of the segments of a file's tuples; `undefined` stands for a hole. A segment ends behind a chunk whose
 * id ends in ten zero bits, else after 1,024 tuples: where it ends depends on content alone, so an edit changes one or two segments.
 */
export function planSegments(ids: readonly (ChunkId | undefined)[]): number[] {
  const ends: number[] = [];
  let start = 0;
  for (const [index, id] of ids.entries()) {
    const end = index + 1;
    if (end - start < maxSegmentChunks && end < ids.length && !endsSegment(id)) continue;
    ends.push(end);
    start = end;
  }
  return ends;
}

function endsSegment(id: ChunkId | undefined): boolean {
  return id !== undefined && id.at(-1) === 0 && ((id.at(-2) ?? 1) & 0b11) === 0;
}
