import type { Worker } from 'node:worker_threads';
import { CofferError, integrityError, MiB, startWorker } from '@coffer/core';
import { maxChunkBytes, maxSealedChunkBytes } from '@coffer/crypto';
import { laneMemory } from './lane-memory.ts';
import type { OpenLaneSetup, OpenReply, OpenRequest, SealedItem } from './open-lane-messages.ts';
import { SharedSlots } from './shared-slots.ts';
import type { SharedSlot } from './shared-slots.ts';
import { YoungCollector } from './young-collector.ts';

/** Plain bytes of a chunk, in memory that is used again. */
export interface OpenedChunk {
  readonly bytes: Uint8Array;
  /** Call once, when the bytes are done with. */
  readonly release: () => void;
}

/** A chunk on its way through an opening lane. */
export interface ToOpen {
  readonly item: Omit<SealedItem, 'start' | 'end'>;
  readonly resolve: (opened: OpenedChunk) => void;
  readonly reject: (error: unknown) => void;
}

/** Chunks are handed over together up to this size: a message costs as much as opening a small file. */
const handOverBytes = MiB;

interface Batch {
  readonly sealed: SharedSlot;
  readonly chunks: ToOpen[];
  readonly items: SealedItem[];
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
  readonly #sealedSlots = new SharedSlots([handOverBytes, maxSealedChunkBytes + 32]);
  readonly #plainSlots = new SharedSlots([handOverBytes, maxChunkBytes]);
  readonly #collector = new YoungCollector(32 * MiB);
  readonly #underWay = new Map<number, UnderWay>();
  #filling: Batch | undefined;
  #lastBatch = 0;
  #ended: CofferError | undefined;

  constructor(setup: OpenLaneSetup) {
    this.#worker = startWorker(new URL('./open-lane-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: laneMemory,
    });
    this.#worker.on('message', (reply: OpenReply) => this.#opened(reply));
    this.#worker.on('error', (cause) => this.#end(new CofferError('INTERNAL', 'an opening thread failed', { cause })));
    this.#worker.on('exit', () => this.#end(new CofferError('CANCELLED', 'the download was ended')));
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
    batch.items.push({ ...chunk.item, start: batch.sealedBytes, end: batch.sealedBytes + frame.byteLength });
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new CofferError('CANCELLED', 'the download was ended'));
    await this.#worker.terminate();
  }

  #begin(bytes: number): Batch {
    return { sealed: this.#sealedSlots.take(bytes), chunks: [], items: [], sealedBytes: 0, plainBytes: 0 };
  }

  #opened({ batch: number, ends }: OpenReply): void {
    const underWay = this.#underWay.get(number);
    if (underWay === undefined) return;
    this.#underWay.delete(number);
    const { batch, plain } = underWay;
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
      chunk.resolve({ bytes: plain.bytes.subarray(start, end), release });
      start = end;
    }
  }

  #end(error: CofferError): void {
    this.#ended ??= error;
    const batches = [...this.#underWay.values()].map(({ batch }) => batch);
    if (this.#filling !== undefined) batches.push(this.#filling);
    this.#underWay.clear();
    this.#filling = undefined;
    for (const { chunks } of batches) for (const { reject } of chunks) reject(this.#ended);
  }
}

/** Both sides of a batch stay within a slot of the small kind, unless it is one chunk. */
function fits(batch: Batch, { sealed, plain }: { readonly sealed: number; readonly plain: number }): boolean {
  return batch.sealedBytes + sealed <= handOverBytes && batch.plainBytes + plain <= handOverBytes;
}
