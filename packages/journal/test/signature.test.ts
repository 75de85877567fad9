import { concatBytes, fromHex } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { signedBytes, verifySignature } from '@coffer/journal';
import { testRandom, testSigningKey } from '@coffer/journal/testing';

const label = 'coffer/1 commit';
const bytes = fromHex('00112233');
const key = testSigningKey(testRandom(4));
const signature = key.sign(signedBytes(label, bytes));

/** Order of the base point (RFC 8032 §5.1), little-endian. */
const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/** `a + b` of 32 little-endian bytes. */
function sum(a: Uint8Array, b: Uint8Array): Uint8Array {
  let carry = 0;
  return a.map((byte, index) => {
    carry = (carry >> 8) + byte + (b[index] ?? 0);
    return carry & 0xff;
  });
}

describe('one signature for one text by one key, the same for every client', () => {
  test('that of its key over its label and bytes', () => {
    expect(verifySignature({ key: key.publicKey, label, bytes, signature })).toBe(true);
    expect(verifySignature({ key: key.publicKey, label: 'coffer/1 certificate', bytes, signature })).toBe(false);
    expect(verifySignature({ key: key.publicKey, label, bytes: bytes.slice(1), signature })).toBe(false);
    expect(verifySignature({ key: key.publicKey.slice(1), label, bytes, signature })).toBe(false);
    expect(verifySignature({ key: key.publicKey, label, bytes, signature: signature.slice(1) })).toBe(false);
  });

  test('S is below the order: nobody makes a second signature of the first, and another hash of a commit', () => {
    const second = concatBytes(signature.subarray(0, 32), sum(signature.subarray(32), order));
    expect(verifySignature({ key: key.publicKey, label, bytes, signature: second })).toBe(false);
  });

  // RFC 8032 leaves open whether these verify. With R = S·B = 0, or R = B and S = 1, they would for every text, or every eighth.
  test.each([
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('a key of small order, %s, signs nothing', (hex) => {
    const one = fromHex(`01${'00'.repeat(31)}`);
    const base = fromHex(`58${'66'.repeat(31)}`);
    const forged = [concatBytes(one, new Uint8Array(32)), concatBytes(base, one)];
    for (let text = 0; text < 64; text += 1) {
      for (const candidate of forged) {
        expect(verifySignature({ key: fromHex(hex), label, bytes: Uint8Array.of(text), signature: candidate })).toBe(
          false,
        );
      }
    }
  });
});
