import type { AccountId, IdKey } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import type { Segment } from '@coffer/journal';
import { parseSegment } from '@coffer/journal';
import type { ChunkGroup, RefusedSegment } from '../facts/facts.ts';
import type { MemoryChunk, MemoryChunks } from './memory-chunks.ts';
import { anyone, countUp, soundPlace, sum } from './memory-chunks.ts';
import type { Scope } from './memory-lacks.ts';
import { lacksOf } from './memory-lacks.ts';

/** Records of one group; segments that name what they may not are left out. */
export function indexGroup(
  chunks: MemoryChunks,
  {
    owner,
    group,
    graceUntilMs,
    recovering,
  }: { owner: AccountId; group: ChunkGroup; graceUntilMs: number; recovering: boolean },
  refused: RefusedSegment[],
): void {
  const scope = { owner: idKey(owner), vault: idKey(group.vault), author: idKey(group.uploader) };
  splitBytes(group.ids, 32).forEach((id, index) => {
    const payload = group.payloads?.[index];
    const segment = payload && parseSegment(payload);
    const lacks = segment && !recovering ? lacksOf(chunks, scope, segment.chunks) : undefined;
    if (lacks && (lacks.missing.length > 0 || lacks.notAllowed)) {
      refused.push({ segment: id, missing: lacks.missing });
      return;
    }
    const chunk = chunks.require(scope.owner, segment ? anyone : scope.author, id);
    const place = { pack: group.pack, offset: group.offsets[index] ?? 0, bytes: group.bytes[index] ?? 0 };
    renew(chunk, graceUntilMs);
    if (!soundPlace(chunk)) {
      // A lost segment is back: its content counts wherever it is referred to.
      for (const vault of segment && !chunk.place ? chunk.grants.keys() : []) {
        for (const held of chunks.contentOf(scope.owner, segment)) countUp(held, vault);
      }
      chunk.place = place;
      chunk.sender = scope.author;
      chunk.damaged = false;
      const content = chunks.contentOf(scope.owner, segment);
      chunk.contentBytes = place.bytes + sum(content.map(({ contentBytes }) => contentBytes));
    }
    if (segment) grantSegment(chunks, scope, chunk, segment);
    else grant(chunk, scope.vault);
  });
}

/** A segment becomes usable in a vault. */
export function grantSegment(chunks: MemoryChunks, scope: Scope, segment: MemoryChunk, content: Segment): void {
  if (segment.grants.has(scope.vault)) return;
  grant(segment, scope.vault);
  for (const chunk of chunks.contentOf(scope.owner, content)) countUp(chunk, scope.vault);
}

/** The chunk may be referred to in the vault. */
export function grant(chunk: MemoryChunk, vault: IdKey): void {
  if (!chunk.grants.has(vault)) chunk.grants.set(vault, 0);
}

/** Grace only grows. */
export function renew(chunk: MemoryChunk, graceUntilMs: number): void {
  chunk.graceUntilMs = Math.max(chunk.graceUntilMs, graceUntilMs);
}
