import { idKey } from '@coffer/core';
import { readStoredBytes, type AccountRecord, type Accounts } from '@coffer/storage';

/** An account as administrators see it. */
export interface UserRow {
  readonly username: string;
  readonly role: AccountRecord['role'];
  readonly state: AccountRecord['state'];
  readonly quotaBytes: number | null;
  readonly largestFileBytes: number | null;
  readonly storedBytes: number;
  readonly contact: string;
  readonly createdAtMs: number;
}

/** Accounts by name. @throws UPGRADE_REQUIRED, BUSY, IO */
export async function listUsers(path: string, accounts: Pick<Accounts, 'list'>): Promise<readonly UserRow[]> {
  const stored = await readStoredBytes(path);
  return (await accounts.list()).map((record) => ({
    username: record.username,
    role: record.role,
    state: record.state,
    quotaBytes: record.quotaBytes,
    largestFileBytes: record.largestFileBytes,
    storedBytes: stored?.get(idKey(record.account)) ?? 0,
    contact: record.contact,
    createdAtMs: record.createdAtMs,
  }));
}
