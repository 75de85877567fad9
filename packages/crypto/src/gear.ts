import { sha256, u32, utf8, concatBytes } from '@coffer/core';

/** Bytes that the 32-bit gear hash remembers: each step shifts the oldest one bit further out. */
export const gearWindowBytes = 32;

/** Bits that must be zero for a candidate: one in 2^14 positions, 64 candidates per MiB. */
const candidateBits = 14;

/** The top bits: they depend on the whole window, the low ones only on the last few bytes. */
const candidateShift = 32 - candidateBits;

/**
 * 256 public constants: `u32(SHA-256("coffer/1 gear" ‖ u32 index))`. Nothing rests on their secrecy: the PRF decides.
 * An `Int32Array` because V8 keeps its loads in integer registers; with a `Uint32Array` the loop runs six times slower.
 */
export const gearTable = Int32Array.from({ length: 256 }, (_, index) => {
  const digest = sha256(concatBytes(utf8('coffer/1 gear'), u32(index)));
  return new DataView(digest.buffer).getInt32(0);
});

/**
 * The first end offset in [`from`, `to`] at which the gear hash of the 32 bytes before it proposes a cut, or -1.
 * `from` must be 32 or more. A function of its own, so that V8 compiles the loop alone (inlined it runs six times slower).
 */
export function nextCandidate(bytes: Uint8Array, from: number, to: number): number {
  if (from > to) return -1;
  let hash = 0;
  for (let index = from - gearWindowBytes; index < from; index += 1)
    hash = ((hash << 1) + gearTable[bytes[index]!]!) | 0;
  if (hash >>> candidateShift === 0) return from;
  return gearScan(bytes, from, to, hash);
}

function gearScan(bytes: Uint8Array, from: number, to: number, start: number): number {
  let hash = start;
  for (let index = from; index < to; index += 1) {
    hash = ((hash << 1) + gearTable[bytes[index]!]!) | 0;
    if (hash >>> candidateShift === 0) return index + 1;
  }
  return -1;
}
