import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { kdf } from '@coffer/core';
import { ZstdCompressor, ZstdDecompressor } from '../src/zstd-context.ts';

/** Bytes that nothing compresses, the same in every run. */
function noise(bytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) => kdf(new Uint8Array(32), 'noise', index));
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, bytes));
}

const level = 3;
/** A Node that keeps its native context to itself. */
const hidden = (): unknown => ({});

const inputs = [
  noise(1),
  new TextEncoder().encode('the quick brown fox '.repeat(1000)),
  noise(100 * 1024),
  new Uint8Array(4 * 2 ** 20),
];

describe.each([
  ['the native context', undefined],
  ['a Node that hides it', hidden],
])('zstd with %s', (_name, open) => {
  const compressor = new ZstdCompressor(level, open);
  const open23 = (): ZstdDecompressor => new ZstdDecompressor({ windowLogMax: 23 }, open);

  test('makes the frames that zstd makes of each input alone, whatever came before', () => {
    for (const plain of [...inputs, ...inputs.toReversed()]) {
      const params = { [constants.ZSTD_c_compressionLevel]: level };
      const alone = zstdCompressSync(plain, { params, pledgedSrcSize: plain.byteLength });
      expect(Buffer.compare(compressor.compress(plain), alone)).toBe(0);
    }
  });

  test('reads one frame after the other', () => {
    const decompressor = open23();
    for (const plain of inputs) {
      const frame = Uint8Array.from(compressor.compress(plain));
      const read = decompressor.decompress(frame, plain.byteLength);
      expect(read !== undefined && Buffer.compare(read, plain) === 0).toBe(true);
    }
  });

  test.each([
    [
      'a byte is damaged',
      (frame: Uint8Array) => frame.with(frame.byteLength >> 1, frame[frame.byteLength >> 1]! ^ 0xff),
      0,
    ],
    ['the frame is cut', (frame: Uint8Array) => frame.subarray(0, -5), 0],
    ['it holds more than expected', (frame: Uint8Array) => frame, -1],
    ['it holds less than expected', (frame: Uint8Array) => frame, 1],
  ])('where %s nothing comes out, and the next frame is read as ever', (_what, change, difference) => {
    const decompressor = open23();
    const plain = new TextEncoder().encode('abcdefghij'.repeat(50) + noise(99).toHex());
    const frame = Uint8Array.from(compressor.compress(plain));
    const read = decompressor.decompress(change(frame), plain.byteLength + difference);
    expect(read === undefined || Buffer.compare(read, plain) !== 0).toBe(true);
    expect(Buffer.compare(decompressor.decompress(frame, plain.byteLength) ?? new Uint8Array(0), plain)).toBe(0);
  });
});
