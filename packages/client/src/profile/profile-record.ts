import { CofferError, fromHex, fromUtf8, toHex, utf8 } from '@coffer/core';
import { z } from 'zod';

const hexBytes = (length: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${length * 2}}$`))
    .transform((text): Uint8Array => fromHex(text));

const Stored = z.strictObject({
  v: z.literal(1),
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535),
  server: hexBytes(16),
  /** SHA-256 of the server's public key (SPKI, DER). */
  pin: hexBytes(32),
  /** SHA-256 of the authority's key, when the invite or the CA certificate told it. */
  authority: hexBytes(32).optional(),
  username: z.string().min(1).max(64),
  role: z.enum(['user', 'admin']),
  account: hexBytes(16),
  device: hexBytes(16),
  deviceName: z.string().min(1).max(64),
  keystore: z.enum(['password', 'keyring', 'file']),
  home: hexBytes(32),
  /** The folder that the account is meant for, by the server's word at the login: what `sync` asks about when none is named. */
  folder: z.string().min(1).max(4096).optional(),
});

/** What a profile knows of its login; nothing in it is secret. */
export type ProfileRecord = Readonly<Omit<z.output<typeof Stored>, 'v'>>;

export type KeystoreKind = ProfileRecord['keystore'];

export function encodeProfileRecord(record: ProfileRecord): Uint8Array {
  // Before JSON sees them: a Buffer would turn itself into something else.
  const fields = Object.entries(record).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? toHex(value) : value,
  ]);
  const text = JSON.stringify({ v: 1, ...Object.fromEntries(fields) }, undefined, 2);
  return utf8(`${text}\n`);
}

/** @throws DAMAGED with a hint */
export function decodeProfileRecord(bytes: Uint8Array): ProfileRecord {
  try {
    const { v: _v, ...record } = Stored.parse(JSON.parse(fromUtf8(bytes)));
    return record;
  } catch (cause) {
    throw new CofferError('DAMAGED', 'the profile on this machine is damaged', {
      hint: 'Log out and log in again; nothing in the vault is lost.',
      cause,
    });
  }
}
