import { KiB } from '@coffer/core';
import { ZstdCompressor } from './zstd-context.ts';

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

/** zstd of `plain`, in memory that the next call uses again, or `undefined` when it would save less than 3 %. */
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

/** One context for each level and thread. */
const compressors = new Map<number, ZstdCompressor>();

function compress(plain: Uint8Array, level: number): Uint8Array {
  let compressor = compressors.get(level);
  if (compressor === undefined) compressors.set(level, (compressor = new ZstdCompressor(level)));
  return compressor.compress(plain);
}
