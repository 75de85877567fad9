import type { ChunkId, IdKey } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import type { Segment } from '@coffer/journal';
import type { ExpiredPut } from '../facts/retention-facts.ts';
import type { PackPlace } from '../packs/packs.ts';

/** Uploader of all segments. */
export const anyone: IdKey = '';

export interface MemoryChunk {
  readonly owner: IdKey;
  readonly uploader: IdKey;
  readonly id: ChunkId;
  /** Whose record it is. */
  sender: IdKey;
  place: PackPlace | undefined;
  contentBytes: number;
  graceUntilMs: number;
  /** Its record was found damaged. */
  damaged: boolean;
  /** By vault: how many versions and segments refer to it there. */
  readonly grants: Map<IdKey, number>;
}

/** The chunks of `MemoryFacts`, by owner, uploader and id. */
export class MemoryChunks {
  readonly #chunks = new Map<string, MemoryChunk>();

  get all(): readonly MemoryChunk[] {
    return [...this.#chunks.values()];
  }

  find(owner: IdKey, uploader: IdKey, id: ChunkId): MemoryChunk | undefined {
    return this.#chunks.get(keyOf(owner, uploader, id));
  }

  require(owner: IdKey, uploader: IdKey, id: ChunkId): MemoryChunk {
    const known = this.find(owner, uploader, id);
    if (known) return known;
    const empty = { place: undefined, contentBytes: 0, graceUntilMs: 0, damaged: false };
    const chunk: MemoryChunk = { owner, uploader, id, sender: uploader, ...empty, grants: new Map() };
    this.#chunks.set(keyOf(owner, uploader, id), chunk);
    return chunk;
  }

  remove({ owner, uploader, id }: MemoryChunk): void {
    this.#chunks.delete(keyOf(owner, uploader, id));
  }

  contentOf(owner: IdKey, segment: Segment | undefined): MemoryChunk[] {
    return (segment?.chunks ?? []).flatMap(({ uploader, ids }) =>
      splitBytes(ids, 32).map((id) => this.require(owner, idKey(uploader), id)),
    );
  }

  countDown(chunk: MemoryChunk, vault: IdKey): void {
    const count = chunk.grants.get(vault) ?? 0;
    if (count > 0) chunk.grants.set(vault, count - 1);
    if (!chunk.place && countOf(chunk) === 0) this.remove(chunk);
  }
}

/** The place of a chunk that can be read. */
export function soundPlace(chunk: MemoryChunk | undefined): PackPlace | undefined {
  return chunk?.damaged === false ? chunk.place : undefined;
}

export function countUp(chunk: MemoryChunk, vault: IdKey): void {
  chunk.grants.set(vault, (chunk.grants.get(vault) ?? 0) + 1);
}

export function countOf({ grants }: MemoryChunk): number {
  return sum([...grants.values()]);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function keyOf(owner: IdKey, uploader: IdKey, id: ChunkId): string {
  return `${owner}/${uploader}/${idKey(id)}`;
}

/** What a put counted: uploader, or {@link anyone} for segments, and id. */
export function referencesOf({ chunks, segments }: ExpiredPut): (readonly [IdKey, ChunkId])[] {
  const own = chunks.flatMap(({ uploader, ids }) => splitBytes(ids, 32).map((id) => [idKey(uploader), id] as const));
  return [...own, ...splitBytes(segments, 32).map((id) => [anyone, id] as const)];
}
