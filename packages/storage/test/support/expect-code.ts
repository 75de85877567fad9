import { expect } from '@jest/globals';

/** For `toThrow`: an error with this code. */
export function withCode(code: string): Error {
  return expect.objectContaining({ code }) as unknown as Error;
}
