import type { AccountId } from '@coffer/core';
import type { Accounts } from '@coffer/storage';
import { findUser } from './find-user.ts';

export interface QuotaChange {
  readonly username: string;
  /** Null: no limit. */
  readonly quotaBytes: number | null;
  /** Null: no limit; `keep`: as it is. */
  readonly largestFileBytes: number | null | 'keep';
}

/** Effective with the next upload or commit: both ask accounts.db. Answers whose quota it is. @throws NOT_FOUND, NO_SPACE, BUSY, IO */
export async function setQuota(
  accounts: Pick<Accounts, 'byName' | 'setQuota' | 'setLargestFile'>,
  { username, quotaBytes, largestFileBytes }: QuotaChange,
): Promise<AccountId> {
  const record = await findUser(accounts, username);
  await accounts.setQuota(record.account, quotaBytes);
  if (largestFileBytes !== 'keep') await accounts.setLargestFile(record.account, largestFileBytes);
  return record.account;
}
