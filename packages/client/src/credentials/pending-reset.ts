import { AccountId, CofferError, decodeCbor, encodeCbor, Hash, ServerId } from '@coffer/core';
import { z } from 'zod';
import { readPrivateFile, removePrivateFile, writePrivateFile } from '../profile/private-file.ts';

const bytes = (length: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength === length,
    `${length} bytes expected`,
  );

const Stored = z.strictObject({
  v: z.literal(1),
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535),
  server: ServerId,
  pin: Hash,
  /** Without a pinned authority there is no reset: nobody could tell whose secrets come back. */
  authority: Hash,
  username: z.string().min(1).max(64),
  account: AccountId,
  request: bytes(16),
  /** Proves to the server that the request is this device's. Secret. */
  token: bytes(32),
  /** X-Wing seed of this request alone. Secret: it opens what the administrator sends. */
  ephemeralSeed: bytes(32),
  createdAtMs: z.int().min(0),
});

/** A reset of the password that this machine asked for and has not finished. */
export type PendingReset = Readonly<Omit<z.infer<typeof Stored>, 'v'>>;

const maxBytes = 16 * 1024;

/** One file beside the profile's others, 0600. @throws DAMAGED, CONFIG, IO */
export function readPendingReset(path: string): PendingReset | undefined {
  const stored = readPrivateFile(path, maxBytes);
  if (stored === undefined) return undefined;
  try {
    const { v: _v, ...pending } = Stored.parse(decodeCbor(stored));
    return pending;
  } catch (cause) {
    throw new CofferError('DAMAGED', 'the memory of the reset that this device asked for is damaged', {
      hint: `Remove ${path} and ask again: coffer password reset-request.`,
      cause,
    });
  }
}

/** @throws IO */
export function writePendingReset(path: string, pending: PendingReset): void {
  writePrivateFile(path, encodeCbor({ v: 1, ...pending }));
}

/** @throws IO */
export function removePendingReset(path: string): void {
  removePrivateFile(path);
}
