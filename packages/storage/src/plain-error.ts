import type { ErrorCode, ErrorDetails } from '@coffer/core';
import { CofferError } from '@coffer/core';

/** What of an error survives the way to another thread. */
export interface PlainError {
  /** Absent: a bug, not a failure that a caller can meet. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;
  readonly stack: string | undefined;
}

export function toPlainError(error: unknown): PlainError {
  const known = error instanceof CofferError ? error : undefined;
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  return { code: known?.code, message, hint: known?.hint, details: known?.details ?? {}, stack };
}

/** The same error on this side; a bug of the other thread is one of `where`. */
export function fromPlainError({ code, message, hint, details, stack }: PlainError, where: string): Error {
  if (code === undefined) return new TypeError(`${where}: ${stack ?? message}`);
  return new CofferError(code, message, { details, ...(hint !== undefined && { hint }) });
}
