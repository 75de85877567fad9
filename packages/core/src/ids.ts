import { z } from 'zod';
import { concatBytes, fromHex, toHex, u64 } from './bytes.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** Bytes of a fixed length that mean one thing: two ids of different kinds do not mix. */
export type Id<Kind extends string> = Uint8Array & { readonly __id?: Kind };

function idSchema<Kind extends string>(kind: Kind, length: number) {
  return z.custom<Id<Kind>>(
    (value) => value instanceof Uint8Array && value.byteLength === length,
    `${kind}: ${length} bytes expected`,
  );
}

/** 16 random bytes. */
export const AccountId = idSchema('account', 16);
export type AccountId = Id<'account'>;

/** 16 random bytes. */
export const DeviceId = idSchema('device', 16);
export type DeviceId = Id<'device'>;

/** 32 bytes: SHA-256 over the genesis header (JOURNAL §Commit). */
export const VaultId = idSchema('vault', 32);
export type VaultId = Id<'vault'>;

/** 16 bytes: 48-bit milliseconds ‖ 80 random bits. The root directory is sixteen zeros. */
export const EntryId = idSchema('entry', 16);
export type EntryId = Id<'entry'>;

/** 16 random bytes. */
export const CommitId = idSchema('commit', 16);
export type CommitId = Id<'commit'>;

/** 32 bytes: keyed hash of a chunk's plain bytes (CRYPTO §Chunks), or the hash of a segment's payload. */
export const ChunkId = idSchema('chunk', 32);
export type ChunkId = Id<'chunk'>;

/** 32 bytes: any SHA-256. */
export const Hash = idSchema('hash', 32);
export type Hash = Id<'hash'>;

/** 16 random bytes that name one server's storage for ever. */
export const ServerId = idSchema('server', 16);
export type ServerId = Id<'server'>;

/** Lower-case hex of an id: the form for map keys, logs and file names. */
export type IdKey = string;

export function idKey(id: Uint8Array): IdKey {
  return toHex(id);
}

export function idFromKey<Kind extends string>(key: IdKey): Id<Kind> {
  return fromHex(key);
}

export const rootEntry: EntryId = new Uint8Array(16);

export const zeroHash: Hash = new Uint8Array(32);

export function randomId<Kind extends string>(random: Random): Id<Kind> {
  return random.bytes(16);
}

/** A new entry id; later ids sort after earlier ones, so they fold into the end of an index. */
export function newEntryId(clock: Clock, random: Random): EntryId {
  return concatBytes(u64(Math.max(0, clock.nowMs())).subarray(2), random.bytes(10));
}
