import { CofferError, MiB } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { batchesOf } from '@coffer/protocol';
import type { DataBatch } from '@coffer/protocol';

/** Sealed chunks that travel together. */
export interface SealedPart {
  /** Each `id(32) ‖ sealed`; not written to until {@link release}. */
  readonly frames: readonly Uint8Array[];
  readonly bytes: number;
  /** Called once, when the server has confirmed them or they are given up. */
  readonly release: () => void;
}

export interface ChunkSenderDeps {
  /** One `chunk.put`; may read `frames` several times when the connection breaks. Resolves when the server has confirmed all. */
  readonly put: (frames: () => AsyncIterable<DataBatch>, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
}

/**
 * One request carries this much: the server makes what it holds durable at its end, so short ones cost syncs, and what
 * is not confirmed is kept to be sent again.
 */
const streamBytes = 6 * MiB;
/** A request that gets nothing more is ended, so that what it carries becomes durable. */
const idleMs = 30;

/** Sends sealed chunks in a row of requests, and knows when they are durable. */
export class ChunkSender implements AsyncDisposable {
  readonly #deps: ChunkSenderDeps;
  readonly #ended = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #open: PutStream | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: ChunkSenderDeps) {
    this.#deps = deps;
  }

  /** Takes the part over; how much may be given before it is released is the caller's to bound. */
  send(part: SealedPart): void {
    if (this.#failure !== undefined) return part.release();
    const stream = (this.#open ??= this.#begin());
    stream.add(part);
    if (stream.bytes >= streamBytes) this.#endOpen();
  }

  /** Resolves when everything sent before is durable. @throws what the server answered */
  async flush(): Promise<void> {
    this.#endOpen();
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= { error: new CofferError('CANCELLED', 'the upload was ended') };
    this.#endOpen();
    this.#ended.abort(this.#failure.error);
    await Promise.all(this.#running);
  }

  #begin(): PutStream {
    const stream = new PutStream();
    const running = this.#run(stream).finally(() => this.#running.delete(running));
    this.#running.add(running);
    void this.#endWhenIdle(stream);
    return stream;
  }

  async #run(stream: PutStream): Promise<void> {
    try {
      await this.#deps.put(() => stream.frames(), this.#ended.signal);
    } catch (error) {
      this.#failure ??= { error };
      this.#endOpen();
    } finally {
      stream.release();
    }
  }

  #endOpen(): void {
    this.#open?.end();
    this.#open = undefined;
  }

  async #endWhenIdle(stream: PutStream): Promise<void> {
    for (let seen = -1; seen !== stream.bytes;) {
      seen = stream.bytes;
      await this.#deps.clock.sleep(idleMs);
    }
    if (this.#open === stream) this.#endOpen();
  }
}

/** The parts of one request, which can be read again from the first. */
class PutStream {
  readonly #parts: SealedPart[] = [];
  bytes = 0;
  #isEnded = false;
  #wake: (() => void)[] = [];

  add(part: SealedPart): void {
    this.#parts.push(part);
    this.bytes += part.bytes;
    this.#wakeAll();
  }

  end(): void {
    this.#isEnded = true;
    this.#wakeAll();
  }

  async *frames(): AsyncGenerator<DataBatch> {
    for (let index = 0; ; index += 1) {
      while (index >= this.#parts.length && !this.#isEnded) await this.#more();
      const part = this.#parts[index];
      if (part === undefined) return;
      yield* batchesOf(part.frames.map((frame) => [frame]));
    }
  }

  release(): void {
    this.end();
    for (const part of this.#parts.splice(0)) part.release();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
