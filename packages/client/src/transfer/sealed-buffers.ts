import { MiB } from '@coffer/core';
import { maxSealedChunkBytes } from '@coffer/crypto';

/** Sealed chunks are handed over from here on; small files fill it together. */
const handOverBytes = MiB;
/** Most chunks fit behind others into this; larger ones get a buffer of the larger kind. */
const smallBytes = MiB + 256 * 1024;
const largeBytes = maxSealedChunkBytes + 32;

/** Chunks sealed one behind the other, each `id ‖ sealed`. */
export interface SealedBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  used: number;
  readonly ends: number[];
}

/** Buffers that sealed chunks leave a lane in. At most `limitBytes` of them are away, so a slow network slows reading down. */
export class SealedBuffers {
  readonly #limitBytes: number;
  readonly #free: { readonly small: ArrayBuffer[]; readonly large: ArrayBuffer[] } = { small: [], large: [] };
  #awayBytes = 0;
  #current: SealedBuffer | undefined;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isEmpty(): boolean {
    return this.#current === undefined;
  }

  get isFull(): boolean {
    return this.#current !== undefined && this.#current.used >= handOverBytes;
  }

  /** Where `bytes` more fit behind what is there; undefined when the buffer must be handed over, or one come back, first. */
  room(bytes: number): SealedBuffer | undefined {
    const current = this.#current;
    if (current !== undefined) return current.used + bytes <= current.bytes.byteLength ? current : undefined;
    if (this.#awayBytes > 0 && this.#awayBytes + bytes > this.#limitBytes) return undefined;
    const size = bytes <= smallBytes ? 'small' : 'large';
    const buffer = this.#free[size].pop() ?? new ArrayBuffer(size === 'small' ? smallBytes : largeBytes);
    this.#current = { bytes: new Uint8Array(buffer), used: 0, ends: [] };
    return this.#current;
  }

  /** The buffer to hand over; from now on its bytes count as away. */
  take(): SealedBuffer | undefined {
    const taken = this.#current;
    this.#current = undefined;
    this.#awayBytes += taken?.used ?? 0;
    return taken;
  }

  recycle(buffer: ArrayBuffer, bytes: number): void {
    this.#awayBytes -= bytes;
    if (buffer.byteLength === smallBytes) this.#free.small.push(buffer);
    else if (this.#free.large.length < 2) this.#free.large.push(buffer);
  }
}
