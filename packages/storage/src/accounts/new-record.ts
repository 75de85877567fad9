import type { IdentityState } from '@coffer/journal';
import type { AccountRecord, NewAccount } from './account-record.ts';

interface NewRecord {
  readonly account: NewAccount;
  readonly identity: IdentityState;
  readonly username: string;
  readonly nowMs: number;
}

/** The row of an account that is being made. */
export function newRecord({ account, identity, username, nowMs }: NewRecord): AccountRecord {
  return {
    account: identity.account,
    username: account.username,
    canonicalUsername: username,
    role: account.role,
    state: 'active',
    quotaBytes: account.quotaBytes ?? null,
    largestFileBytes: account.largestFileBytes ?? null,
    contact: account.contact ?? '',
    folder: account.folder ?? '',
    registrationRecord: account.registrationRecord,
    unlockRecord: account.unlockRecord,
    authEpoch: 0,
    certificate: account.certificate ?? null,
    createdAtMs: nowMs,
    mustChange: account.mustChange ?? false,
    removedAtMs: null,
  };
}
