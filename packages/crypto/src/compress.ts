import { constants, zstdCompressSync } from 'node:zlib';
import { KiB } from '@coffer/core';

/** zstd level of chunks: the knee of its curve; 4 and above cost twice the time for 2 %. */
const defaultLevel = 3;

/** Compressed bytes must be at most this share of the plain ones, else the plain ones are kept (CRYPTO §Chunks: saves < 3 %). */
const worthwhileShare = 0.97;

/** From this size on a sample decides first; below, compressing noise costs hardly more than sampling it. */
const sampleFromBytes = 64 * KiB;
const samples = 8;
const sampleBytes = 2 * KiB;

/** A sample says yes sooner than the whole: a wrong yes costs time, a wrong no costs space for ever. */
const promisingShare = 0.99;
const sampleLevel = 1;

/** zstd of `plain`, or `undefined` when it would save less than 3 %. */
export function compressWorthwhile(plain: Uint8Array, level: number = defaultLevel): Uint8Array | undefined {
  if (plain.byteLength >= sampleFromBytes && !looksCompressible(plain)) return undefined;
  const packed = compress(plain, level);
  return packed.byteLength <= plain.byteLength * worthwhileShare ? packed : undefined;
}

function looksCompressible(plain: Uint8Array): boolean {
  const sample = new Uint8Array(samples * sampleBytes);
  const stride = Math.floor((plain.byteLength - sampleBytes) / (samples - 1));
  for (let index = 0; index < samples; index += 1) {
    sample.set(plain.subarray(index * stride, index * stride + sampleBytes), index * sampleBytes);
  }
  return compress(sample, sampleLevel).byteLength <= sample.byteLength * promisingShare;
}

function compress(plain: Uint8Array, level: number): Uint8Array {
  return zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    pledgedSrcSize: plain.byteLength,
    chunkSize: outputBytes(plain.byteLength),
  });
}

/** Room for the worst case (ZSTD_compressBound: n + n/256 + 64 B at most), so that nothing is joined afterwards. */
function outputBytes(plainBytes: number): number {
  return plainBytes + (plainBytes >> 8) + 512;
}
