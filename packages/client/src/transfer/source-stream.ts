import type { Timestamp } from '@coffer/core';

/** Bytes that arrive in parts, from standard input for one. */
export class SourceStream implements Disposable {
  readonly mtime: Timestamp = [0, 0];
  readonly mode = 0;
  #part: Uint8Array = new Uint8Array(0);
  #ended = false;
  #total = 0;

  get size(): number {
    return this.#total;
  }

  /** Nothing to read now, but there may be later. */
  get isWaiting(): boolean {
    return this.#part.byteLength === 0 && !this.#ended;
  }

  get isAtEnd(): boolean {
    return this.#ended && this.#part.byteLength === 0;
  }

  /** One part at a time, after the one before was read; empty at the end. */
  push(part: Uint8Array): void {
    if (this.#part.byteLength > 0) throw new TypeError('a part came before the one before it was read');
    if (part.byteLength === 0) this.#ended = true;
    else this.#part = part;
  }

  read(target: Uint8Array): number {
    const bytes = this.#part.subarray(0, target.byteLength);
    target.set(bytes);
    this.#part = this.#part.subarray(bytes.byteLength);
    this.#total += bytes.byteLength;
    return bytes.byteLength;
  }

  isUnchanged(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.#part = new Uint8Array(0);
  }
}
