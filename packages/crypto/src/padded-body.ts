import { integrityError } from '@coffer/core';
import { padmeLength } from './padme.ts';

/**
 * `u32 length ‖ operations ‖ zeros` (CRYPTO §Epochs *body key*): names lie in a commit's body, and its length would give
 * away theirs. Padded to 256 bytes at least, which hides what one small commit is about, and to Padmé lengths beyond.
 */
export function padBody(operations: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(operations.byteLength));
  new DataView(padded.buffer).setUint32(0, operations.byteLength);
  padded.set(operations, lengthBytes);
  return padded;
}

/** What {@link padBody} was given; one content has one padding. @throws INTEGRITY */
export function unpadBody(padded: Uint8Array, what: string): Uint8Array {
  const length = padded.byteLength < lengthBytes ? 0 : new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  const end = lengthBytes + length;
  const isPadding = padded.byteLength === paddedLength(length) && padded.subarray(end).every((byte) => byte === 0);
  if (!isPadding) throw integrityError(what);
  return padded.subarray(lengthBytes, end);
}

const lengthBytes = 4;

/** Most commits of one operation fit. */
const minPaddedBytes = 256;

function paddedLength(operationBytes: number): number {
  return padmeLength(Math.max(minPaddedBytes, lengthBytes + operationBytes));
}
