import { CofferError } from '@coffer/core';

/** The peer broke the protocol: where its next frame starts, or what it means, is unknowable, so the connection ends. */
export function violation(message: string): CofferError {
  return new CofferError('PROTOCOL', message, {
    hint: 'The two sides run versions that do not fit together, or something between them alters the bytes.',
  });
}
