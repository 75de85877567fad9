import { argon2Sync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { decodeCbor, encodeCbor, kdf, lp, systemRandom as random, utf8 } from '@coffer/core';
import { openKeystore, openSealed, sealKeystore } from '@coffer/crypto';

const plain = utf8('device key and root key');
const integrity = { code: 'INTEGRITY' };

describe('a keystore under a password', () => {
  const password = 'Grüße aus dem Tresor';
  const sealed = sealKeystore({ secret: { password }, plain, random });

  test('opens with that password, however its letters were typed', async () => {
    const keystore = await sealed;
    const typed = [password, password.normalize('NFD'), password.replaceAll(' ', '\u00A0')];
    const opened = await Promise.all(typed.map((text) => openKeystore({ secret: { password: text }, keystore })));
    expect(opened).toEqual(typed.map(() => plain));
  });

  test('not with another, and not with a key', async () => {
    const keystore = await sealed;
    await expect(openKeystore({ secret: { password: 'grüße aus dem Tresor' }, keystore })).rejects.toMatchObject(
      integrity,
    );
    await expect(openKeystore({ secret: { wrappingKey: random.bytes(32) }, keystore })).rejects.toMatchObject(
      integrity,
    );
  });

  test('is Argon2id with t = 3, m = 64 MiB, p = 4 over a salt of its own', async () => {
    const { v, kind, salt, sealed: inner } = decodeCbor(await sealed) as Record<string, Uint8Array>;
    expect([v, kind, salt!.byteLength]).toEqual([1, 'password', 16]);
    const stretched = argon2Sync('argon2id', {
      message: Buffer.from(password.normalize('NFC')),
      nonce: salt!,
      passes: 3,
      memory: 65_536,
      parallelism: 4,
      tagLength: 32,
    });
    const associatedData = lp('coffer/1 keystore', 'password', salt!);
    expect(openSealed({ key: kdf(stretched, 'keystore'), sealed: inner!, associatedData })).toEqual(plain);
    const other = decodeCbor(await sealKeystore({ secret: { password }, plain, random })) as {
      readonly salt: Uint8Array;
    };
    expect(other.salt).not.toEqual(salt);
  });
});

describe('a keystore under a wrapping key', () => {
  const wrappingKey = random.bytes(32);

  test('opens with that key alone', async () => {
    const keystore = await sealKeystore({ secret: { wrappingKey }, plain, random });
    expect(await openKeystore({ secret: { wrappingKey }, keystore })).toEqual(plain);
    await expect(openKeystore({ secret: { wrappingKey: random.bytes(32) }, keystore })).rejects.toMatchObject(
      integrity,
    );
    await expect(openKeystore({ secret: { password: 'x' }, keystore })).rejects.toMatchObject(integrity);
  });

  test('a key of another length is a bug of the caller', async () => {
    await expect(sealKeystore({ secret: { wrappingKey: random.bytes(16) }, plain, random })).rejects.toThrow(
      /32 bytes/,
    );
  });

  test('damaged files are refused without stretching anything', async () => {
    const keystore = await sealKeystore({ secret: { wrappingKey }, plain, random });
    const fields = decodeCbor(keystore) as Record<string, unknown>;
    const files = [
      new Uint8Array(0),
      random.bytes(100),
      encodeCbor({ ...fields, v: 2 }),
      encodeCbor({ ...fields, salt: random.bytes(16) }),
      encodeCbor({ ...fields, salt: random.bytes(15) }),
      encodeCbor({ ...fields, memory: 1 }),
      encodeCbor({ ...fields, sealed: new Uint8Array(0) }),
      keystore.subarray(0, -1),
    ];
    for (const file of files) {
      await expect(openKeystore({ secret: { wrappingKey }, keystore: file })).rejects.toMatchObject(integrity);
    }
  });
});
