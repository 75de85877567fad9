import { equalBytes, type AccountId } from '@coffer/core';
import type { Handlers, ResponseOf } from '@coffer/protocol';
import { certifyUser } from '../admin/certify-user.ts';
import { findUser } from '../admin/find-user.ts';
import { listInvites, makeInvite, revokeInvite } from '../admin/invites.ts';
import { listShares } from '../admin/share-list.ts';
import { showUser } from '../admin/user-view.ts';
import type { Connection } from '../session/connection.ts';
import { loggedFor, type AdminOperation } from './logged.ts';
import type { Services } from './services.ts';

type UserOperation = Extract<
  AdminOperation,
  | 'admin.userShow'
  | 'admin.userState'
  | 'admin.userRole'
  | 'admin.userRemove'
  | 'admin.userCertify'
  | 'admin.shareList'
  | `admin.invite${string}`
>;

/** Accounts and invites; who may is decided in `authorize`, and each leaves a line in the log. */
export function adminUserHandlers(services: Services): Pick<Handlers<Connection>, UserOperation> {
  const { accounts, sessions, storagePath } = services;
  const logged = loggedFor(services);
  return {
    'admin.userShow': async ({ username }) => {
      const shown = await showUser(storagePath, accounts, username);
      return { ...shown, vaults: await vaultsOf(services, shown.account) };
    },
    'admin.userState': logged('admin.userState', async ({ username, state }) => {
      const { account } = await findUser(accounts, username);
      await accounts.setState(account, state);
      if (state === 'suspended') sessions.endAccount(account, 'the account was suspended');
      return { response: {}, subject: account, note: state };
    }),
    'admin.userRole': logged('admin.userRole', async ({ username, role }) => {
      const { account } = await findUser(accounts, username);
      await accounts.setRole(account, role);
      return { response: {}, subject: account, note: role };
    }),
    'admin.userRemove': logged('admin.userRemove', async ({ username }) => {
      const { account } = await findUser(accounts, username);
      await accounts.remove(account);
      sessions.endAccount(account, 'the account was removed');
      return { response: {}, subject: account };
    }),
    'admin.userCertify': logged('admin.userCertify', async (request) => ({
      response: {},
      subject: await certifyUser(accounts, request),
    })),
    'admin.inviteCreate': logged('admin.inviteCreate', async (request, { context }) => ({
      response: await makeInvite(services, { ...request, createdBy: context.account }),
    })),
    'admin.inviteList': async () => await listInvites(accounts),
    'admin.inviteRevoke': logged('admin.inviteRevoke', async ({ id }) => {
      await revokeInvite(accounts, id);
      return { response: {} };
    }),
    'admin.shareList': async ({ username, skip }) =>
      await listShares(services, { account: (await findUser(accounts, username)).account, skip }),
  };
}

async function vaultsOf({ storage }: Services, account: AccountId): Promise<ResponseOf<'admin.userShow'>['vaults']> {
  const all = await storage.vaultsOf(account);
  const own = all.filter(({ owner }) => equalBytes(owner, account));
  let shared = 0;
  for (const { vault } of own) if (((await storage.vaultState(vault))?.members.size ?? 1) > 1) shared += 1;
  return { owned: own.length, shared, received: all.length - own.length };
}
