import type { ErrorCode } from '@coffer/core';

/** Exit codes that scripts depend on (CLI §Exit codes). */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  conflict: 5,
  notAllowed: 6,
  space: 7,
  unreachable: 8,
  integrity: 9,
  someFailed: 10,
  interrupted: 130,
} as const;

const byCode: Readonly<Record<ErrorCode, number>> = {
  BUSY: exitCodes.unreachable,
  CANCELLED: exitCodes.interrupted,
  CERTIFICATE: exitCodes.unexpected,
  CONFIG: exitCodes.usage,
  CONFLICT: exitCodes.conflict,
  DAMAGED: exitCodes.integrity,
  EXISTS: exitCodes.conflict,
  EXPIRED: exitCodes.notFound,
  INTEGRITY: exitCodes.integrity,
  INTERNAL: exitCodes.unexpected,
  INVALID: exitCodes.usage,
  IO: exitCodes.unexpected,
  LIMIT: exitCodes.usage,
  LOCKED: exitCodes.conflict,
  MISSING_CHUNKS: exitCodes.conflict,
  NOT_ALLOWED: exitCodes.notAllowed,
  NOT_FOUND: exitCodes.notFound,
  NOT_LOGGED_IN: exitCodes.refused,
  NO_SPACE: exitCodes.space,
  PIN_MISMATCH: exitCodes.integrity,
  PORT_IN_USE: exitCodes.conflict,
  PROTOCOL: exitCodes.unexpected,
  QUOTA: exitCodes.space,
  REFUSED: exitCodes.refused,
  ROLLBACK: exitCodes.integrity,
  SHUTTING_DOWN: exitCodes.unreachable,
  TIMEOUT: exitCodes.unreachable,
  TOO_MANY_DELETIONS: exitCodes.conflict,
  UNREACHABLE: exitCodes.unreachable,
  UNTRUSTED_SERVER: exitCodes.integrity,
  UPGRADE_REQUIRED: exitCodes.unexpected,
};

export function exitCodeOf(code: ErrorCode): number {
  return byCode[code];
}

/**
 * Of a run that goes on after a path that failed. What the server altered or withheld is told apart from what merely
 * could not be read or written: scripts must be able to stop there.
 */
export function exitCodeOfReport({
  failed,
  errors,
}: {
  readonly failed: number;
  readonly errors: readonly { readonly code: ErrorCode }[];
}): number | undefined {
  if (failed === 0) return undefined;
  return errors.some(({ code }) => code === 'INTEGRITY') ? exitCodes.integrity : exitCodes.someFailed;
}
