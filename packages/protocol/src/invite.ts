import { CofferError, decodeCbor, encodeCbor, equalBytes, sha256, utf8 } from '@coffer/core';
import { z } from 'zod';
import { bytes, bytesUpTo, text } from './operations/fields.ts';

/** What a person needs to trust a server at first sight. Public but for `token`. */
export const Invite = z.strictObject({
  v: z.literal(1),
  host: text(255),
  port: z.number().int().min(1).max(65_535),
  /** SHA-256 of the server's public key (SubjectPublicKeyInfo). */
  pin: bytes(32),
  /** Fingerprint of the vault's authority. */
  authority: bytes(32).optional(),
  username: text(64).optional(),
  /** Lets its holder register once. */
  token: bytesUpTo(64).optional(),
});
export type Invite = z.infer<typeof Invite>;

const prefix = 'coffer1-';
const checksumBytes = 4;
/** An invite with every field at its largest is shorter. */
const maxTextLength = 2048;

/** `coffer1-` and base64url of CBOR and a checksum: one word to copy, that notices a lost character. */
export function encodeInvite(invite: Invite): string {
  const body = encodeCbor(Invite.parse(invite));
  return prefix + Buffer.concat([body, checksum(body)]).toString('base64url');
}

/** @throws INVALID on anything but an unaltered invite; spaces and line breaks from copying are forgiven */
export function parseInvite(typed: string): Invite {
  const word = typed.slice(0, maxTextLength * 2).replaceAll(/\s/g, '');
  if (!word.startsWith(prefix) || word.length > maxTextLength) throw notAnInvite();
  const bytesOfText = decodeBase64Url(word.slice(prefix.length));
  const body = bytesOfText.subarray(0, -checksumBytes);
  if (!equalBytes(bytesOfText.subarray(-checksumBytes), checksum(body))) throw notAnInvite();
  const parsed = Invite.safeParse(decodeCbor(body));
  if (!parsed.success) throw notAnInvite();
  return parsed.data;
}

function decodeBase64Url(word: string): Uint8Array {
  const decoded = new Uint8Array(Buffer.from(word, 'base64url'));
  // Node skips what is no base64, and the last character may have bits that mean nothing: one invite is one word.
  if (Buffer.from(decoded).toString('base64url') !== word) throw notAnInvite();
  return decoded;
}

function checksum(body: Uint8Array): Uint8Array {
  return sha256(utf8('coffer/1 invite'), body).subarray(0, checksumBytes);
}

function notAnInvite(): CofferError {
  return new CofferError('INVALID', 'this is not a complete invite', {
    hint: 'Copy the whole word that begins with coffer1- once more, or ask for a new invite.',
  });
}
