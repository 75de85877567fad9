import type { AccountId } from '@coffer/core';
import { CofferError } from '@coffer/core';
import type { AccountsTables } from './accounts-tables.ts';

export interface Credentials {
  readonly account: AccountId;
  readonly registrationRecord: Uint8Array;
  readonly unlockRecord: Uint8Array;
  /** The change is refused when another one came first. */
  readonly expectedAuthEpoch: number;
}

/** New login and unlock records, and the next auth epoch, which it returns; inside a transaction. @throws NOT_FOUND, CONFLICT */
export function activateCredentials(
  tables: AccountsTables,
  { account, registrationRecord, unlockRecord, expectedAuthEpoch }: Credentials,
): number {
  const record = tables.byId(account);
  if (record?.removedAtMs !== null) throw new CofferError('NOT_FOUND', 'there is no such account');
  if (record.authEpoch !== expectedAuthEpoch) {
    throw new CofferError('CONFLICT', 'the password was changed meanwhile', {
      retryable: false,
      hint: 'Nothing was changed now. Sign in with the password that is in force, and begin again.',
    });
  }
  const next = record.authEpoch + 1;
  const records = { registration_record: registrationRecord, unlock_record: unlockRecord };
  tables.update(account, { ...records, auth_epoch: next, must_change: 0 });
  return next;
}
