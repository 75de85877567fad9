import type { Transport } from '@coffer/protocol';
import { FrameKind } from '../src/frame-kind.ts';

interface Bulk {
  readonly pieces: readonly Uint8Array[];
  readonly times: number;
}

/** Plays a client: sends requests, each after the answer to the one before, then so many times the same pieces. Costs next to nothing. */
export class BenchTransport implements Transport {
  readonly exporter = new Uint8Array(32);
  readonly closed: Promise<void>;
  readonly incoming: AsyncIterable<Uint8Array>;
  writtenBytes = 0;
  readonly #closed = Promise.withResolvers<void>();
  #answered: (() => void) | undefined;

  constructor(requests: readonly Uint8Array[], bulk?: Bulk) {
    this.closed = this.#closed.promise;
    this.incoming = this.#play(requests, bulk);
  }

  async *#play(requests: readonly Uint8Array[], bulk?: Bulk): AsyncGenerator<Uint8Array, void, undefined> {
    for (const frame of requests) {
      const answer = new Promise<void>((resolve) => {
        this.#answered = resolve;
      });
      yield frame;
      if (frame === requests.at(-1)) break;
      await answer;
    }
    for (let time = 0; time < (bulk?.times ?? 0); time += 1) yield* bulk?.pieces ?? [];
    if (bulk === undefined) await this.closed;
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    this.#answered?.();
    for (const part of parts) this.writtenBytes += part.byteLength;
    // The kind of the last frame: END is all that a download still wants.
    if (parts.at(-1)?.[4] === FrameKind.end) this.destroy();
  }

  async close(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    this.#closed.resolve();
  }
}
