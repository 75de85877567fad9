import { concatBytes, sha256, u32, utf8 } from '@coffer/core';

/** Bytes that the 32-bit gear hash remembers: each step shifts the oldest one bit further out. */
export const gearWindowBytes = 32;

/**
 * A hash below this, unsigned, proposes a cut: its fourteen top bits are zero, 64 times per MiB. The top bits depend on the whole
 * window, the low ones only on the last few bytes.
 */
export const candidateLimit = 2 ** 18;

/**
 * 256 public constants: `u32(SHA-256("coffer/1 gear" ‖ u32 index))`. Nothing rests on their secrecy: the PRF decides.
 * The hash of a window is `hash = (hash << 1) + table[byte]` over its bytes, modulo 2^32.
 */
export const gearTable = Int32Array.from({ length: 256 }, (_, index) => {
  const digest = sha256(concatBytes(utf8('coffer/1 gear'), u32(index)));
  return new DataView(digest.buffer).getInt32(0);
});
