import { isCofferError } from '@coffer/core';

/** The server is away or busy: the header says so, and it passes by itself. */
export function isPassing(error: unknown): boolean {
  return isCofferError(error, 'UNREACHABLE', 'TIMEOUT', 'SHUTTING_DOWN', 'BUSY', 'CANCELLED');
}
