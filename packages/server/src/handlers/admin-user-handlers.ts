import { CofferError, dayMs, equalBytes, idKey, type AccountId } from '@coffer/core';
import { type Handlers, type RequestOf, type ResponseOf } from '@coffer/protocol';
import type { Accounts, Invite } from '@coffer/storage';
import { certifyUser } from '../admin/certify-user.ts';
import { findUser } from '../admin/find-user.ts';
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
  | `admin.invite${string}`
>;

/** Longer than anybody means; an invite that lies around is a door that stays open. */
const maxInviteMs = 366 * dayMs;
/** Bytes of the hash of its token by which an invite is named. */
const inviteIdBytes = 8;

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
      response: await createInvite(services, request, context.account),
    })),
    'admin.inviteList': async () => ({ invites: (await accounts.invites()).map(shownInvite) }),
    'admin.inviteRevoke': logged('admin.inviteRevoke', async ({ id }) => {
      await accounts.revokeInvite(await inviteOf(accounts, id));
      return { response: {} };
    }),
  };
}

async function vaultsOf(
  { storage }: Services,
  account: AccountId,
): Promise<ResponseOf<'admin.userShow'>['vaults']> {
  const all = await storage.vaultsOf(account);
  const own = all.filter(({ owner }) => equalBytes(owner, account));
  let shared = 0;
  for (const { vault } of own) if (((await storage.vaultState(vault))?.members.size ?? 1) > 1) shared += 1;
  return { owned: own.length, shared, received: all.length - own.length };
}

async function createInvite(
  { accounts, clock }: Services,
  { tokenHash, username, role, quotaBytes, validMs }: RequestOf<'admin.inviteCreate'>,
  createdBy: AccountId,
): Promise<ResponseOf<'admin.inviteCreate'>> {
  if (validMs < 1 || validMs > maxInviteMs)
    throw new CofferError('INVALID', 'an invite is valid for a year at most', { hint: 'Write for example --valid 7d.' });
  const expiresAtMs = clock.nowMs() + validMs;
  await accounts.createInvite({ tokenHash, username, role, quotaBytes, expiresAtMs, createdBy });
  return { id: tokenHash.subarray(0, inviteIdBytes), expiresAtMs };
}

function shownInvite({ tokenHash, username, role, quotaBytes, createdAtMs, expiresAtMs, usedAtMs }: Invite) {
  const id = tokenHash.subarray(0, inviteIdBytes);
  return { id, username, role, quotaBytes, createdAtMs, expiresAtMs, usedAtMs };
}

async function inviteOf(accounts: Accounts, id: Uint8Array): Promise<Uint8Array> {
  const found = (await accounts.invites()).find(({ tokenHash }) => idKey(tokenHash).startsWith(idKey(id)));
  if (found === undefined)
    throw new CofferError('NOT_FOUND', 'there is no such invite', { hint: 'See `coffer admin invites`.' });
  return found.tokenHash;
}
