import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cborBound, encodeCbor } from '../src/index.ts';

const leaf = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 300 }),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
}));

describe('the bound of an encoding', () => {
  test('is never below what encoding makes', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(cborBound(one)).toBeGreaterThanOrEqual(encodeCbor(one).byteLength);
      }),
    );
  });

  test('of the put of a usual file is less than three times its bytes', () => {
    const content = [[new Uint8Array(32), 4711, 1733, 1]];
    const [id, mtime] = [new Uint8Array(16), [1_764_000_000, 123_456_789]];
    const put = ['put', id, id, 'stdio.h', 'file', 4711, mtime, 0o644, content];
    expect(cborBound(put)).toBeLessThan(3 * encodeCbor(put).byteLength);
  });
});
