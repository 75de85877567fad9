import { CofferError, KiB } from '@coffer/core';
import type { Transport } from '@coffer/protocol';
import type { TokenBucket } from './token-bucket.ts';

/** Passed at a time: small beside any sensible limit, large beside the cost of a call. */
const sliceBytes = 64 * KiB;

/** One bucket for each direction, shared by all connections that are held to them. */
export interface Buckets {
  readonly up: TokenBucket;
  readonly down: TokenBucket;
}

/** A transport whose bytes pass two token buckets, in slices so that frames of megabytes move all the time. Owns `inner`. */
export class LimitedTransport implements Transport {
  readonly exporter: Uint8Array;
  readonly closed: Promise<void>;
  readonly #inner: Transport;
  readonly #buckets: Buckets;
  readonly #gone = new AbortController();
  /** Writes that wait for their turn, in the order called. */
  #last: Promise<void> = Promise.resolve();

  constructor(inner: Transport, buckets: Buckets) {
    this.#inner = inner;
    this.#buckets = buckets;
    this.exporter = inner.exporter;
    this.closed = inner.closed;
    void this.closed.then(() => this.#end());
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return this.#received();
  }

  write(parts: readonly Uint8Array[]): Promise<void> {
    const written = this.#last.then(() => this.#write(parts));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  destroy(): void {
    this.#inner.destroy();
    this.#end();
  }

  async *#received(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#inner.incoming) {
      try {
        await this.#buckets.down.take(bytes.byteLength, this.#gone.signal);
      } catch {
        // Closed meanwhile: what came before that is still good.
      }
      yield bytes;
    }
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    for (const slice of slices(parts)) {
      const bytes = slice.reduce((sum, part) => sum + part.byteLength, 0);
      await this.#buckets.up.take(bytes, this.#gone.signal);
      await this.#inner.write(slice);
    }
  }

  #end(): void {
    this.#gone.abort(new CofferError('UNREACHABLE', 'the connection to the server is closed'));
  }
}

/** The same bytes in groups of at most {@link sliceBytes}. */
function* slices(parts: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let slice: Uint8Array[] = [];
  let room = sliceBytes;
  for (const part of parts) {
    for (let at = 0; at < part.byteLength;) {
      const piece = part.subarray(at, at + room);
      slice.push(piece);
      at += piece.byteLength;
      room -= piece.byteLength;
      if (room > 0) continue;
      yield slice;
      slice = [];
      room = sliceBytes;
    }
  }
  if (slice.length > 0) yield slice;
}
