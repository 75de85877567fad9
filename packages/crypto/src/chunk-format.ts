import { KiB, MiB } from '@coffer/core';
import { nonceBytes, tagBytes } from './aead.ts';
import { padmeLength } from './padme.ts';
import { suite } from './seal.ts';

/** A sealed chunk: `suite(1) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`. */
export const chunkHeadBytes = 1 + nonceBytes;

/** Inside the ciphertext: `encoding(1) ‖ payload length(u32) ‖ payload ‖ zeros` (Padmé). */
export const chunkInnerHeadBytes = 5;

/** What the payload is. */
export const chunkEncodings = { raw: 0, zstd: 1 } as const;

/** Largest plain chunk (CRYPTO §Chunks): with padding it still fits one DATA frame. */
export const maxChunkBytes = 4 * MiB;

/** Smallest piece that content decides about, and the size up to which a file is one chunk. */
export const minChunkBytes = 256 * KiB;

/** Bytes that a sealed chunk takes at most: padded raw bytes; compressed ones are shorter. */
export function sealedChunkBound(plainBytes: number): number {
  return chunkHeadBytes + padmeLength(chunkInnerHeadBytes + plainBytes) + tagBytes;
}

/** Largest sealed chunk. */
export const maxSealedChunkBytes = sealedChunkBound(maxChunkBytes);

/** Most padding that a chunk has: Padmé rounds 4 MiB to steps of 128 KiB. */
export const maxPaddingBytes = 128 * KiB;

/** Padding of every length. Never written to. */
export const zeros = new Uint8Array(maxPaddingBytes);

/** `lp(suite, id)`: a chunk is bound to its name. */
export function chunkAssociatedData(id: Uint8Array): Uint8Array {
  if (id.byteLength !== 32) throw new RangeError('a chunk id has 32 bytes');
  const bytes = new Uint8Array(associatedDataHead.byteLength + 32);
  bytes.set(associatedDataHead);
  bytes.set(id, associatedDataHead.byteLength);
  return bytes;
}

/** The constant part, spelled out because this runs for every chunk. */
const associatedDataHead = Uint8Array.of(0, 0, 0, 1, suite, 0, 0, 0, 32);
