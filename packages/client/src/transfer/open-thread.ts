import type { Worker } from 'node:worker_threads';
import { CofferError, GarbageCollector, integrityError, isCofferError, MiB, startWorker } from '@coffer/core';
import { maxChunkBytes, maxSealedChunkBytes } from '@coffer/crypto';
import type { LaidFile, LanePlace } from '../downloader.ts';
import { laneMemory } from './lane-memory.ts';
import type { OpenLaneSetup, OpenReply, OpenRequest, SealedItem } from './open-lane-messages.ts';
import { SharedSlots } from './shared-slots.ts';
import type { SharedSlot } from './shared-slots.ts';

/** Plain bytes of a chunk, in memory that is used again. */
export interface OpenedChunk {
  readonly bytes: Uint8Array;
  /** What the lane made of them by itself. */
  readonly laid: LaidFile | undefined;
  /** Call once, when the bytes are done with. */
  readonly release: () => void;
}

/** A chunk on its way through an opening lane. */
export interface ToOpen {
  readonly item: Omit<SealedItem, 'start' | 'end' | 'place'>;
  /** Where the lane may lay it down, when it is a whole file; asked once the chunk is there. */
  readonly place?: (() => LanePlace | undefined) | undefined;
  readonly resolve: (opened: OpenedChunk) => void;
  readonly reject: (error: unknown) => void;
}

/** A lane that lays files down ends what it is about; on a disk that hangs it is not waited for any longer. */
const finishMs = 2000;

/** Chunks are handed over together up to this size: a message costs as much as opening a small file. */
const handOverBytes = MiB;

/** Few chunks are larger: cutting aims at one MiB. */
const mostChunksBytes = 2 * MiB;

interface Batch {
  readonly sealed: SharedSlot;
  readonly chunks: ToOpen[];
  readonly items: SealedItem[];
  readonly places: LanePlace[];
  sealedBytes: number;
  plainBytes: number;
}

interface UnderWay {
  readonly batch: Batch;
  readonly plain: SharedSlot;
}

/** A thread that opens chunks. The caller disposes it; what is under way is then CANCELLED. */
export class OpenThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #sealedSlots = new SharedSlots([handOverBytes, mostChunksBytes, maxSealedChunkBytes + 32]);
  readonly #plainSlots = new SharedSlots([handOverBytes, mostChunksBytes, maxChunkBytes]);
  readonly #collector = new GarbageCollector({ everyBytes: 8 * MiB, what: 'young' });
  readonly #underWay = new Map<number, UnderWay>();
  #filling: Batch | undefined;
  #lastBatch = 0;
  #ended: CofferError | undefined;
  #onIdle: (() => void) | undefined;

  constructor(setup: OpenLaneSetup) {
    this.#worker = startWorker(new URL('./open-lane-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: laneMemory,
    });
    this.#worker.on('message', (reply: OpenReply) => this.#opened(reply));
    this.#worker.on('error', (cause) => this.#end(new CofferError('INTERNAL', 'an opening thread failed', { cause })));
    this.#worker.on('exit', () => {
      this.#end(new CofferError('CANCELLED', 'the download was ended'));
      this.#giveUp();
    });
  }

  /** Plain bytes given and not answered yet. */
  load = 0;

  /** Copies `frame` (`id ‖ sealed chunk`). Nothing is opened before {@link handOver}, or enough has come together. */
  add(frame: Uint8Array, chunk: ToOpen): void {
    const { plainBytes } = chunk.item;
    if (this.#ended !== undefined) return chunk.reject(this.#ended);
    // No slot holds more than the format allows.
    if (frame.byteLength > maxSealedChunkBytes + 32 || plainBytes > maxChunkBytes)
      return chunk.reject(integrityError('A chunk'));
    if (this.#filling !== undefined && !fits(this.#filling, { sealed: frame.byteLength, plain: plainBytes }))
      this.handOver();
    const batch = (this.#filling ??= this.#begin(frame.byteLength));
    batch.sealed.bytes.set(frame, batch.sealedBytes);
    const [start, end] = [batch.sealedBytes, batch.sealedBytes + frame.byteLength];
    batch.items.push({ ...chunk.item, start, end, place: placeOf(chunk, batch) });
    batch.chunks.push(chunk);
    batch.sealedBytes += frame.byteLength;
    // The frame, and the pieces of the network that it was put together from.
    this.#collector.passed(2 * frame.byteLength);
    batch.plainBytes += plainBytes;
    this.load += plainBytes;
  }

  handOver(): void {
    const batch = this.#filling;
    if (batch === undefined) return;
    this.#filling = undefined;
    this.#lastBatch += 1;
    const plain = this.#plainSlots.take(batch.plainBytes);
    this.#underWay.set(this.#lastBatch, { batch, plain });
    const request: OpenRequest = {
      batch: this.#lastBatch,
      sealed: this.#sealedSlots.ref(batch.sealed),
      plain: this.#plainSlots.ref(plain),
      items: batch.items,
    };
    this.#worker.postMessage(request);
  }

  /** No file is left half laid down, and no directory is given back that the lane still needs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new CofferError('CANCELLED', 'the download was ended'));
    if ([...this.#underWay.values()].some(({ batch }) => batch.places.length > 0)) await this.#idle();
    await this.#worker.terminate();
    this.#giveUp();
  }

  async #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const late = setTimeout(resolve, finishMs);
    await promise;
    clearTimeout(late);
  }

  #begin(bytes: number): Batch {
    return { sealed: this.#sealedSlots.take(bytes), chunks: [], items: [], places: [], sealedBytes: 0, plainBytes: 0 };
  }

  #opened({ batch: number, ends, laid }: OpenReply): void {
    const underWay = this.#underWay.get(number);
    if (underWay === undefined) return;
    this.#underWay.delete(number);
    const { batch, plain } = underWay;
    releaseAll(batch);
    if (this.#underWay.size === 0) this.#onIdle?.();
    this.#sealedSlots.free(batch.sealed);
    let holders = batch.chunks.length;
    const release = (): void => {
      holders -= 1;
      if (holders === 0) this.#plainSlots.free(plain);
    };
    let start = 0;
    for (const [index, chunk] of batch.chunks.entries()) {
      const end = ends[index] ?? -1;
      this.load -= chunk.item.plainBytes;
      if (end < 0) {
        release();
        chunk.reject(integrityError('A chunk'));
        continue;
      }
      chunk.resolve({ bytes: plain.bytes.subarray(start, end), laid: laid[index], release });
      start = end;
    }
  }

  #end(error: CofferError): void {
    this.#ended ??= error;
    const batches = [...this.#underWay.values()].map(({ batch }) => batch);
    if (this.#filling !== undefined) {
      batches.push(this.#filling);
      releaseAll(this.#filling);
    }
    this.#filling = undefined;
    for (const { chunks } of batches) for (const { reject } of chunks) reject(this.#ended);
  }

  /** The thread is gone. */
  #giveUp(): void {
    for (const { batch } of this.#underWay.values()) releaseAll(batch);
    this.#underWay.clear();
    this.#onIdle?.();
  }
}

/** Why it has no place is found out by whoever asked, who gets the bytes. */
function placeOf({ place }: ToOpen, batch: Batch): SealedItem['place'] {
  let found: LanePlace | undefined;
  try {
    found = place?.();
  } catch (error) {
    if (!isCofferError(error)) throw error;
  }
  if (found === undefined) return undefined;
  batch.places.push(found);
  const { release: _, ...rest } = found;
  return rest;
}

function releaseAll({ places }: Batch): void {
  for (const { release } of places.splice(0)) release();
}

/** Both sides of a batch stay within a slot of the small kind, unless it is one chunk. */
function fits(batch: Batch, { sealed, plain }: { readonly sealed: number; readonly plain: number }): boolean {
  return batch.sealedBytes + sealed <= handOverBytes && batch.plainBytes + plain <= handOverBytes;
}
