import type { ChunkId, Random } from '@coffer/core';
import { aeadSealInto, nonceBytes } from './aead.ts';
import {
  chunkAssociatedData,
  chunkEncodings,
  chunkHeadBytes,
  chunkInnerHeadBytes,
  maxChunkBytes,
  sealedChunkBound,
  zeros,
} from './chunk-format.ts';
import { compressWorthwhile } from './compress.ts';
import { padmeLength } from './padme.ts';
import { suite } from './seal.ts';

export interface SealChunkInput {
  readonly id: ChunkId;
  /** 32 bytes, from {@link ChunkKeys}. */
  readonly key: Uint8Array;
  /** 1 byte to 4 MiB; only read. */
  readonly plain: Uint8Array;
  readonly random: Random;
  /** zstd level, 3 unless told. */
  readonly level?: number;
}

/** Seals one chunk into a new array (CRYPTO §Chunks *Body*). Synchronous: for worker lanes. */
export function sealChunk(input: SealChunkInput): Uint8Array {
  const target = new Uint8Array(sealedChunkBound(input.plain.byteLength));
  return target.subarray(0, sealChunkInto(input, target, 0));
}

/**
 * Seals one chunk into `target` from `offset` and returns the bytes written, at most `sealedChunkBound(plain)`.
 * @throws RangeError when `target` is too small or `plain` is not 1 byte to 4 MiB
 */
export function sealChunkInto(input: SealChunkInput, target: Uint8Array, offset: number): number {
  const { plain } = input;
  if (plain.byteLength === 0 || plain.byteLength > maxChunkBytes) throw new RangeError('a chunk has 1 byte to 4 MiB');
  const packed = compressWorthwhile(plain, input.level);
  const payload = packed ?? plain;
  const sealedBytes = sealedChunkBound(payload.byteLength);
  if (offset + sealedBytes > target.byteLength) throw new RangeError('the target is too small for this chunk');
  const nonce = input.random.bytes(nonceBytes);
  target[offset] = suite;
  target.set(nonce, offset + 1);
  const parts = innerParts(payload, packed === undefined ? chunkEncodings.raw : chunkEncodings.zstd);
  const sealing = { key: input.key, nonce, associatedData: chunkAssociatedData(input.id), parts };
  return chunkHeadBytes + aeadSealInto(sealing, target, offset + chunkHeadBytes);
}

function innerParts(payload: Uint8Array, encoding: number): readonly Uint8Array[] {
  const head = new Uint8Array(chunkInnerHeadBytes);
  head[0] = encoding;
  new DataView(head.buffer).setUint32(1, payload.byteLength);
  const realBytes = chunkInnerHeadBytes + payload.byteLength;
  return [head, payload, zeros.subarray(0, padmeLength(realBytes) - realBytes)];
}
