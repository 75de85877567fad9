import { showUser } from '@coffer/server';
import type { UserView } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { askServer } from './admin-place.ts';
import type { CommandContext } from './context.ts';

/** What the folder alone tells is less: whose vaults are whose is the daemon's. */
export type ShownUser = Omit<UserView, 'vaults'> & { readonly vaults: UserView['vaults'] | null };

/** An account as administrators see it, from a folder on this machine or from the server. @throws NOT_FOUND, NOT_ALLOWED, UNREACHABLE, IO */
export async function shownUser(
  context: CommandContext,
  { storage, username }: { readonly storage: string | undefined; readonly username: string },
): Promise<ShownUser> {
  if (storage === undefined)
    return await askServer(context, (server) => server.accounts.show(username, context.signal));
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  return { ...(await showUser(storage, accounts, username)), vaults: null };
}
