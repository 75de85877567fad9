import { CofferError } from '@coffer/core';
import type { AccountRecord, Accounts } from '@coffer/storage';

/** The account of that name. @throws NOT_FOUND */
export async function findUser(accounts: Pick<Accounts, 'byName'>, username: string): Promise<AccountRecord> {
  const record = await accounts.byName(username);
  if (record !== undefined) return record;
  throw new CofferError('NOT_FOUND', 'there is no account of that name', { hint: 'See `coffer admin user list`.' });
}
