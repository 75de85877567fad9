import type { AccountId } from '@coffer/core';
import { fromHex, idKey } from '@coffer/core';
import { parseSegment, segmentId } from '@coffer/journal';
import type {
  Collected,
  CollectionFacts,
  CollectSegments,
  LiveRecords,
  LookUpLost,
  LostChunk,
  MarkChunks,
  MovedChunks,
  PackCursor,
  PackUse,
  SweepChunks,
  Swept,
  UsageDifference,
} from '../facts/collection-facts.ts';
import type { ChunkPlace, PackProgress } from '../facts/facts.ts';
import type { MemoryChunk, MemoryChunks } from './memory-chunks.ts';
import { anyone, countOf, soundPlace, sum } from './memory-chunks.ts';

interface MemoryCollectionDeps {
  readonly chunks: MemoryChunks;
  readonly packs: Map<string, PackProgress>;
  readonly pinned: () => ReadonlySet<MemoryChunk>;
}

/** The half of `MemoryFacts` that forgets. */
export class MemoryCollection implements CollectionFacts {
  readonly #deps: MemoryCollectionDeps;

  constructor(deps: MemoryCollectionDeps) {
    this.#deps = deps;
  }

  async sweepChunks({ nowMs }: SweepChunks): Promise<Swept> {
    const garbage = this.#deps.chunks.all.filter((chunk) => this.#isGarbage(chunk, nowMs));
    const segments = garbage.filter(({ uploader, place }) => uploader === anyone && place !== undefined);
    const found = segments.flatMap(({ owner, id, place }) => (place ? [{ owner: fromHex(owner), id, ...place }] : []));
    return {
      ...this.#remove(garbage.filter((chunk) => !segments.includes(chunk))),
      next: undefined,
      segments: found,
    };
  }

  async collectSegments({ owner, payloads, nowMs }: CollectSegments): Promise<Collected> {
    const { chunks } = this.#deps;
    const done = { chunks: 0, bytes: 0 };
    for (const payload of payloads) {
      const segment = chunks.find(idKey(owner), anyone, segmentId(payload));
      if (!segment?.place || !this.#isGarbage(segment, nowMs)) continue;
      for (const vault of segment.grants.keys())
        for (const chunk of chunks.contentOf(idKey(owner), parseSegment(payload))) chunks.countDown(chunk, vault);
      const { chunks: count, bytes } = this.#remove([segment]);
      done.chunks += count;
      done.bytes += bytes;
    }
    return done;
  }

  async packsToCompact(after: PackCursor | undefined, limit: number): Promise<readonly PackUse[]> {
    const wanted = this.#uses().filter(({ pack, liveBytes, indexedBytes }) => {
      const held = this.#in(pack);
      return held.length > 0 && held.every(({ damaged }) => !damaged) && liveBytes * 2 < indexedBytes;
    });
    return wanted.filter((use) => !after || compare(use, after) > 0).slice(0, limit);
  }

  async emptyPacks(limit: number): Promise<readonly PackUse[]> {
    return this.#uses()
      .filter(({ pack }) => this.#in(pack).length === 0)
      .slice(0, limit);
  }

  async liveRecords({ pack, after, limit }: LiveRecords): Promise<readonly ChunkPlace[]> {
    const places = this.#in(pack).flatMap(({ place, id }) => (place ? [{ ...place, id }] : []));
    const later = places.filter(({ offset }) => offset > after);
    return later.toSorted((a, b) => a.offset - b.offset).slice(0, limit);
  }

  async forgetPack(pack: string): Promise<void> {
    if (this.#in(pack).length === 0) this.#deps.packs.delete(pack);
  }

  async markChunks({ pack, offsets, lost }: MarkChunks): Promise<void> {
    for (const chunk of this.#in(pack))
      if (!offsets || offsets.includes(chunk.place?.offset ?? -1)) chunk.damaged = lost;
  }

  async lostChunks({ vault, after, limit }: LookUpLost): Promise<readonly LostChunk[]> {
    const lost = this.#deps.chunks.all.filter(
      (chunk) => !soundPlace(chunk) && (chunk.grants.get(idKey(vault)) ?? 0) > 0 && isAfter(chunk, after),
    );
    return lost
      .toSorted((a, b) => (idKey(a.id) < idKey(b.id) ? -1 : 1))
      .slice(0, limit)
      .map(({ uploader, owner, id }) => {
        const segment = uploader === anyone;
        return { uploader: fromHex(segment ? owner : uploader), id, segment };
      });
  }

  async hasUnplaced(owner: AccountId): Promise<boolean> {
    return this.#deps.chunks.all.some((chunk) => chunk.owner === idKey(owner) && !chunk.place);
  }

  /** Nothing is counted that could be wrong: every answer is added up anew. */
  async recount(signal?: AbortSignal): Promise<readonly UsageDifference[]> {
    signal?.throwIfAborted();
    return [];
  }

  move({ from, fromOffsets, to, offsets }: MovedChunks): void {
    const held = this.#in(from);
    fromOffsets.forEach((fromOffset, index) => {
      const chunk = held.find(({ place }) => place?.offset === fromOffset);
      if (!chunk?.place) return;
      chunk.place = { ...chunk.place, pack: to, offset: offsets[index] ?? 0 };
      chunk.damaged = false;
    });
  }

  #uses(): PackUse[] {
    const full = [...this.#deps.packs.values()].filter(({ kind, sealed }) => kind === 'chunks' && sealed);
    return full
      .map(
        ({ owner, pack, indexedBytes }) =>
          ({ owner, kind: 'chunks', pack, indexedBytes, liveBytes: this.#live(pack) }) as const,
      )
      .toSorted(compare);
  }

  #live(pack: string): number {
    return sum(this.#in(pack).map(({ place }) => place?.bytes ?? 0));
  }

  #in(pack: string): MemoryChunk[] {
    return this.#deps.chunks.all.filter(({ place }) => place?.pack === pack);
  }

  #isGarbage(chunk: MemoryChunk, nowMs: number): boolean {
    const over = chunk.graceUntilMs < nowMs || !chunk.place;
    return countOf(chunk) === 0 && over && !this.#deps.pinned().has(chunk);
  }

  #remove(gone: readonly MemoryChunk[]): Collected {
    for (const chunk of gone) this.#deps.chunks.remove(chunk);
    return { chunks: gone.length, bytes: sum(gone.map(({ place }) => place?.bytes ?? 0)) };
  }
}

function isAfter({ id }: MemoryChunk, after: Uint8Array | undefined): boolean {
  return after === undefined || idKey(id) > idKey(after);
}

function compare(a: PackCursor, b: PackCursor): number {
  return a.liveBytes - b.liveBytes || (a.pack < b.pack ? -1 : Number(a.pack > b.pack));
}
