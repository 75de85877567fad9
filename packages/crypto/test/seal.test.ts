import { describe, expect, test } from '@jest/globals';
import { isCofferError, systemRandom as random, utf8 } from '@coffer/core';
import fc from 'fast-check';
import { openSealed, seal, sealOverheadBytes } from '../src/seal.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const key = random.bytes(32);
const associatedData = utf8('where it belongs');

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('Seal', () => {
  test('opens to what was sealed, 81 bytes longer', () => {
    fc.assert(
      fc.property(bytes(300), bytes(50), (plain, ad) => {
        const sealed = seal({ key, plain, associatedData: ad, random });
        expect(sealed.byteLength).toBe(plain.byteLength + 81);
        expect(new Uint8Array(openSealed({ key, sealed, associatedData: ad }))).toEqual(plain);
      }),
    );
    expect(sealOverheadBytes).toBe(81);
  });

  test('no changed, missing or added byte passes, and the error is always the same', () => {
    const sealed = seal({ key, plain: utf8('forty-two'), associatedData, random });
    const damaged = [
      sealed.subarray(0, -1),
      sealed.subarray(1),
      Buffer.concat([sealed, Buffer.of(0)]),
      new Uint8Array(0),
    ];
    for (let index = 0; index < sealed.byteLength; index += 1) {
      for (const bit of [1, 0x80]) {
        const copy = sealed.slice();
        copy[index]! ^= bit;
        damaged.push(copy);
      }
    }
    const messages = damaged.map((copy) => errorOf(() => openSealed({ key, sealed: copy, associatedData })));
    expect(messages.every((error) => isCofferError(error, 'INTEGRITY'))).toBe(true);
    expect(new Set(messages.map((error) => (error as Error).message)).size).toBe(1);
  });

  test('another key or another place does not open it', () => {
    const sealed = seal({ key, plain: utf8('x'), associatedData, random });
    expect(() => openSealed({ key: random.bytes(32), sealed, associatedData })).toThrow(/integrity/);
    expect(() => openSealed({ key, sealed, associatedData: utf8('elsewhere') })).toThrow(/integrity/);
  });

  test('sealing twice never gives the same bytes', () => {
    const input = { key, plain: utf8('same'), associatedData, random };
    expect(seal(input)).not.toEqual(seal(input));
  });
});
