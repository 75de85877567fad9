import { constants, zstdCompressSync } from 'node:zlib';
import { KiB } from '@coffer/core';

/** zstd level of chunks: the knee of its curve; 4 and above cost twice the time for 2 %. */
export const defaultLevel = 3;

/** Compressed bytes must be at most this share of the plain ones, else the plain ones are kept (CRYPTO §Chunks: saves < 3 %). */
const worthwhileShare = 0.97;

/** From this size on a sample decides first; below, compressing costs no more than sampling. */
const sampleFromBytes = 64 * KiB;
const samples = 4;
const sampleBytes = 4 * KiB;

/** zstd of `plain`, or `undefined` when it would save less than 3 %. */
export function compressWorthwhile(plain: Uint8Array, level: number = defaultLevel): Uint8Array | undefined {
  if (plain.byteLength >= sampleFromBytes && !looksCompressible(plain)) return undefined;
  return compressed(plain, level);
}

function compressed(plain: Uint8Array, level: number): Uint8Array | undefined {
  const packed = zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 },
    pledgedSrcSize: plain.byteLength,
    chunkSize: outputChunkBytes(plain.byteLength),
  });
  return packed.byteLength <= plain.byteLength * worthwhileShare ? packed : undefined;
}

/** One output buffer that always suffices (ZSTD_compressBound is n + n/256 + 64 KiB at most), so nothing is joined afterwards. */
function outputChunkBytes(plainBytes: number): number {
  return plainBytes + (plainBytes >> 8) + 512;
}

function looksCompressible(plain: Uint8Array): boolean {
  const sample = new Uint8Array(samples * sampleBytes);
  const stride = Math.floor((plain.byteLength - sampleBytes) / (samples - 1));
  for (let index = 0; index < samples; index += 1) {
    sample.set(plain.subarray(index * stride, index * stride + sampleBytes), index * sampleBytes);
  }
  return compressed(sample, 1) !== undefined;
}
