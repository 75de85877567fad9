import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  CofferError,
  compareBytes,
  concatBytes,
  decodeCbor,
  encodeCbor,
  equalBytes,
  fromHex,
  fromUtf8,
  isCofferError,
  kdf,
  lp,
  newEntryId,
  splitBytes,
  systemRandom,
  timestampFromMs,
  timestampFromNs,
  timestampToMs,
  timestampToNs,
  toHex,
  utf8,
} from '../src/index.ts';
import type { Clock } from '../src/index.ts';
import { maxCborItems } from '../src/cbor.ts';

const bytes = fc.uint8Array({ maxLength: 64 });

describe('lp', () => {
  test('two different lists of fields never give the same bytes', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), fc.array(bytes, { maxLength: 5 }), (a, b) => {
        const same =
          a.length === b.length && a.every((field, index) => equalBytes(field, b[index] ?? new Uint8Array(1)));
        expect(equalBytes(lp(...a), lp(...b))).toBe(same);
      }),
    );
  });

  test('text is UTF-8 and a number is eight bytes', () => {
    expect(toHex(lp('é', 258))).toBe('00000002c3a9000000080000000000000102');
  });
});

describe('kdf', () => {
  // RFC 5869 fixes HKDF; the expected value was computed as HMAC-SHA-256(HMAC-SHA-256(0^32, key), info ‖ 01) with Python's hmac module.
  test('is HKDF-SHA-256 without salt over the length-prefixed label', () => {
    const key = new Uint8Array(32).fill(0x0b);
    expect(toHex(kdf(key, 'body key', utf8('x')))).toBe(
      'fc4c17d76282a16352e198978f0a3f2da4023a6b683fafc7a0fff64af2508de1',
    );
  });

  test('separates labels and contexts', () => {
    const key = new Uint8Array(32);
    const values = [kdf(key, 'a'), kdf(key, 'b'), kdf(key, 'a', 'b'), kdf(key, 'a', 'b', ''), kdf(key, 'a', 1)].map(
      toHex,
    );
    expect(new Set(values).size).toBe(values.length);
  });
});

describe('cbor', () => {
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.string(),
      bytes,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 8 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value;

  test('gives back what was put in, and one encoding for each value', () => {
    fc.assert(
      fc.property(value, (input) => {
        const encoded = encodeCbor(input);
        expect(decodeCbor(encoded)).toEqual(input);
        expect(encodeCbor(decodeCbor(encoded))).toEqual(encoded);
      }),
    );
  });

  test.each([
    ['duplicate keys', 'a2616101616102'],
    ['an indefinite length', '9f01ff'],
    ['a tag', 'c000'],
    ['trailing bytes', '0101'],
    ['a number longer than needed', '1801'],
    ['an integer beyond 2^53', '1bffffffffffffffff'],
    ['undefined', 'f7'],
    ['NaN', 'f97e00'],
    ['nothing', ''],
    ['a cut string', '6261'],
    ['text that is not UTF-8', '61ff'],
    ['a key that is not UTF-8', 'a161ff01'],
    ['an encoded surrogate', '63eda080'],
    ['zero as a float', 'f90000'],
    ['three as a double', 'fb4008000000000000'],
  ])('refuses %s', (_what, hex) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

test('a message has at most so many items, whatever its bytes say', () => {
  const list = (items: number, item: number): Uint8Array => {
    const encoded = new Uint8Array(5 + items).fill(item);
    encoded[0] = 0x9a;
    new DataView(encoded.buffer).setUint32(1, items);
    return encoded;
  };
  // The list itself is an item.
  expect(decodeCbor(list(maxCborItems - 1, 0x01))).toHaveLength(maxCborItems - 1);
  for (const item of [0x01, 0x40, 0x60, 0x80, 0xa0, 0xf6]) {
    expect(() => decodeCbor(list(maxCborItems, item))).toThrow(expect.objectContaining({ code: 'INVALID' }));
  }
});

test('an encoding is a plain array, not a Buffer', () => {
  for (const value of [1, 'x', [1, 2], 'y'.repeat(5000)]) expect(Buffer.isBuffer(encodeCbor(value))).toBe(false);
});

test('text keeps its byte order mark and its replacement characters', () => {
  for (const text of ['\uFEFFa', '\uFFFD', 'a\uFFFDb', '\uFEFF', 'é'.repeat(40), 'x'.repeat(300)]) {
    expect(decodeCbor(encodeCbor([text, { [text]: 1 }]))).toEqual([text, { [text]: 1 }]);
  }
});

test('a key named like the prototype is an ordinary key', () => {
  const decoded = decodeCbor(fromHex('a1695f5f70726f746f5f5fa1617801')) as object;
  expect(Object.keys(decoded)).toEqual(['__proto__']);
  expect('x' in decoded).toBe(false);
});

describe('bytes', () => {
  test('splitting undoes joining', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 7, maxLength: 7 })), (parts) => {
        expect(splitBytes(concatBytes(...parts), 7).map(toHex)).toEqual(parts.map(toHex));
      }),
    );
    expect(() => splitBytes(new Uint8Array(8), 7)).toThrow(RangeError);
  });

  test('malformed UTF-8 is an error, not a replacement character', () => {
    expect(() => fromUtf8(Uint8Array.of(0xc3))).toThrow(
      expect.objectContaining({ code: 'ERR_ENCODING_INVALID_ENCODED_DATA' }),
    );
    expect(fromUtf8(utf8('\uFEFFa'))).toBe('\uFEFFa');
  });
});

describe('timestamps', () => {
  test('keep every nanosecond, before 1970 too', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (ns) => {
        const stamp = timestampFromNs(ns);
        expect(timestampToNs(stamp)).toBe(ns);
        expect(stamp[1]).toBeGreaterThanOrEqual(0);
        expect(stamp[1]).toBeLessThan(1e9);
      }),
    );
    expect(timestampFromMs(1500)).toEqual([1, 500_000_000]);
    expect(timestampToMs([1, 500_000_000])).toBe(1500);
  });
});

describe('entry ids', () => {
  const at = (ms: number): Clock => ({ nowMs: () => ms, monotonicMs: () => ms, sleep: () => Promise.resolve() });

  test('sort by the time they were made', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 47 }), fc.nat({ max: 2 ** 47 }), (a, b) => {
        fc.pre(a < b);
        expect(compareBytes(newEntryId(at(a), systemRandom), newEntryId(at(b), systemRandom))).toBe(-1);
      }),
    );
    expect(newEntryId(at(1), systemRandom)).toHaveLength(16);
  });
});

describe('randomness', () => {
  test('gives every length, and nothing twice: also where the pool begins anew', () => {
    const lengths = [0, 1, 12, 16, 63, 64, 65, 5000];
    for (const length of lengths) expect(systemRandom.bytes(length)).toHaveLength(length);
    const drawn = Array.from({ length: 5000 }, () => systemRandom.bytes(13));
    expect(new Set(drawn.map((one) => one.toHex())).size).toBe(drawn.length);
    expect(new Set(drawn.map(({ buffer }) => buffer)).size).toBe(drawn.length);
  });
});

describe('errors', () => {
  test('carry the answer to "try again?" of their code', () => {
    expect(new CofferError('CONFLICT', 'x').retryable).toBe(true);
    expect(new CofferError('INTEGRITY', 'x').retryable).toBe(false);
    expect(new CofferError('NO_SPACE', 'x', { retryable: false }).retryable).toBe(false);
    expect(isCofferError(new CofferError('QUOTA', 'x'), 'QUOTA')).toBe(true);
    expect(isCofferError(new CofferError('QUOTA', 'x'), 'IO')).toBe(false);
    expect(isCofferError(new Error('QUOTA'))).toBe(false);
  });
});
