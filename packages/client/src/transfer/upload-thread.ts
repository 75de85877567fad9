import type { Worker } from 'node:worker_threads';
import { CofferError, startWorker } from '@coffer/core';
import { laneMemory } from './lane-memory.ts';
import type { LaneReply, LaneRequest, LaneSetup } from './lane-messages.ts';

export interface UploadThreadOptions {
  readonly setup: LaneSetup;
  readonly onReply: (reply: LaneReply) => void;
  /** The thread died: a bug, or out of memory. */
  readonly onFailure: (error: CofferError) => void;
}

/** A thread that runs one upload lane. The caller disposes it. */
export class UploadThread implements AsyncDisposable {
  readonly #worker: Worker;
  #disposed = false;

  constructor({ setup, onReply, onFailure }: UploadThreadOptions) {
    this.#worker = startWorker(new URL('./upload-lane-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: laneMemory,
    });
    this.#worker.on('message', onReply);
    this.#worker.on('error', (cause) => onFailure(new CofferError('INTERNAL', 'an upload thread failed', { cause })));
    this.#worker.on('exit', () => {
      if (!this.#disposed) onFailure(new CofferError('INTERNAL', 'an upload thread ended'));
    });
  }

  post(request: LaneRequest, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#disposed) this.#worker.postMessage(request, [...transfer]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#worker.terminate();
  }
}
