import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { concatBytes, kdf, KiB, MiB, sha256, u32 } from '@coffer/core';
import { createCutter, cutterBufferBytes, maxChunkBytes, minChunkBytes, type Cutter } from '@coffer/crypto';
import fc from 'fast-check';
import { GearScanner } from '../src/gear-scanner.ts';
import { gearTable } from '../src/gear.ts';

const kCut = sha256(u32(1));
const cutter = createCutter(kCut);

/** Noise from a seed, the same in every run. */
function noise(bytes: number, seed: number): Uint8Array {
  let state = seed | 1;
  const words = Int32Array.from({ length: Math.ceil(bytes / 4) }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
  return new Uint8Array(words.buffer).slice(0, bytes);
}

/** Positive: bytes of data; negative: bytes of a hole. */
type Lengths = number[];

/** Cuts `file` through a buffer that is refilled by `steps` bytes at a time. */
function cutInSteps(file: Uint8Array, nextStep: () => number, by: Cutter = cutter): Lengths {
  const one = by.file();
  const lengths: Lengths = [];
  let [start, end] = [0, 0];
  for (;;) {
    const final = end === file.byteLength;
    const { pieces, consumed } = one.cut(file.subarray(start, end), final);
    for (const piece of pieces) {
      if (piece.kind === 'data' && piece.end > consumed) throw new Error('a piece beyond what was consumed');
      lengths.push(piece.kind === 'data' ? piece.end - piece.start : -piece.bytes);
    }
    start += consumed;
    if (final && start === file.byteLength) return lengths;
    if (final) throw new Error('bytes were left over');
    end = Math.min(file.byteLength, end + nextStep());
  }
}

const cutWhole = (file: Uint8Array, by?: Cutter): Lengths => cutInSteps(file, () => file.byteLength, by);

/** The rules of docs/CRYPTO.md §Cutting, written as naively as they read. */
function naiveCuts(file: Uint8Array, key: Uint8Array): Lengths {
  if (file.byteLength <= minChunkBytes) return file.byteLength === 0 ? [] : [file.byteLength];
  return naiveExtents(file).flatMap(({ start, end, hole }) =>
    hole ? [start - end] : naiveChunks(file.subarray(start, end), key),
  );
}

function naiveExtents(file: Uint8Array): { start: number; end: number; hole: boolean }[] {
  const extents: { start: number; end: number; hole: boolean }[] = [];
  let data = 0;
  for (let index = 0; index < file.byteLength;) {
    let end = index;
    while (end < file.byteLength && file[end] === 0) end += 1;
    if (end - index >= 64 * KiB) {
      if (index > data) extents.push({ start: data, end: index, hole: false });
      extents.push({ start: index, end, hole: true });
      data = end;
    }
    index = end + 1;
  }
  if (data < file.byteLength) extents.push({ start: data, end: file.byteLength, hole: false });
  return extents;
}

function naiveChunks(extent: Uint8Array, key: Uint8Array): Lengths {
  const lengths: Lengths = [];
  let start = 0;
  while (start < extent.byteLength) {
    let end = start + 256 * KiB;
    while (end < extent.byteLength && end < start + 4 * MiB && !naiveAccepts(extent, end, key)) end += 1;
    end = Math.min(end, extent.byteLength);
    lengths.push(end - start);
    start = end;
  }
  return lengths;
}

function naiveAccepts(bytes: Uint8Array, end: number, key: Uint8Array): boolean {
  if (naiveGear(bytes, end) >>> 18 !== 0) return false;
  const mac = createHmac('sha256', kdf(key, 'cut'))
    .update(bytes.subarray(end - 64, end))
    .digest();
  return mac.readUInt32BE(0) < Math.floor(2 ** 32 / 48);
}

function naiveGear(bytes: Uint8Array, end: number): number {
  let hash = 0;
  for (let index = end - 32; index < end; index += 1) hash = ((hash << 1) + gearTable[bytes[index]!]!) | 0;
  return hash;
}

describe('the gear loop', () => {
  test('proposes exactly the ends whose window hashes to fourteen zero bits', () => {
    const bytes = noise(600_000, 3);
    const scanner = new GearScanner();
    const proposed: number[] = [];
    scanner.find({ bytes, from: 64, to: bytes.byteLength }, (end) => proposed.push(end) === 0);
    const expected = Array.from({ length: bytes.byteLength - 63 }, (_, index) => index + 64).filter(
      (end) => naiveGear(bytes, end) >>> 18 === 0,
    );
    expect(expected.length).toBeGreaterThan(20);
    expect(proposed).toEqual(expected);
  });

  test('finds an end wherever the search began', () => {
    const bytes = noise(500_000, 6);
    const scanner = new GearScanner();
    const end = scanner.find({ bytes, from: 200_000, to: bytes.byteLength }, () => true);
    // The memory of the loop holds 130,016 ends: this begins on both sides of where the end is the last and the first one in it.
    const starts = Array.from({ length: 400 }, (_, index) => end - 130_216 + index);
    const found = starts.map((from) => scanner.find({ bytes, from, to: end }, (one) => one === end));
    expect(new Set(found)).toEqual(new Set([end]));
  });

  test('honours both ends of its range', () => {
    const bytes = noise(200_000, 4);
    const scanner = new GearScanner();
    const first = scanner.find({ bytes, from: 64, to: bytes.byteLength }, () => true);
    expect(scanner.find({ bytes, from: first, to: first }, () => true)).toBe(first);
    expect(scanner.find({ bytes, from: 64, to: first - 1 }, () => true)).toBe(-1);
    expect(scanner.find({ bytes, from: first, to: first - 1 }, () => true)).toBe(-1);
    expect(scanner.find({ bytes, from: first, to: bytes.byteLength }, (end) => end > first)).toBeGreaterThan(first);
  });
});

describe('cutting', () => {
  const file = noise(24 * MiB, 11);
  const whole = cutWhole(file);

  test('follows the written rules', () => {
    expect(cutWhole(file.subarray(0, 6 * MiB))).toEqual(naiveCuts(file.subarray(0, 6 * MiB), kCut));
  });

  test('keeps to 256 KiB and 4 MiB, about 1 MiB in the middle, and covers the file', () => {
    const many = [12, 13, 14].flatMap((seed) => cutWhole(noise(24 * MiB, seed)).slice(0, -1));
    expect(Math.min(...many)).toBeGreaterThanOrEqual(minChunkBytes);
    expect(Math.max(...many)).toBeLessThanOrEqual(maxChunkBytes);
    const mean = many.reduce((sum, bytes) => sum + bytes, 0) / many.length;
    expect(mean).toBeGreaterThan(0.75 * MiB);
    expect(mean).toBeLessThan(1.35 * MiB);
    expect(whole.reduce((sum, bytes) => sum + bytes, 0)).toBe(file.byteLength);
  });

  test('another key cuts elsewhere', () => {
    expect(cutWhole(file, createCutter(sha256(u32(2))))).not.toEqual(whole);
  });

  test('sixteen bytes put in the middle change one or two chunks', () => {
    const middle = 12 * MiB;
    const edited = concatBytes(file.subarray(0, middle), new Uint8Array(16).fill(5), file.subarray(middle));
    const boundaries = (lengths: Lengths, shift: (at: number) => number) => {
      let at = 0;
      return new Set(lengths.map((bytes) => shift((at += bytes))));
    };
    const before = boundaries(whole, (at) => at);
    const after = boundaries(cutWhole(edited), (at) => (at > middle ? at - 16 : at));
    expect([...before].filter((at) => !after.has(at)).length).toBeLessThanOrEqual(2);
  });

  test.each([1, 4096, 65_537, minChunkBytes + 1, cutterBufferBytes])(
    'buffers growing by %i bytes change nothing',
    (step) => {
      const part = step === 1 ? file.subarray(0, minChunkBytes + 2000) : file.subarray(0, 6 * MiB);
      const first = step === 1 ? minChunkBytes - 100 : step;
      let filled = false;
      const next = () => {
        const bytes = filled ? step : first;
        filled = true;
        return bytes;
      };
      expect(cutInSteps(part, next)).toEqual(cutWhole(part));
    },
  );

  test.each([1, 2, 31, 32, 33, 64, 65])('a buffer that ended %i bytes before a cut does not hide it', (missing) => {
    const first = whole[0]!;
    const one = cutter.file();
    expect(one.cut(file.subarray(0, first - missing), false).consumed).toBe(0);
    expect(one.cut(file.subarray(0, first + 5000), false).pieces).toEqual([{ kind: 'data', start: 0, end: first }]);
  });

  test('a full buffer always makes progress', () => {
    const worst = [
      noise(cutterBufferBytes, 21),
      new Uint8Array(cutterBufferBytes).fill(7),
      new Uint8Array(cutterBufferBytes),
    ];
    const nearlyHole = new Uint8Array(cutterBufferBytes).fill(7).fill(0, maxChunkBytes + 1);
    for (const bytes of [...worst, nearlyHole]) expect(cutter.file().cut(bytes, false).consumed).toBeGreaterThan(0);
  });

  test('bytes that never propose a cut are cut at 4 MiB', () => {
    expect(cutWhole(new Uint8Array(9 * MiB).fill(7))).toEqual([4 * MiB, 4 * MiB, MiB]);
  });
});

describe('small files', () => {
  test('up to 256 KiB are one piece, whatever is in them; an empty one is none', () => {
    expect(cutWhole(new Uint8Array(0))).toEqual([]);
    expect(cutWhole(noise(1, 5))).toEqual([1]);
    expect(cutWhole(noise(minChunkBytes, 5))).toEqual([minChunkBytes]);
    expect(cutWhole(new Uint8Array(minChunkBytes))).toEqual([minChunkBytes]);
    expect(cutWhole(new Uint8Array(minChunkBytes + 1))).toEqual([-minChunkBytes - 1]);
  });

  test('nothing is decided before it is known to be small', () => {
    const one = cutter.file();
    expect(one.cut(noise(minChunkBytes, 5), false)).toEqual({ pieces: [], consumed: 0 });
    expect(one.cut(noise(minChunkBytes, 5), true).pieces).toEqual([{ kind: 'data', start: 0, end: minChunkBytes }]);
  });
});

describe('holes', () => {
  const hole = 64 * KiB;

  test('runs of zeros from 64 KiB on, at any place, with their exact length', () => {
    const data = (bytes: number) => new Uint8Array(bytes).fill(9);
    const file = concatBytes(
      data(300_001),
      new Uint8Array(hole),
      data(5),
      new Uint8Array(hole - 1),
      data(7),
      new Uint8Array(hole * 3 + 11),
    );
    expect(cutWhole(file)).toEqual([300_001, -hole, 5 + hole - 1 + 7, -(hole * 3 + 11)]);
  });

  test('a file of nothing but zeros is one hole however it is read', () => {
    const zeros = new Uint8Array(9 * MiB);
    expect(cutWhole(zeros)).toEqual([-9 * MiB]);
    expect(cutInSteps(zeros, () => 100_000)).toEqual([-9 * MiB]);
  });

  test('the zeros in front do not change how the rest is cut', () => {
    const tail = noise(6 * MiB, 31).fill(1, 0, 1);
    expect(cutWhole(concatBytes(new Uint8Array(5 * MiB + 123), tail)).slice(1)).toEqual(cutWhole(tail));
  });

  test('any mixture of data and zeros, any buffering: the naive rules', () => {
    const part = fc.record({
      zeros: fc.boolean(),
      bytes: fc.oneof(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: hole - 3, max: hole + 3 }),
        fc.integer({ min: 1, max: 600_000 }),
      ),
    });
    const steps = fc.array(fc.integer({ min: 1, max: 700_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), steps, fc.nat(1000), (parts, sizes, seed) => {
        const file = concatBytes(
          ...parts.map(({ zeros, bytes }, index) => (zeros ? new Uint8Array(bytes) : noise(bytes, seed + index))),
        );
        let call = 0;
        const stepped = cutInSteps(file, () => sizes[call++ % sizes.length]! + 1000);
        expect(stepped).toEqual(naiveCuts(file, kCut));
      }),
      { numRuns: 40 },
    );
  }, 20_000);
});
