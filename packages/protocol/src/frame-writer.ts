import { CofferError, type Clock } from '@coffer/core';
import { encodeFrame, encodeFrameHeader, type FrameHeader } from './frame.ts';
import type { Transport } from './transport.ts';

/** Payloads up to this size travel in one piece with their header: copying them costs less than a part of their own. */
const joinedBytes = 4096;

interface Item {
  readonly stream: number;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export interface FrameWriterDeps {
  readonly clock: Clock;
  readonly pieceBytes: number;
  /** The transport failed: perhaps half a frame is written, so nothing can follow. */
  readonly onLost: (error: CofferError) => void;
}

/**
 * Puts frames on the transport, whole and one after the other; all others go before DATA that waits. Payloads are not
 * copied. Writes by pieces, so that a slow peer is told from a dead one.
 */
export class FrameWriter {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #pieceBytes: number;
  readonly #onLost: (error: CofferError) => void;
  readonly #control: Item[] = [];
  readonly #data: Item[] = [];
  #running = false;
  #failure: { readonly reason: unknown } | undefined;
  #writingSinceMs: number | undefined;
  #lastWrittenMs: number;
  #lastBulkMs: number;

  constructor(transport: Transport, deps: FrameWriterDeps) {
    this.#transport = transport;
    this.#onLost = deps.onLost;
    this.#clock = deps.clock;
    this.#pieceBytes = deps.pieceBytes;
    this.#lastWrittenMs = deps.clock.monotonicMs();
    this.#lastBulkMs = this.#lastWrittenMs;
  }

  /** When the write that the peer has not taken yet began, monotonic ms. */
  get writingSinceMs(): number | undefined {
    return this.#writingSinceMs;
  }

  /** When something was last written, monotonic ms. */
  get lastWrittenMs(): number {
    return this.#lastWrittenMs;
  }

  /** When the transport last took a large piece, monotonic ms: a peer that is gone would soon leave no room for it. */
  get lastBulkMs(): number {
    return this.#lastBulkMs;
  }

  /** Resolves when the transport has room again; the payload must stay untouched until then. @throws UNREACHABLE */
  control(header: FrameHeader, payload: Uint8Array): Promise<void> {
    return this.#enqueue(this.#control, header, [[payload]]);
  }

  /** As {@link control}, behind all control frames; `payloads`, each a frame, in parts that are never joined when large. */
  data(header: FrameHeader, payloads: readonly (readonly Uint8Array[])[]): Promise<void> {
    return this.#enqueue(this.#data, header, payloads);
  }

  /** DATA of `stream` that is not being written yet fails with `reason` and is never sent; half a frame is finished. */
  drop(stream: number, reason: unknown): void {
    const waiting = this.#data.splice(0);
    for (const item of waiting) {
      if (item.stream === stream) item.reject(reason);
      else this.#data.push(item);
    }
  }

  /** Everything that waits, and every later write, fails. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    for (const item of [...this.#control.splice(0), ...this.#data.splice(0)]) item.reject(reason);
  }

  #enqueue(queue: Item[], header: FrameHeader, payloads: readonly (readonly Uint8Array[])[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason);
    const frames = payloads.flatMap((payload) => framed(header, payload));
    const bytes = sumBytes(frames);
    // The TLS of Node copies whatever comes in several parts, and each part is a call: many small frames become one here.
    const parts = payloads.length > 1 ? [join(frames, bytes)] : frames;
    return new Promise((resolve, reject) => {
      queue.push({ stream: header.stream, parts, bytes, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let items = this.#takeItems(); items.length > 0; items = this.#takeItems()) {
      try {
        await this.#write(items.flatMap((item) => item.parts));
        for (const item of items) item.resolve();
      } catch (cause) {
        const error = lostError(cause);
        for (const item of items) item.reject(error);
        this.fail(error);
        this.#onLost(error);
      }
    }
    this.#running = false;
  }

  /** Frames that travel in one write: one, and as many more as fit a piece. */
  #takeItems(): Item[] {
    const items: Item[] = [];
    let bytes = 0;
    for (;;) {
      const queue = this.#control.length > 0 ? this.#control : this.#data;
      const next = queue[0];
      if (next === undefined || (items.length > 0 && bytes + next.bytes > this.#pieceBytes)) return items;
      queue.shift();
      items.push(next);
      bytes += next.bytes;
    }
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    for (const piece of cutParts(parts, this.#pieceBytes)) {
      this.#writingSinceMs = this.#clock.monotonicMs();
      try {
        await this.#transport.write(piece);
        if (sumBytes(piece) === this.#pieceBytes) this.#lastBulkMs = this.#clock.monotonicMs();
      } finally {
        this.#writingSinceMs = undefined;
      }
    }
    this.#lastWrittenMs = this.#clock.monotonicMs();
  }
}

/** The same bytes in groups of at most `pieceBytes`. */
function* cutParts(
  parts: readonly Uint8Array[],
  pieceBytes: number,
): Generator<readonly Uint8Array[], void, undefined> {
  let group: Uint8Array[] = [];
  let room = pieceBytes;
  for (const part of parts) {
    for (let offset = 0; offset < part.byteLength;) {
      const piece = part.subarray(offset, offset + room);
      group.push(piece);
      offset += piece.byteLength;
      room -= piece.byteLength;
      if (room > 0) continue;
      yield group;
      [group, room] = [[], pieceBytes];
    }
  }
  if (group.length > 0) yield group;
}

/** Bytes of all parts together. */
export function sumBytes(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.byteLength;
  return bytes;
}

function framed(header: FrameHeader, payload: readonly Uint8Array[]): Uint8Array[] {
  const bytes = sumBytes(payload);
  if (bytes <= joinedBytes) return [encodeFrame(header, join(payload, bytes))];
  return [encodeFrameHeader(header, bytes), ...payload];
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const joined = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}

/** The transport is gone, whatever it said. */
function lostError(cause: unknown): CofferError {
  if (cause instanceof CofferError) return cause;
  return new CofferError('UNREACHABLE', 'the connection was lost', { cause });
}
