import { describe, expect, test } from '@jest/globals';
import { concatBytes, toHex } from '@coffer/core';
import fc from 'fast-check';
import { FrameDecoder } from '../src/frame-decoder.ts';
import { FrameKind } from '../src/frame-kind.ts';
import { encodeFrame, type Frame } from '../src/frame.ts';
import { randomPayload } from './session-fixture.ts';

const sizes = { controlBytes: 1000, dataBytes: 20_000 };

const frame: fc.Arbitrary<Frame> = fc
  .record({
    kind: fc.constantFrom(...Object.values(FrameKind)),
    op: fc.integer({ min: 1, max: 0xffff }),
    stream: fc.integer({ min: 0, max: 0xffff_ffff }),
    length: fc.integer({ min: 0, max: 20_000 }),
  })
  .map(({ kind, op, stream, length }) => ({
    kind,
    op: kind === FrameKind.request || kind === FrameKind.event ? op : 0,
    stream,
    payload: randomPayload(kind === FrameKind.data ? length : length % 1000),
  }));

describe('FrameDecoder', () => {
  test('gives the same frames wherever the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (frames, cuts) => {
          const bytes = concatBytes(...frames.map((each) => encodeFrame(each, each.payload)));
          const places = cuts.map((cut) => Math.floor(cut * bytes.byteLength)).toSorted((a, b) => a - b);
          const pieces = [0, ...places].map((start, index) => bytes.slice(start, places[index] ?? bytes.byteLength));
          expect(decodeAll(pieces).map(plain)).toEqual(frames.map(plain));
        },
      ),
    );
  });

  test('gives the same frames byte by byte', () => {
    const frames: Frame[] = [
      { kind: FrameKind.request, op: 0x0101, stream: 1, payload: randomPayload(20) },
      { kind: FrameKind.data, op: 0, stream: 1, payload: randomPayload(19_999) },
      { kind: FrameKind.cancel, op: 0, stream: 1, payload: new Uint8Array(0) },
    ];
    const bytes = concatBytes(...frames.map((each) => encodeFrame(each, each.payload)));
    expect(decodeAll([...bytes].map((byte) => Uint8Array.of(byte))).map(plain)).toEqual(frames.map(plain));
  });

  test('never takes more memory for a payload than a few times what came', () => {
    const decoder = new FrameDecoder({ controlBytes: 0, dataBytes: 2 ** 22 });
    decoder.feed(encodeFrame({ kind: FrameKind.data, op: 0, stream: 1 }, new Uint8Array(2 ** 22)).slice(0, 12));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.heldBytes).toBe(0);
    for (const length of [1, 1, 5000, 100, 16_384, 3]) {
      decoder.feed(randomPayload(length));
      expect(decoder.next()).toBeUndefined();
    }
    expect(decoder.midFrame).toBe(true);
    expect(decoder.heldBytes).toBeGreaterThanOrEqual(21_489);
    expect(decoder.heldBytes).toBeLessThan(2 * 21_489 + 8192);
  });

  test.each([
    ['kind 0', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['kind 11', [0, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 1]],
    ['a flag', [0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 1]],
    ['an op in DATA', [0, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 1]],
    ['no op in REQUEST', [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]],
    ['no op in EVENT', [0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]],
    ['a control frame over the limit', [0, 0, 0x03, 0xe9, 1, 0, 1, 1, 0, 0, 0, 1]],
    ['a DATA frame over the limit', [0, 0, 0x4e, 0x21, 4, 0, 0, 0, 0, 0, 0, 1]],
    ['the largest length', [0xff, 0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0, 0, 1]],
  ])('refuses %s by its header alone', (_name, header) => {
    const decoder = new FrameDecoder(sizes);
    decoder.feed(Uint8Array.from(header));
    expect(() => decoder.next()).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  });

  test('a piece that is not used up is a bug of the caller', () => {
    const decoder = new FrameDecoder(sizes);
    decoder.feed(new Uint8Array(3));
    expect(() => decoder.feed(new Uint8Array(3))).toThrow(TypeError);
  });
});

function decodeAll(pieces: readonly Uint8Array[]): Frame[] {
  const decoder = new FrameDecoder(sizes);
  const frames: Frame[] = [];
  for (const piece of pieces) {
    decoder.feed(piece);
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) frames.push(next);
  }
  expect(decoder.midFrame).toBe(false);
  expect(decoder.heldBytes).toBe(0);
  return frames;
}

function plain({ kind, op, stream, payload }: Frame) {
  return { kind, op, stream, payload: toHex(payload) };
}
