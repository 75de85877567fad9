import type { CofferError, ErrorCode } from '@coffer/core';

/** Code of what the promise rejects with; undefined when it resolves. */
export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  return (await errorOf(work))?.code;
}

/** What the promise rejects with. */
export async function errorOf(work: Promise<unknown>): Promise<CofferError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error as CofferError;
  }
}
