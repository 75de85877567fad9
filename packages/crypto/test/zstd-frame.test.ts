import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { concatBytes, systemRandom } from '@coffer/core';
import fc from 'fast-check';
import { isOneZstdFrame } from '../src/zstd-frame.ts';

const plain = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.integer({ min: 0, max: 600_000 }).map((length) => new Uint8Array(length).fill(3)),
  fc.integer({ min: 0, max: 600_000 }).map((length) => systemRandom.bytes(length)),
);
const options = fc.record({
  level: fc.constantFrom(-5, 1, 3, 9),
  checksum: fc.constantFrom(0, 1),
  contentSize: fc.constantFrom(0, 1),
});

function frameOf(
  bytes: Uint8Array,
  { level, checksum, contentSize }: { level: number; checksum: number; contentSize: number },
): Uint8Array {
  return new Uint8Array(
    zstdCompressSync(bytes, {
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_checksumFlag]: checksum,
        [constants.ZSTD_c_contentSizeFlag]: contentSize,
      },
    }),
  );
}

describe('isOneZstdFrame', () => {
  test('whatever zstd writes is one frame, and neither less nor more of it is', () => {
    fc.assert(
      fc.property(plain, options, fc.nat(), (bytes, how, cut) => {
        const frame = frameOf(bytes, how);
        expect(isOneZstdFrame(frame)).toBe(true);
        expect(isOneZstdFrame(frame.subarray(0, cut % frame.byteLength))).toBe(false);
        expect(isOneZstdFrame(concatBytes(frame, Uint8Array.of(0)))).toBe(false);
        expect(isOneZstdFrame(concatBytes(frame, frame))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('frames that ask for a dictionary, use reserved bits or reserved blocks are none', () => {
    const header = (descriptor: number, ...rest: number[]) =>
      Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest);
    expect(isOneZstdFrame(header(0, 0x38, 0b001, 0, 0))).toBe(true);
    expect(isOneZstdFrame(header(1, 0x38, 7, 0b001, 0, 0))).toBe(false);
    expect(isOneZstdFrame(header(0b1000, 0x38, 0b001, 0, 0))).toBe(false);
    expect(isOneZstdFrame(header(0, 0x38, 0b111, 0, 0))).toBe(false);
  });
});
