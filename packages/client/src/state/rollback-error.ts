import { CofferError } from '@coffer/core';

/** The server shows a history that is not a continuation of what this device has seen. */
export function rollbackError(seq: number): CofferError {
  return new CofferError('ROLLBACK', 'the server shows an older or different history than this device has seen', {
    hint: 'The server was restored from an old copy, or does not tell the truth. Ask its administrator before you go on; do not log in anew until you know.',
    details: { seq },
  });
}
