import { CofferError } from '@coffer/core';
import type { ErrorDetails } from '@coffer/core';
import type { z } from 'zod';

/** The bytes or values are not what the format allows. */
export function invalid(message: string, details: ErrorDetails = {}): CofferError {
  return new CofferError('INVALID', message, { details });
}

/** The format is fine, the author has no right to it. */
export function notAllowed(message: string, details: ErrorDetails = {}): CofferError {
  return new CofferError('NOT_ALLOWED', message, { details });
}

/** Made on top of something that is not the head; pulling and trying again may succeed. */
export function conflict(message: string, details: ErrorDetails = {}): CofferError {
  return new CofferError('CONFLICT', message, { details });
}

/** Larger than the format allows. */
export function limit(message: string, details: ErrorDetails = {}): CofferError {
  return new CofferError('LIMIT', message, { details });
}

/** `value` as `schema` describes it. The message names the place, never the value. @throws INVALID */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.map(String).join('.')}`;
  throw invalid(`${what} is not valid${place}`);
}

/** Tells "made by a newer version" from "damaged" before the strict schema refuses both. @throws UPGRADE_REQUIRED, INVALID */
export function checkVersion(value: unknown, what: string): void {
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
  if (version === 1) return;
  if (typeof version === 'number' && version > 1) {
    throw new CofferError('UPGRADE_REQUIRED', `${what} was written by a newer version of Coffer`, {
      hint: 'Install the current version.',
      details: { version },
    });
  }
  throw invalid(`${what} has no known version`);
}
