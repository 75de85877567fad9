import type { Worker } from 'node:worker_threads';
import { CofferError, integrityError, startWorker } from '@coffer/core';
import type { OpenLaneSetup, OpenReply, OpenRequest, SealedItem } from './open-lane-messages.ts';

/** A chunk on its way through an opening lane. */
export interface ToOpen {
  readonly item: Omit<SealedItem, 'start' | 'end'>;
  /** Plain bytes; they stay untouched. */
  readonly resolve: (plain: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Chunks are handed over together up to this size: a message costs as much as opening a small file. */
const handOverBytes = 2 ** 20;

/** A thread that opens chunks. The caller disposes it; what is under way is then CANCELLED. */
export class OpenThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #underWay = new Map<number, readonly ToOpen[]>();
  readonly #buffers: ArrayBuffer[] = [];
  #items: SealedItem[] = [];
  #waiting: ToOpen[] = [];
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #used = 0;
  #lastBatch = 0;
  #ended: CofferError | undefined;

  constructor(setup: OpenLaneSetup) {
    this.#worker = startWorker(new URL('./open-lane-worker.ts', import.meta.url), { workerData: setup });
    this.#worker.on('message', (reply: OpenReply) => this.#opened(reply));
    this.#worker.on('error', (cause) => this.#end(new CofferError('INTERNAL', 'an opening thread failed', { cause })));
    this.#worker.on('exit', () => this.#end(new CofferError('CANCELLED', 'the download was ended')));
  }

  /** Bytes given and not answered yet. */
  load = 0;

  /** Copies `frame` (`id ‖ sealed chunk`). Nothing is opened before {@link handOver}, or enough has come together. */
  add(frame: Uint8Array, chunk: ToOpen): void {
    if (this.#ended !== undefined) return chunk.reject(this.#ended);
    if (this.#used + frame.byteLength > (this.#buffer?.byteLength ?? 0)) {
      this.handOver();
      this.#buffer = this.#newBuffer(frame.byteLength);
    }
    this.#buffer?.set(frame, this.#used);
    this.#items.push({ ...chunk.item, start: this.#used, end: this.#used + frame.byteLength });
    this.#waiting.push(chunk);
    this.#used += frame.byteLength;
    this.load += chunk.item.plainBytes;
    if (this.#used >= handOverBytes) this.handOver();
  }

  handOver(): void {
    const buffer = this.#buffer?.buffer;
    if (buffer === undefined || this.#items.length === 0) return;
    this.#lastBatch += 1;
    this.#underWay.set(this.#lastBatch, this.#waiting);
    const request: OpenRequest = { batch: this.#lastBatch, buffer, items: this.#items };
    this.#worker.postMessage(request, [buffer]);
    this.#buffer = undefined;
    this.#items = [];
    this.#waiting = [];
    this.#used = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new CofferError('CANCELLED', 'the download was ended'));
    await this.#worker.terminate();
  }

  #newBuffer(bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes > handOverBytes) return new Uint8Array(bytes);
    return new Uint8Array(this.#buffers.pop() ?? new ArrayBuffer(handOverBytes));
  }

  #opened({ batch, sealed, plain, ends }: OpenReply): void {
    if (sealed.byteLength === handOverBytes && this.#buffers.length < 4) this.#buffers.push(sealed);
    const chunks = this.#underWay.get(batch) ?? [];
    this.#underWay.delete(batch);
    let start = 0;
    for (const [index, chunk] of chunks.entries()) {
      const end = ends[index] ?? -1;
      this.load -= chunk.item.plainBytes;
      if (end < 0) chunk.reject(integrityError('A chunk'));
      else chunk.resolve(new Uint8Array(plain, start, end - start));
      if (end >= 0) start = end;
    }
  }

  #end(error: CofferError): void {
    this.#ended ??= error;
    const chunks = [...this.#underWay.values(), this.#waiting].flat();
    this.#underWay.clear();
    this.#waiting = [];
    this.#items = [];
    for (const { reject } of chunks) reject(this.#ended);
  }
}
