import { argon2 } from 'node:crypto';
import { promisify } from 'node:util';
import { decodeCbor, encodeCbor, integrityError, kdf, lp, utf8, type Random } from '@coffer/core';
import { z } from 'zod';
import { byteString } from './byte-string.ts';
import { preparePassword } from './password.ts';
import { openSealed, seal } from './seal.ts';

/** What opens a keystore: the password, or 32 random bytes that somebody else keeps (the system's keyring). */
export type KeystoreSecret = { readonly password: string } | { readonly wrappingKey: Uint8Array };

/**
 * A device keystore (CRYPTO §Keys *Device keystore*): `plain` under Argon2id of the password with a salt of its own, or under the
 * wrapping key. Takes ~0.2 s with a password, off the event loop.
 */
export async function sealKeystore(input: {
  readonly secret: KeystoreSecret;
  readonly plain: Uint8Array;
  readonly random: Random;
}): Promise<Uint8Array> {
  const salt = input.random.bytes(saltBytes);
  const key = await keyOf(input.secret, salt);
  const kind = 'password' in input.secret ? 'password' : 'key';
  const sealed = seal({ key, plain: input.plain, associatedData: keystoreData(kind, salt), random: input.random });
  return encodeCbor({ v: 1, kind, salt, sealed } satisfies Keystore);
}

/** @throws INTEGRITY when the password or key is not the one, or the file was altered: nobody can tell which */
export async function openKeystore(input: {
  readonly secret: KeystoreSecret;
  readonly keystore: Uint8Array;
}): Promise<Uint8Array> {
  const { kind, salt, sealed } = parseKeystore(input.keystore);
  if (kind !== ('password' in input.secret ? 'password' : 'key')) throw integrityError(what);
  const key = await keyOf(input.secret, salt);
  return openSealed({ key, sealed, associatedData: keystoreData(kind, salt), what });
}

const what = 'The keystore';

const saltBytes = 16;

const Keystore = z.strictObject({
  v: z.literal(1),
  kind: z.enum(['password', 'key']),
  salt: byteString(saltBytes),
  sealed: byteString(1, 2 ** 20),
});
type Keystore = z.infer<typeof Keystore>;

function parseKeystore(keystore: Uint8Array): Keystore {
  try {
    return Keystore.parse(decodeCbor(keystore));
  } catch {
    throw integrityError(what);
  }
}

function keystoreData(kind: Keystore['kind'], salt: Uint8Array): Uint8Array {
  return lp('coffer/1 keystore', kind, salt);
}

async function keyOf(secret: KeystoreSecret, salt: Uint8Array): Promise<Uint8Array> {
  const material = 'password' in secret ? await stretch(secret.password, salt) : secret.wrappingKey;
  if (material.byteLength !== 32) throw new RangeError('a wrapping key has 32 bytes');
  return kdf(material, 'keystore');
}

/** The second recommendation of RFC 9106 §4. Fixed by the format version: a file cannot ask for less, or for all memory. */
const argon2Parameters = { passes: 3, memory: 64 * 1024, parallelism: 4, tagLength: 32 } as const;

function stretch(password: string, salt: Uint8Array): Promise<Uint8Array> {
  return promisify(argon2)('argon2id', { ...argon2Parameters, message: utf8(preparePassword(password)), nonce: salt });
}
