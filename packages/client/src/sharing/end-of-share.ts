import { CofferError, isCofferError } from '@coffer/core';

/** The account was a member, and is none any more: no waiting mends that. */
export function notSharedAnyMore(cause: CofferError): CofferError {
  return new CofferError('NOT_ALLOWED', 'this is not shared with you any more', {
    hint: 'What lies on this machine stays. Ask its owner when you need it again.',
    details: { endOfShare: true },
    cause,
  });
}

/** The right to write was taken from whoever wants to write. */
export function onlyReadNow(): CofferError {
  return new CofferError('NOT_ALLOWED', 'this may only be read now: what is changed here does not reach it any more', {
    hint: 'Go on with --mode pull, or ask its owner for the right to write.',
    details: { endOfShare: true },
  });
}

/** True of an error that says that a share, or the right to write in it, was taken away. */
export function isEndOfShare(error: unknown): error is CofferError {
  return isCofferError(error, 'NOT_ALLOWED') && error.details['endOfShare'] === true;
}
