import {
  argon2Sync,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { concatBytes, fromHex, kdf, lp, sha256, systemRandom, toHex, utf8 } from '@coffer/core';
import { aeadOpen, aeadOpenReusing, aeadSeal } from '../src/aead.ts';
import { hpkeSuiteId, keySchedule, labeledExpand, labeledExtract } from '../src/hpke.ts';
import { xwingKeyPair } from '../src/key-pairs.ts';
import { openSealed, sealOverheadBytes } from '../src/seal.ts';
import { xwingDecapsulate, xwingEncapsulate } from '../src/xwing.ts';

/** HKDF as RFC 5869 §2 writes it, from HMAC alone. */
function hkdf(input: { key: Uint8Array; salt: Uint8Array; info: Uint8Array; bytes: number }): Uint8Array {
  const hmac = (key: Uint8Array, bytes: Uint8Array) => createHmac('sha256', key).update(bytes).digest();
  const extracted = hmac(input.salt, input.key);
  const blocks: Uint8Array[] = [];
  for (let index = 1; blocks.length * 32 < input.bytes; index += 1) {
    blocks.push(hmac(extracted, concatBytes(blocks.at(-1) ?? new Uint8Array(0), input.info, Uint8Array.of(index))));
  }
  return concatBytes(...blocks).subarray(0, input.bytes);
}

describe('RFC 5869', () => {
  const cases = [
    {
      name: 'A.1',
      key: '0b'.repeat(22),
      salt: '000102030405060708090a0b0c',
      info: 'f0f1f2f3f4f5f6f7f8f9',
      output: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      name: 'A.3',
      key: '0b'.repeat(22),
      salt: '',
      info: '',
      output: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ];
  test.each(cases)('$name', ({ key, salt, info, output }) => {
    const made = hkdf({ key: fromHex(key), salt: fromHex(salt), info: fromHex(info), bytes: output.length / 2 });
    expect(toHex(made)).toBe(output);
  });

  test('kdf is that construction with our label', () => {
    const key = systemRandom.bytes(32);
    const info = lp('coffer/1 some label', Uint8Array.of(1, 2), 7);
    expect(kdf(key, 'some label', Uint8Array.of(1, 2), 7)).toEqual(
      new Uint8Array(hkdf({ key, salt: new Uint8Array(32), info, bytes: 32 })),
    );
  });
});

test('RFC 9106 §5.3: Argon2id', () => {
  const tag = argon2Sync('argon2id', {
    message: new Uint8Array(32).fill(1),
    nonce: new Uint8Array(16).fill(2),
    secret: new Uint8Array(8).fill(3),
    associatedData: new Uint8Array(12).fill(4),
    parallelism: 4,
    memory: 32,
    passes: 3,
    tagLength: 32,
  });
  expect(toHex(tag)).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');
});

describe('AES-256-GCM (NIST submission, McGrew and Viega, test cases 13, 14, 16)', () => {
  const cases = [
    {
      name: '13',
      key: '00'.repeat(32),
      nonce: '00'.repeat(12),
      ad: '',
      plain: '',
      sealed: '530f8afbc74536b9a963b4f1c4cb738b',
    },
    {
      name: '14',
      key: '00'.repeat(32),
      nonce: '00'.repeat(12),
      ad: '',
      plain: '00'.repeat(16),
      sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
    },
    {
      name: '16',
      key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
      nonce: 'cafebabefacedbaddecaf888',
      ad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
      plain:
        'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
      sealed:
        '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
    },
  ];
  test.each(cases)('case $name', ({ key, nonce, ad, plain, sealed }) => {
    const input = { key: fromHex(key), nonce: fromHex(nonce), associatedData: fromHex(ad) };
    expect(toHex(aeadSeal({ ...input, plain: fromHex(plain) }))).toBe(sealed);
    for (const open of [aeadOpen, aeadOpenReusing]) {
      expect(toHex(open({ ...input, sealed: fromHex(sealed) }) ?? Uint8Array.of(1))).toBe(plain);
      expect(open({ ...input, sealed: fromHex(sealed).fill(0, -4) })).toBeUndefined();
    }
  });

  test('many pieces open, and what fails its tag is not left where the next one opens', () => {
    const input = { key: new Uint8Array(32), nonce: new Uint8Array(12), associatedData: new Uint8Array(0) };
    const plain = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
    const sealed = aeadSeal({ ...input, plain });
    const reused = aeadOpenReusing({ ...input, sealed }) ?? new Uint8Array(0);
    expect(Buffer.compare(reused, plain)).toBe(0);
    expect(aeadOpenReusing({ ...input, sealed: Uint8Array.from(sealed).fill(0, -1) })).toBeUndefined();
    expect(reused.every((byte) => byte === 0)).toBe(true);
  });

  test('a tag cut to four bytes does not open', () => {
    const input = { key: new Uint8Array(32), nonce: new Uint8Array(12), associatedData: new Uint8Array(0) };
    const sealed = fromHex('530f8afbc74536b9a963b4f1c4cb738b');
    expect(aeadOpen({ ...input, sealed })).toEqual(new Uint8Array(0));
    expect(aeadOpen({ ...input, sealed: sealed.subarray(0, 4) })).toBeUndefined();
  });
});

describe('one ciphertext, two keys', () => {
  const keys = ['vault key one', 'vault key two'].map((text) => sha256(utf8(text)));
  const nonce = new Uint8Array(12).fill(7);
  const pair = fromHex(
    '2af7909ca08f18facc556624b02e1a5c60eedcd7d94e6faca6ece7e4f9dbb659b28e4ce760534b6750a88b6fc0f5a219',
  );
  const none = new Uint8Array(0);

  test('AES-GCM opens it under both', () => {
    const plains = keys.map((key) => aeadOpen({ key, nonce, associatedData: none, sealed: pair }));
    expect(plains.map((plain) => plain?.byteLength)).toEqual([32, 32]);
    expect(plains[0]).not.toEqual(plains[1]);
  });

  test('Seal derives its keys from salt and commitment, so the pair opens under neither, whatever stands in front', () => {
    for (const head of [new Uint8Array(65), systemRandom.bytes(65)]) {
      head[0] = 1;
      const sealed = concatBytes(head, pair);
      expect(sealed.byteLength).toBe(32 + sealOverheadBytes);
      for (const key of keys) expect(() => openSealed({ key, sealed, associatedData: none })).toThrow(/integrity/);
    }
  });

  test('a message under two message keys is still refused under one: the commitment fits only one key', () => {
    const [first, second] = keys as [Uint8Array, Uint8Array];
    const salt = systemRandom.bytes(32);
    const commitment = (key: Uint8Array) => kdf(key, 'seal commitment', salt, sha256(none));
    expect(commitment(first)).not.toEqual(commitment(second));
    const messageKey = kdf(first, 'seal key', salt, sha256(none));
    const body = aeadSeal({ key: messageKey, nonce: new Uint8Array(12), associatedData: none, plain: utf8('secret') });
    const sealed = (key: Uint8Array) => concatBytes(Uint8Array.of(1), salt, commitment(key), body);
    expect(openSealed({ key: first, sealed: sealed(first), associatedData: none })).toEqual(utf8('secret'));
    // The tag is right for the first key, and only the commitment says no.
    expect(() => openSealed({ key: first, sealed: sealed(second), associatedData: none })).toThrow(/integrity/);
  });
});

describe('RFC 9180 A.1.1: DHKEM(X25519), HKDF-SHA-256, AES-128-GCM, base mode', () => {
  const info = fromHex('4f6465206f6e2061204772656369616e2055726e');
  const secretKey = fromHex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8');
  const enc = fromHex('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431');

  /** DHKEM `Decap` (RFC 9180 §4.1), with the labeled functions under test. */
  function sharedSecret(): Uint8Array {
    const privateKey = createPrivateKey({ key: secretKey, format: 'raw-private', asymmetricKeyType: 'x25519' });
    const publicKey = createPublicKey({ key: enc, format: 'raw-public', asymmetricKeyType: 'x25519' });
    const recipient = createPublicKey(privateKey).export({ format: 'raw-public' });
    const suiteId = concatBytes(utf8('KEM'), Uint8Array.of(0, 0x20));
    const exchanged = diffieHellman({ privateKey, publicKey });
    const secret = labeledExtract({ suiteId, salt: new Uint8Array(0), label: 'eae_prk', keyMaterial: exchanged });
    return labeledExpand({ suiteId, secret, label: 'shared_secret', info: concatBytes(enc, recipient), bytes: 32 });
  }

  const suiteId = hpkeSuiteId({ kem: 0x0020, kdf: 0x0001, aead: 0x0001 });
  const schedule = keySchedule({ suiteId, sharedSecret: sharedSecret(), info, keyBytes: 16 });

  test('key and base nonce', () => {
    expect(toHex(schedule.key)).toBe('4531685d41d65f03dc48f6b8302c05b0');
    expect(toHex(schedule.baseNonce)).toBe('56d890e5accaaf011cff4b7d');
  });

  test('ciphertext 0', () => {
    const cipher = createCipheriv('aes-128-gcm', schedule.key, schedule.baseNonce, { authTagLength: 16 });
    cipher.setAAD(utf8('Count-0'));
    const sealed = concatBytes(
      cipher.update('Beauty is truth, truth beauty', 'utf8'),
      cipher.final(),
      cipher.getAuthTag(),
    );
    const published = 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a';
    expect(toHex(sealed)).toBe(published);
    const decipher = createDecipheriv('aes-128-gcm', schedule.key, schedule.baseNonce, { authTagLength: 16 });
    decipher.setAAD(utf8('Count-0')).setAuthTag(fromHex(published).subarray(-16));
    expect(decipher.update(fromHex(published).subarray(0, -16), undefined, 'utf8')).toBe(
      'Beauty is truth, truth beauty',
    );
  });
});

describe('X-Wing (draft-connolly-cfrg-xwing-kem, published vectors)', () => {
  interface Vector {
    readonly seed: string;
    readonly sk: string;
    readonly pk: string;
    readonly ct: string;
    readonly ss: string;
  }
  const file = new URL('./vectors/xwing-draft.json', import.meta.url);
  const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly Vector[] };

  test.each(vectors.map((vector, index) => [index, vector] as const))('vector %i', (_, { sk, pk, ct, ss }) => {
    expect(toHex(xwingKeyPair(fromHex(sk)).publicKey)).toBe(pk);
    expect(toHex(xwingDecapsulate(fromHex(sk), fromHex(ct)))).toBe(ss);
  });

  test('encapsulating to a published key gives a secret that its seed finds', () => {
    const { sk, pk } = vectors[0]!;
    const made = xwingEncapsulate(fromHex(pk), systemRandom);
    expect(xwingDecapsulate(fromHex(sk), made.ciphertext)).toEqual(made.sharedSecret);
  });
});
