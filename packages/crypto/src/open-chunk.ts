import { equalBytes, integrityError, type ChunkId, type Hash } from '@coffer/core';
import { aeadOpenReusing, nonceBytes, tagBytes } from './aead.ts';
import {
  chunkAssociatedData,
  chunkEncodings,
  chunkHeadBytes,
  chunkInnerHeadBytes,
  maxChunkBytes,
  maxPaddingBytes,
  maxSealedChunkBytes,
  zeros,
} from './chunk-format.ts';
import { hashPlain } from './chunk-keys.ts';
import { suite } from './seal.ts';
import { ZstdDecompressor } from './zstd-context.ts';
import { isOneZstdFrame } from './zstd-frame.ts';

/**
 * The front of a chunk tuple, whichever form the rest has (JOURNAL §Append *Content*). `storedBytes` is for planning alone: the
 * chunk may lie there since another version or level of zstd sealed it.
 */
export type ChunkFacts = readonly [
  plainHash: Hash,
  plainBytes: number,
  storedBytes: number,
  ...rest: readonly unknown[],
];

export interface OpenChunkInput {
  readonly id: ChunkId;
  readonly key: Uint8Array;
  /** The sealed chunk as it came from the server; only read. */
  readonly sealed: Uint8Array;
  readonly tuple: ChunkFacts;
}

/**
 * The plain bytes of a chunk, exactly those that the tuple promises, in a new array.
 * Order of checks: lengths, tag, bounded decompression, exact length, SHA-256 (CRYPTO §Chunks *Open*).
 * @throws INTEGRITY whatever is wrong with it
 */
export function openChunk(input: OpenChunkInput): Uint8Array {
  return Uint8Array.from(checked(input));
}

/**
 * As {@link openChunk}, into `target` from `offset`, where there must be room for what the tuple promises. Nothing is written
 * unless everything was checked. Returns the bytes written.
 */
export function openChunkInto(input: OpenChunkInput, target: Uint8Array, offset: number): number {
  const plain = checked(input);
  target.set(plain, offset);
  return plain.byteLength;
}

/** In memory that the next call may use again. */
function checked(input: OpenChunkInput): Uint8Array {
  const plain = opened(input);
  if (plain === undefined || !equalBytes(hashPlain(plain), input.tuple[0])) throw integrityError('A chunk');
  return plain;
}

function opened(input: OpenChunkInput): Uint8Array | undefined {
  const { sealed, tuple } = input;
  const [, plainBytes] = tuple;
  if (sealed.byteLength > maxSealedChunkBytes || sealed.byteLength < minSealedChunkBytes) return undefined;
  if (sealed[0] !== suite || plainBytes < 1 || plainBytes > maxChunkBytes) return undefined;
  const inner = aeadOpenReusing({
    key: input.key,
    nonce: sealed.subarray(1, 1 + nonceBytes),
    associatedData: chunkAssociatedData(input.id),
    sealed: sealed.subarray(chunkHeadBytes),
  });
  return inner && expanded(inner, plainBytes);
}

const minSealedChunkBytes = chunkHeadBytes + chunkInnerHeadBytes + tagBytes;

/** Whoever wrote the chunk held its key, and may still be hostile: another member of a shared vault. */
function expanded(inner: Uint8Array, expectedBytes: number): Uint8Array | undefined {
  const payloadEnd = chunkInnerHeadBytes + new DataView(inner.buffer, inner.byteOffset).getUint32(1);
  if (payloadEnd > inner.byteLength || !isPadding(inner.subarray(payloadEnd))) return undefined;
  const payload = inner.subarray(chunkInnerHeadBytes, payloadEnd);
  if (inner[0] === chunkEncodings.zstd) return decompressed(payload, expectedBytes);
  return inner[0] === chunkEncodings.raw && payload.byteLength === expectedBytes ? payload : undefined;
}

function isPadding(bytes: Uint8Array): boolean {
  return bytes.byteLength <= maxPaddingBytes && Buffer.compare(bytes, zeros.subarray(0, bytes.byteLength)) === 0;
}

/** 8 MiB: twice the largest chunk, and what every zstd decoder must support (RFC 8878 §3.1.1.1.2). */
const windowLogMax = 23;

/** One for each thread. */
let decompressor: ZstdDecompressor | undefined;

function decompressed(payload: Uint8Array, expectedBytes: number): Uint8Array | undefined {
  if (!isOneZstdFrame(payload)) return undefined;
  decompressor ??= new ZstdDecompressor({ windowLogMax });
  return decompressor.decompress(payload, expectedBytes);
}
