import type { AccountId, Timestamp, VaultId } from '@coffer/core';
import { z } from 'zod';

/** Exactly `length` bytes. */
export function fixedBytes(length: number) {
  return z.custom<Uint8Array>((value) => hasLength(value, length), `${length} bytes expected`);
}

/** From `min` to `max` bytes. */
export function boundedBytes(min: number, max: number) {
  return z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength >= min && value.byteLength <= max,
    `${min} to ${max} bytes expected`,
  );
}

/** Ids of 32 bytes, one after the other, sorted ascending, each once; at most `max` of them. */
export function sortedIds(max: number) {
  return z.custom<Uint8Array>((value) => isSortedIds(value, max), 'sorted ids expected');
}

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return z.custom<number>((value) => isWhole(value, min, max), `whole number from ${min} expected`);
}

/** At most `max` lists, none of them empty, of whatever. A schema of schemas would copy them all, and make an object for each item. */
export function listOfLists(max: number) {
  return z.custom<readonly (readonly unknown[])[]>(
    (value) =>
      Array.isArray(value) && value.length <= max && value.every((one) => Array.isArray(one) && one.length > 0),
    `at most ${max} lists expected`,
  );
}

/** [seconds, nanoseconds]; seconds may be negative (before 1970). */
export const TimestampField = z.custom<Timestamp>(isTimestamp, 'timestamp expected');

/** An account (16 bytes) or a team (32 bytes, its vault id). */
export const Subject = z.custom<AccountId | VaultId>(
  (value) => hasLength(value, 16) || hasLength(value, 32),
  'account or team id expected',
);
export type Subject = AccountId | VaultId;

/** True for a team. */
export function isTeamId(subject: Subject): subject is VaultId {
  return subject.byteLength === 32;
}

export const SignKey = fixedBytes(32);
/** Raw X-Wing public key: ML-KEM-768 (1,184) ‖ X25519 (32). */
export const SealKey = fixedBytes(1216);

export function hasLength(value: unknown, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength === length;
}

export function isWhole(value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

export function isTimestamp(value: unknown): value is Timestamp {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    isWhole(value[0], Number.MIN_SAFE_INTEGER) &&
    isWhole(value[1], 0, 999_999_999)
  );
}

export function isSortedIds(bytes: unknown, max: number): bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array) || bytes.byteLength % 32 !== 0 || bytes.byteLength > max * 32) return false;
  if (bytes.byteLength <= 32) return true;
  const ids = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 32; at < ids.length; at += 32) {
    if (ids.compare(ids, at, at + 32, at - 32, at) >= 0) return false;
  }
  return true;
}

/**
 * Equality of public bytes. A loop over short arrays costs a hundredth of the native comparison, which moves them out
 * of the heap first; a commit has thousands.
 */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let index = 0; index < a.byteLength; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
