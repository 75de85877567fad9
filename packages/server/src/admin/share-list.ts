import { AccountId, equalBytes } from '@coffer/core';
import type { Member, VaultState } from '@coffer/journal';
import type { ResponseOf } from '@coffer/protocol';
import type { Accounts, Storage } from '@coffer/storage';

/** Rows of one answer. */
const together = 500;

type ShareRow = ResponseOf<'admin.shareList'>['shares'][number];

interface ShareListServices {
  readonly accounts: Pick<Accounts, 'byId'>;
  readonly storage: Pick<Storage, 'vaultsOf' | 'vaultState'>;
}

/** A page of those whom the vaults of one account are shared with, vault by vault in the order of their ids. @throws IO */
export async function listShares(
  { accounts, storage }: ShareListServices,
  { account, skip }: { readonly account: AccountId; readonly skip: number },
): Promise<ResponseOf<'admin.shareList'>> {
  const shares: ShareRow[] = [];
  let passed = 0;
  for (const { vault, owner } of await storage.vaultsOf(account)) {
    if (!equalBytes(owner, account)) continue;
    const state = await storage.vaultState(vault);
    if (state === undefined || state.kind === 'home') continue;
    const { kind } = state;
    for (const { member, role } of othersIn(state)) {
      passed += 1;
      if (passed <= skip) continue;
      if (shares.length === together) return { shares, more: true };
      shares.push({ vault, kind, member, role, username: await usernameOf(accounts, member) });
    }
  }
  return { shares, more: false };
}

function othersIn({ owner, members }: VaultState): readonly Member[] {
  return [...members.values()].filter(({ member }) => !equalBytes(member, owner));
}

/** None of a team, whose ids are longer, and of an account that is gone. */
async function usernameOf(accounts: Pick<Accounts, 'byId'>, member: Uint8Array): Promise<string | null> {
  const account = AccountId.safeParse(member);
  return account.success ? ((await accounts.byId(account.data))?.username ?? null) : null;
}
