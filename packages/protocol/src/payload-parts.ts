import { KiB } from '@coffer/core';

/** Smaller pieces are copied together: each array costs some 200 bytes of its own. */
const smallBytes = 4 * KiB;
/** Memory for small pieces: first this much, then as much as all before, up to the larger. */
const firstTailBytes = 4 * KiB;
const largestTailBytes = 64 * KiB;
/** A view is kept when it is at least this share of the memory that it keeps alive. */
const keptShare = 1 / 4;

/** A payload that comes in pieces: keeps them, and puts them together in one copy when all are there. */
export class PayloadParts {
  readonly #parts: Uint8Array[] = [];
  /** Room for small pieces. */
  #tail: Uint8Array = nothing;
  /** Small pieces that are not among the parts yet; they lie at the start of the tail. */
  #tailUsed = 0;
  #bytes = 0;

  /** Of the payload so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The memory that they take, bytes, about. */
  get heldBytes(): number {
    return this.#bytes + this.#tail.byteLength;
  }

  add(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#bytes += piece.byteLength;
    if (piece.byteLength < smallBytes || piece.byteLength < keptShare * piece.buffer.byteLength)
      return this.#copy(piece);
    this.#endTail();
    this.#parts.push(piece);
  }

  /** The payload in one piece of memory of its own; then this is empty again. */
  join(): Uint8Array {
    this.#endTail();
    // Not zeroed and not pooled: it is filled before anyone sees it, and goes back as a whole.
    const { buffer, byteOffset } = Buffer.allocUnsafeSlow(this.#bytes);
    const payload = new Uint8Array(buffer, byteOffset, this.#bytes);
    let offset = 0;
    for (const part of this.#parts) {
      payload.set(part, offset);
      offset += part.byteLength;
    }
    this.#parts.length = 0;
    this.#bytes = 0;
    this.#tail = nothing;
    return payload;
  }

  #copy(piece: Uint8Array): void {
    let rest = piece;
    while (rest.byteLength > 0) {
      if (this.#tailUsed === this.#tail.byteLength) this.#newTail();
      const some = rest.subarray(0, this.#tail.byteLength - this.#tailUsed);
      this.#tail.set(some, this.#tailUsed);
      this.#tailUsed += some.byteLength;
      rest = rest.subarray(some.byteLength);
    }
  }

  #newTail(): void {
    this.#endTail();
    const { buffer } = Buffer.allocUnsafeSlow(Math.min(Math.max(this.#bytes, firstTailBytes), largestTailBytes));
    this.#tail = new Uint8Array(buffer);
  }

  #endTail(): void {
    if (this.#tailUsed === 0) return;
    this.#parts.push(this.#tail.subarray(0, this.#tailUsed));
    this.#tail = this.#tail.subarray(this.#tailUsed);
    this.#tailUsed = 0;
  }
}

const nothing = new Uint8Array(0);
