import type { AccountId, Clock, Logger } from '@coffer/core';
import { isCofferError } from '@coffer/core';
import type { ChunkStore, UploadFate } from '../chunks/chunk-store.ts';
import type { PackUse } from '../facts/collection-facts.ts';
import type { ChunkPlace, Facts } from '../facts/facts.ts';
import { recordKinds } from '../packs/pack-format.ts';
import type { Packs } from '../packs/packs.ts';
import type { ReadRecord } from '../packs/record-reader.ts';
import { openRecord, readRecords } from '../packs/record-reader.ts';
import { scanRange } from '../recovery/index-pack.ts';
import type { SpaceGuard } from '../space-guard.ts';

/** Records whose places are asked of the index at a time, and packs. */
const recordBatch = 1024;
const packBatch = 64;

/** Copying leaves at least this share of the reserve free: removals go before tidying up. */
const untouchedShare = 0.5;

/** A pause between batches of copied records: uploads and downloads have the disk most of the time. */
const pauseMs = 10;

export interface CompactorDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly space: SpaceGuard;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the live records go: the open pack of their owner. */
  readonly storeOf: (owner: AccountId) => ChunkStore;
}

export interface Compacted {
  packsCompacted: number;
  bytesCopied: number;
  bytesFreed: number;
}

/** Gives back the room of packs of which little or nothing is needed any more (STORAGE §Counts, expiry, collection). */
export class Compactor {
  readonly #deps: CompactorDeps;

  constructor(deps: CompactorDeps) {
    this.#deps = deps;
  }

  /** @throws IO; the signal's reason */
  async compact(signal: AbortSignal): Promise<Compacted> {
    const done: Compacted = { packsCompacted: 0, bytesCopied: 0, bytesFreed: 0 };
    // What needs no room comes first: on a full disk it makes some for the rest.
    let removable = await this.#removeEmpty(done, signal);
    for await (const pack of this.#candidates()) {
      signal.throwIfAborted();
      if (!removable) return done;
      const copied = await this.#copyOut(pack, signal);
      if (copied === undefined) continue;
      done.bytesCopied += copied;
      done.packsCompacted += 1;
      removable = await this.#removeEmpty(done, signal);
    }
    return done;
  }

  async *#candidates(): AsyncGenerator<PackUse, void, undefined> {
    for (let after: PackUse | undefined; ;) {
      const packs = await this.#deps.facts.packsToCompact(after, packBatch);
      yield* packs;
      after = packs.at(-1);
      if (packs.length < packBatch) return;
    }
  }

  /** Bytes of the records that lie elsewhere now; undefined when the pack has to stay as it is. */
  async #copyOut(pack: PackUse, signal: AbortSignal): Promise<number | undefined> {
    if (!(await this.#hasRoom(pack))) return undefined;
    const store = this.#deps.storeOf(pack.owner);
    const fate: UploadFate = { lost: false, notAllowed: false, missing: [] };
    let bytes = 0;
    for (let after = 0; ;) {
      signal.throwIfAborted();
      const places = await this.#deps.facts.liveRecords({ pack: pack.pack, after, limit: recordBatch });
      const moved = await this.#moveAll({ pack, places, store, fate, signal });
      // What is under way takes memory: one batch of it, not as much as uploads may have.
      await store.settle();
      if (!moved) break;
      bytes += places.reduce((sum, place) => sum + place.bytes, 0);
      after = places.at(-1)?.offset ?? after;
      if (places.length < recordBatch) break;
      await this.#deps.clock.sleep(pauseMs, signal);
    }
    return fate.lost ? undefined : bytes;
  }

  async #hasRoom({ liveBytes }: PackUse): Promise<boolean> {
    const { freeBytes, reserveBytes } = await this.#deps.space.space();
    return freeBytes - liveBytes >= reserveBytes * untouchedShare;
  }

  /** False when a record cannot be read: it is marked, and the pack stays. */
  async #moveAll(batch: MoveBatch): Promise<boolean> {
    const { pack, places, store, fate, signal } = batch;
    const { packs } = this.#deps;
    try {
      for await (const record of readRecords({ packs, ...pack, places: once(places), signal }))
        await store.move({ ...moveOf(record), fate });
      return !fate.lost;
    } catch (error) {
      if (!isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'IO')) throw error;
      await this.#markUnreadable(pack, places);
      return false;
    }
  }

  async #markUnreadable(pack: PackUse, places: readonly ChunkPlace[]): Promise<void> {
    const { facts, packs, logger } = this.#deps;
    const offsets: number[] = [];
    for (const place of places) if (!(await isReadable(packs, pack, place))) offsets.push(place.offset);
    await facts.markChunks({ pack: pack.pack, offsets, lost: true });
    logger.error({ pack: pack.pack, records: offsets.length }, 'a pack holds records that cannot be read');
  }

  /** False when a reader keeps the index from being made durable: then nothing may be removed. */
  async #removeEmpty(done: Compacted, signal: AbortSignal): Promise<boolean> {
    const { facts } = this.#deps;
    const empty = await facts.emptyPacks(packBatch);
    if (empty.length === 0) return true;
    // A power cut must not bring back an index that says that the chunks are still in these packs.
    if (!(await this.#makeDurable())) return false;
    let removed = 0;
    for (const pack of empty) {
      signal.throwIfAborted();
      if (!(await this.#isDispensable(pack))) continue;
      await this.#remove(pack);
      done.bytesFreed += pack.indexedBytes;
      removed += 1;
    }
    return removed === packBatch ? this.#removeEmpty(done, signal) : true;
  }

  async #makeDurable(): Promise<boolean> {
    const { facts, space } = this.#deps;
    for (let tries = 0; ; tries += 1) {
      try {
        return await facts.checkpoint();
      } catch (error) {
        if (!isCofferError(error, 'NO_SPACE', 'BUSY')) throw error;
        if (tries > 0 || !(await space.makeRoom())) return false;
      }
    }
  }

  async #remove(pack: PackUse): Promise<void> {
    const { packs, facts } = this.#deps;
    await packs.remove(pack);
    await facts.forgetPack(pack.pack);
  }

  /**
   * After a rebuild nobody knows where the damaged record of a lost chunk lies. A pack with a damaged place may hold it:
   * it stays until the chunk is there again or nobody needs it.
   */
  async #isDispensable(pack: PackUse): Promise<boolean> {
    const { facts, packs } = this.#deps;
    if (!(await facts.hasUnplaced(pack.owner))) return true;
    const info = { ...pack, bytes: pack.indexedBytes };
    try {
      for await (const { type } of scanRange(packs, { pack: info, from: 0, to: pack.indexedBytes }))
        if (type !== 'record') return false;
      return true;
    } catch (error) {
      if (!isCofferError(error, 'NOT_FOUND', 'DAMAGED', 'IO')) throw error;
      return error.code === 'NOT_FOUND';
    }
  }
}

interface MoveBatch {
  readonly pack: PackUse;
  readonly places: readonly ChunkPlace[];
  readonly store: ChunkStore;
  readonly fate: UploadFate;
  readonly signal: AbortSignal;
}

// oxlint-disable-next-line typescript/require-await -- readers take places as they come; these are all there
async function* once(places: readonly ChunkPlace[]): AsyncGenerator<readonly ChunkPlace[]> {
  yield places;
}

function moveOf({ header, payload, place }: ReadRecord<ChunkPlace>) {
  const { vault, uploader, id, receivedAtMs } = header;
  const kind = header.kind === recordKinds.segment ? ('segment' as const) : ('chunk' as const);
  return { vault, uploader, id, receivedAtMs, kind, payload: [payload], from: place };
}

async function isReadable(packs: Packs, pack: PackUse, place: ChunkPlace): Promise<boolean> {
  try {
    openRecord(await packs.read({ ...pack, offset: place.offset, length: place.bytes }), { place, at: 0 });
    return true;
  } catch (error) {
    if (isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'IO')) return false;
    throw error;
  }
}
