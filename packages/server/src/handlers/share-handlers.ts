import { CofferError, equalBytes, idKey, type AccountId, type VaultId } from '@coffer/core';
import {
  commitLimits,
  isTeamId,
  type Commit,
  type MemberRef,
  type Role,
  type VaultKind,
  type VaultState,
} from '@coffer/journal';
import { operations, type Handlers } from '@coffer/protocol';
import type { KnownNotice } from '../notifications/notifications.ts';
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
      audit.record(state.kind === 'team' ? 'team' : 'share', {
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
  services: Services,
  { account: actor, device, address }: Connection,
  { ref: { member, role }, before }: { readonly ref: MemberRef; readonly before: VaultState },
): Promise<void> {
  const { accounts, audit, notifications } = services;
  const { vault, kind } = before;
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
  const notice = noticeOf({ known: before.members.get(idKey(member))?.role, role, kind });
  if (!isTeamId(member)) await accounts.leftVaults.remove(vault, member);
  if (notice === undefined) return;
  for (const account of isTeamId(member) ? await peopleIn(services, member) : [member]) {
    if (!equalBytes(account, actor)) await notifications.notify(account, { ...notice, actor, vault });
  }
}

interface Change {
  readonly known: Role | undefined;
  readonly role: MemberRef['role'];
  readonly kind: VaultKind;
}

/** Nothing when the member only got new keys. In a team all members are alike. */
function noticeOf({ known, role, kind }: Change): KnownNotice | undefined {
  const word = kind === 'team' ? 'team' : role;
  if (role === 'none') return kind === 'team' ? { kind: 'access-revoked', word } : { kind: 'access-revoked' };
  if (known === undefined) return { kind: 'shared', word };
  return known === role ? undefined : { kind: 'role-changed', word };
}

async function peopleIn({ storage }: Services, team: VaultId): Promise<readonly AccountId[]> {
  const { members } = (await storage.vaultState(team)) ?? {};
  return [...(members?.values() ?? [])].flatMap(({ member }) => (isTeamId(member) ? [] : [member]));
}

/** Leaves a line when somebody makes a team. */
export function tellOfTeam({ audit }: Services, { account, device, address }: Connection, genesis: Commit): void {
  const isTeam = genesis.header.refs.some((ref) => ref.kind === 'genesis' && ref.vaultKind === 'team');
  if (!isTeam) return;
  audit.record('team', {
    event: 'team-created',
    status: 'OK',
    account,
    device: device.device,
    vault: genesis.vault,
    address,
  });
}

function throughTeam(): CofferError {
  return new CofferError('NOT_ALLOWED', 'this is shared with a team, not with you alone', {
    hint: 'Leave the team instead: coffer team leave NAME',
  });
}
