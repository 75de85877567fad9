import { CofferError, idKey } from '@coffer/core';
import type { LoginThrottle } from '../login/login-throttle.ts';

/** One more try of this account, device or request within its hour. @throws BUSY when it is used up */
export function takeTurn(throttle: LoginThrottle, id: Uint8Array): void {
  if (throttle.begin(idKey(id)) === 0) return;
  throw new CofferError('BUSY', 'this was tried too often', {
    hint: 'Try again in an hour.',
    retryable: false,
  });
}
