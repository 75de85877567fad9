import { KiB } from '@coffer/core';

/** Shortest run of zero bytes that becomes a hole (CRYPTO §Chunks). */
export const minHoleBytes = 64 * KiB;

const zeroBlock = new Uint8Array(minHoleBytes);

/** Length of the run of zero bytes that starts at `from`, up to `to`. */
export function zerosForward(bytes: Uint8Array, from: number, to: number): number {
  let index = from;
  // memcmp runs ten times faster than a loop here, and holes are what is long.
  while (to - index >= minHoleBytes && isZeroBlock(bytes, index)) index += minHoleBytes;
  while (index < to && bytes[index] === 0) index += 1;
  return index - from;
}

/** Length of the run of zero bytes that ends before `to`, down to `from`. */
export function zerosBackward(bytes: Uint8Array, from: number, to: number): number {
  let index = to;
  while (index > from && bytes[index - 1] === 0) index -= 1;
  return to - index;
}

function isZeroBlock(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === 0 && Buffer.compare(bytes.subarray(from, from + minHoleBytes), zeroBlock) === 0;
}

/**
 * Start of the first run of at least 64 KiB zero bytes in [`from`, `to`), or -1. A run of that length covers a multiple of
 * 64 KiB counted from `from`, so one byte per 64 KiB is looked at.
 */
export function findHole(bytes: Uint8Array, from: number, to: number): number {
  let known = from;
  for (let probe = from; probe < to; probe += minHoleBytes) {
    if (bytes[probe] !== 0) continue;
    const start = probe - zerosBackward(bytes, known, probe);
    const end = probe + zerosForward(bytes, probe, Math.min(to, start + minHoleBytes));
    if (end - start >= minHoleBytes) return start;
    known = end;
  }
  return -1;
}
