import { MiB } from '@coffer/core';
import { cutterBufferBytes } from '@coffer/crypto';

/** Room for one more target chunk beyond what the cutter may need, so that few bytes are moved from buffer to buffer. */
const readBufferBytes = cutterBufferBytes + 2 * MiB;

/** A buffer that goes back to its pool when nobody holds it any more. */
export interface ReadBuffer {
  readonly bytes: Uint8Array;
  holders: number;
}

/** Buffers that files are read into; at most `limit` exist. */
export class ReadBuffers {
  readonly #limit: number;
  readonly #free: ReadBuffer[] = [];
  #made = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isExhausted(): boolean {
    return this.#free.length === 0 && this.#made >= this.#limit;
  }

  /** Held once. @throws RangeError when exhausted */
  take(): ReadBuffer {
    const buffer = this.#free.pop() ?? this.#make();
    buffer.holders = 1;
    return buffer;
  }

  release(buffer: ReadBuffer): void {
    buffer.holders -= 1;
    if (buffer.holders === 0) this.#free.push(buffer);
  }

  #make(): ReadBuffer {
    if (this.#made >= this.#limit) throw new RangeError('more read buffers are held than there are');
    this.#made += 1;
    return { bytes: new Uint8Array(readBufferBytes), holders: 0 };
  }
}
