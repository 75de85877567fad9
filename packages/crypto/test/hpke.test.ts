import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';
import { describe, expect, test } from '@jest/globals';
import { concatBytes, isCofferError, systemRandom as random, toHex, utf8 } from '@coffer/core';
import { hpkeInfo, openFrom, sealTo, sealToOverheadBytes, xwingKeyPair } from '@coffer/crypto';

const oracle = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const info = hpkeInfo({
  purpose: 'test',
  server: random.bytes(16),
  from: random.bytes(16),
  to: random.bytes(16),
  object: random.bytes(32),
  epoch: 3,
});
const seed = random.bytes(32);
const pair = xwingKeyPair(seed);
const plain = utf8('to you alone');
const encBytes = 1120;

/** The library wants arrays that are not shared. */
const own = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

describe('sealing to someone', () => {
  test('another HPKE implementation opens what we seal', async () => {
    const sealed = sealTo({ recipientKey: pair.publicKey, info, plain, random });
    expect(sealed.byteLength).toBe(plain.byteLength + sealToOverheadBytes);
    const recipientKey = await oracle.kem.importKey('raw', own(seed), false);
    const recipient = { recipientKey, enc: own(sealed.subarray(1, 1 + encBytes)), info: own(info) };
    const context = await oracle.createRecipientContext(recipient);
    expect(new Uint8Array(await context.open(own(sealed.subarray(1 + encBytes))))).toEqual(plain);
  });

  test('we open what another HPKE implementation seals', async () => {
    const recipientPublicKey = await oracle.kem.importKey('raw', own(pair.publicKey), true);
    const context = await oracle.createSenderContext({ recipientPublicKey, info: own(info) });
    const ciphertext = await context.seal(own(plain));
    const sealed = concatBytes(Uint8Array.of(1), new Uint8Array(context.enc), new Uint8Array(ciphertext));
    expect(toHex(openFrom({ privateSeed: seed, info, sealed }))).toBe(toHex(plain));
  });

  test('every changed byte is refused the same way', () => {
    const sealed = sealTo({ recipientKey: pair.publicKey, info, plain, random });
    const positions = [0, 1, 500, 1088, 1089, 1120, 1121, sealed.byteLength - 17, sealed.byteLength - 1];
    for (const position of positions) {
      const copy = sealed.slice();
      copy[position]! ^= 1;
      expect(() => openFrom({ privateSeed: seed, info, sealed: copy })).toThrow('A sealed message did not pass');
    }
    expect(() => openFrom({ privateSeed: seed, info, sealed: sealed.subarray(0, -1) })).toThrow(/integrity/);
    expect(() => openFrom({ privateSeed: seed, info, sealed: sealed.subarray(0, 100) })).toThrow(/integrity/);
    expect(openFrom({ privateSeed: seed, info, sealed })).toEqual(plain);
  });

  test('an X25519 half of small order is refused, not turned into a known secret', () => {
    const sealed = sealTo({ recipientKey: pair.publicKey, info, plain, random });
    sealed.fill(0, 1 + 1088, 1 + 1120);
    expect(() => openFrom({ privateSeed: seed, info, sealed })).toThrow(/integrity/);
  });

  test('other recipients and other contexts do not open it', () => {
    const sealed = sealTo({ recipientKey: pair.publicKey, info, plain, random });
    expect(() => openFrom({ privateSeed: random.bytes(32), info, sealed })).toThrow(/integrity/);
    expect(() => openFrom({ privateSeed: seed, info: utf8('other'), sealed })).toThrow(/integrity/);
  });

  test('a key that is none is INVALID: it came from someone else', () => {
    const smallOrder = pair.publicKey.slice().fill(0, 1184);
    const outOfRange = pair.publicKey.slice().fill(0xff, 0, 1152);
    for (const recipientKey of [smallOrder, outOfRange, pair.publicKey.subarray(1), new Uint8Array(0)]) {
      expect(codeOf(() => sealTo({ recipientKey, info, plain, random }))).toBe('INVALID');
    }
  });
});

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return isCofferError(error) ? error.code : 'a bug';
  }
}
