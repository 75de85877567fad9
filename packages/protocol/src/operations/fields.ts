import { AccountId, DeviceId, Hash, ServerId, VaultId } from '@coffer/core';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';

/*
 * Fields of messages. Each carries the description that docs/PROTOCOL.md shows, so the page and the check cannot differ.
 */

export const vault = VaultId.describe('bytes(32)');
export const account = AccountId.describe('bytes(16)');
export const device = DeviceId.describe('bytes(16)');
export const server = ServerId.describe('bytes(16)');
export const hash = Hash.describe('bytes(32)');

/** A position in a journal; 0 is before the genesis. */
export const seq = wholeNumber().describe('int');
/** Milliseconds since 1970. */
export const timeMs = wholeNumber().describe('ms');
export const count = wholeNumber().describe('int');

/** Exactly `length` bytes. */
export function bytes(length: number) {
  return z
    .custom<Uint8Array>(
      (value) => value instanceof Uint8Array && value.byteLength === length,
      `${length} bytes expected`,
    )
    .describe(`bytes(${length})`);
}

/** One to `max` bytes. */
export function bytesUpTo(max: number) {
  return z
    .custom<Uint8Array>(
      (value) => value instanceof Uint8Array && value.byteLength >= 1 && value.byteLength <= max,
      `1 to ${max} bytes expected`,
    )
    .describe(`bytes ≤ ${max}`);
}

/** Well-formed text of 1 to `max` UTF-16 units without control characters. */
export function text(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), 'text without control characters expected')
    .describe(`text ≤ ${max}`);
}

/** 1 to 4,096 ids of 32 bytes, one after the other. */
export const ids = z
  .custom<Uint8Array>(isIds, `1 to ${protocolLimits.idsPerRequest} ids of 32 bytes expected`)
  .describe(`bytes(n × 32), n ≤ ${protocolLimits.idsPerRequest}`);

/** Bit i is `byte[i >> 3] & (1 << (i & 7))`. */
export const bitmap = bytesUpTo(protocolLimits.idsPerRequest / 8);

export function wholeNumber() {
  return z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
}

/** A list of at most `max`. */
export function list<Item extends z.ZodType>(item: Item, max: number) {
  return z
    .array(item)
    .max(max)
    .describe(`[${describe(item)}…] ≤ ${max}`);
}

export function choice<const Names extends readonly string[]>(names: Names) {
  return z.enum(names).describe(names.map((name) => `"${name}"`).join(' | '));
}

/** How documentation writes a schema. */
export function describe(schema: z.ZodType): string {
  return schema.description ?? (schema instanceof z.ZodObject ? describeObject(schema) : 'any');
}

function describeObject(schema: z.ZodObject): string {
  const fields = Object.entries(schema.shape).map(([name, field]) => `${name}: ${describe(field as z.ZodType)}`);
  return fields.length === 0 ? '{}' : `{${fields.join(', ')}}`;
}

function isIds(value: unknown): boolean {
  return (
    value instanceof Uint8Array &&
    value.byteLength >= 32 &&
    value.byteLength <= protocolLimits.idsPerRequest * 32 &&
    value.byteLength % 32 === 0
  );
}
