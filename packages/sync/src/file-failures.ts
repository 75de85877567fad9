import { isCofferError } from '@coffer/core';
import type { CofferError, ErrorCode } from '@coffer/core';

/** Failures of one path, after which the rest goes on. Everything else ends the run. */
const ofOnePath: readonly ErrorCode[] = [
  'BUSY',
  'CONFLICT',
  'EXISTS',
  'EXPIRED',
  'INTEGRITY',
  'INVALID',
  'IO',
  'LIMIT',
  'NOT_ALLOWED',
  'NOT_FOUND',
];

/** The failure, when it is of one path only. @throws the error itself otherwise */
export function failureOfOnePath(error: unknown): CofferError {
  if (isCofferError(error, ...ofOnePath)) return error;
  throw error;
}
