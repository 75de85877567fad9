import { concatBytes, CofferError } from '@coffer/core';
import type { Transport } from '../transport.ts';

export interface MemoryTransportOptions {
  /** Bytes that one direction holds before writes wait. Default 256 KiB. */
  readonly bufferBytes?: number;
  /** How a write arrives: as these pieces. Default in one. */
  readonly cut?: (bytes: Uint8Array) => readonly Uint8Array[];
  /** 32 bytes, the same on both sides. */
  readonly exporter?: Uint8Array;
}

/** A transport within one process, with means to misbehave. */
export interface MemoryTransport extends Transport {
  /** True once either side has ended or destroyed it. */
  readonly ended: boolean;
  /** Bytes that the peer has written and nobody has read. */
  readonly unreadBytes: number;
}

/** Two ends of one connection in memory: what one writes, the other reads; bytes are copied as a network would. */
export function createMemoryTransportPair(options: MemoryTransportOptions = {}): [MemoryTransport, MemoryTransport] {
  const [there, back] = [new Pipe(options), new Pipe(options)];
  const exporter = options.exporter ?? new Uint8Array(32).fill(7);
  return [new MemoryEnd(back, there, exporter), new MemoryEnd(there, back, exporter)];
}

class MemoryEnd implements MemoryTransport {
  readonly exporter: Uint8Array;
  readonly closed: Promise<void>;
  readonly #from: Pipe;
  readonly #to: Pipe;

  constructor(from: Pipe, to: Pipe, exporter: Uint8Array) {
    this.#from = from;
    this.#to = to;
    this.exporter = exporter;
    this.closed = Promise.all([from.done, to.done]).then(() => undefined);
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return this.#from.read();
  }

  get ended(): boolean {
    return this.#from.ended || this.#to.ended;
  }

  get unreadBytes(): number {
    return this.#from.unreadBytes;
  }

  write(parts: readonly Uint8Array[]): Promise<void> {
    return this.#to.write(concatBytes(...parts));
  }

  async close(): Promise<void> {
    this.#to.end();
    this.#from.abandon();
    await this.closed;
  }

  destroy(): void {
    this.#to.end();
    this.#to.abandon();
    this.#from.end();
    this.#from.abandon();
  }
}

/** One direction. Done when it was ended and everything in it was read or is read no more. */
class Pipe {
  readonly #bufferBytes: number;
  readonly #cut: (bytes: Uint8Array) => readonly Uint8Array[];
  readonly #pieces: Uint8Array[] = [];
  readonly #done = Promise.withResolvers<void>();
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];
  #abandoned = false;
  ended = false;
  unreadBytes = 0;

  constructor({ bufferBytes = 256 * 1024, cut = (bytes) => [bytes] }: MemoryTransportOptions) {
    this.#bufferBytes = bufferBytes;
    this.#cut = cut;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    for (const piece of this.#abandoned ? [] : this.#cut(bytes)) {
      this.#pieces.push(piece);
      this.unreadBytes += piece.byteLength;
    }
    this.#wakeReader?.();
    while (this.unreadBytes >= this.#bufferBytes && !this.ended) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    this.#checkOpen();
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#taken(piece.byteLength);
        yield piece;
      } else if (this.ended) {
        this.#done.resolve();
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  end(): void {
    this.ended = true;
    if (this.#abandoned) this.#done.resolve();
    this.#wakeReader?.();
    this.#wake();
  }

  /** Nobody reads any more: what comes is lost, and never holds up the writer. */
  abandon(): void {
    this.#abandoned = true;
    this.#pieces.length = 0;
    this.#taken(this.unreadBytes);
    if (this.ended) this.#done.resolve();
  }

  #taken(bytes: number): void {
    this.unreadBytes -= bytes;
    if (this.unreadBytes < this.#bufferBytes) this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }

  #checkOpen(): void {
    if (this.ended) throw new CofferError('UNREACHABLE', 'the connection is closed');
  }
}
