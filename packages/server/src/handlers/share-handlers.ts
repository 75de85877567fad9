import { CofferError, equalBytes, idKey, type AccountId } from '@coffer/core';
import { commitLimits, type Commit, type MemberRef, type VaultState } from '@coffer/journal';
import { operations, type Handlers } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

type ShareOperation = Extract<keyof Handlers<Connection>, `share.${string}`>;

/** What members and owners of a vault say that no commit can say. */
export function shareHandlers(services: Services): Pick<Handlers<Connection>, ShareOperation> {
  const { accounts, audit, storage } = services;
  return {
    'share.leave': async ({ vault }, { context }) => {
      const { account, device, address } = context;
      const state = await storage.vaultState(vault);
      if (state !== undefined && equalBytes(state.owner, account))
        throw new CofferError('NOT_ALLOWED', 'an owner does not leave its own vault');
      if (device.scope === 'worker') throw new CofferError('NOT_ALLOWED', 'an unattended device leaves nothing');
      if (state?.members.has(idKey(account)) !== true) throw throughTeam();
      await accounts.leftVaults.add(vault, account);
      const { code: operation } = operations['share.leave'];
      audit.record('share', {
        event: 'share.leave',
        operation,
        status: 'OK',
        account,
        device: device.device,
        vault,
        address,
      });
      return {};
    },
    'share.left': async ({ vault }, { context }) => {
      const state = await storage.vaultState(vault);
      if (state === undefined || !equalBytes(state.owner, context.account))
        throw new CofferError('NOT_ALLOWED', 'this is for the owner of the vault');
      const left = await accounts.leftVaults.of(vault, commitLimits.members);
      return { accounts: left.filter((account) => state.members.has(idKey(account))) };
    },
  };
}

/** What an append has changed for others. */
export interface Appended {
  readonly before: VaultState | undefined;
  readonly commits: readonly Commit[];
}

/** Tells members what the owner did with them, and leaves a line for each. After the fact. */
export async function tellOfAppend(services: Services, context: Connection, appended: Appended): Promise<void> {
  const { before, commits } = appended;
  if (before === undefined || before.kind === 'home') return;
  const refs = commits.flatMap(({ header }) => header.refs.filter((ref) => ref.kind === 'member'));
  for (const ref of refs) await tellMember(services, context, { ref, before });
}

async function tellMember(
  { accounts, audit, notifications }: Services,
  { account: actor, device, address }: Connection,
  { ref: { member, role }, before }: { readonly ref: MemberRef; readonly before: VaultState },
): Promise<void> {
  const { vault, kind } = before;
  const isTeam = member.byteLength !== actor.byteLength;
  const event = { none: 'member-removed', read: 'member-read', write: 'member-write', owner: 'member-owner' }[role];
  const category = kind === 'team' ? 'team' : 'share';
  audit.record(category, {
    event,
    status: 'OK',
    account: actor,
    device: device.device,
    vault,
    subject: member,
    address,
  });
  if (isTeam || equalBytes(member, actor)) return;
  const account = member as AccountId;
  await accounts.leftVaults.remove(vault, account);
  const known = before.members.get(idKey(member));
  if (role === 'none') await notifications.notify(account, { kind: 'access-revoked', actor, vault });
  else if (known === undefined) await notifications.notify(account, { kind: 'shared', actor, vault, word: role });
  else if (known.role !== role) await notifications.notify(account, { kind: 'role-changed', actor, vault, word: role });
}

function throughTeam(): CofferError {
  return new CofferError('NOT_ALLOWED', 'this is shared with a team, not with you alone', {
    hint: 'Leave the team instead: coffer team leave NAME',
  });
}
