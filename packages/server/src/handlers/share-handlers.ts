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
import { isGone, type Services } from './services.ts';

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
      const gone = await goneOf(services, state);
      const all = new Map([...left, ...gone].map((member) => [idKey(member), member]));
      return { members: [...all.values()].filter((member) => state.members.has(idKey(member))) };
    },
  };
}

/** Whom an administrator has removed, and the teams of those: nobody is served by them any more, and the owner takes them out. */
async function goneOf(services: Services, { members }: VaultState): Promise<readonly Uint8Array[]> {
  const gone: Uint8Array[] = [];
  for (const { member } of members.values()) {
    const account = isTeamId(member) ? (await services.storage.vaultState(member))?.owner : member;
    if (account !== undefined && (await isGone(services, account))) gone.push(member);
  }
  return gone;
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
  for (const ref of refs) noteChange(services, context, { ref, before });
  // However often somebody went in and out: what counts for them is where they were before, and where they are now.
  const last = new Map(refs.map((ref) => [idKey(ref.member), ref]));
  for (const ref of last.values()) await tellMember(services, context, { ref, before });
}

interface MemberChange {
  readonly ref: MemberRef;
  readonly before: VaultState;
}

function noteChange(
  { audit }: Services,
  { account, device, address }: Connection,
  { ref: { member, role }, before: { vault, kind } }: MemberChange,
): void {
  const event = { none: 'member-removed', read: 'member-read', write: 'member-write', owner: 'member-owner' }[role];
  const category = kind === 'team' ? 'team' : 'share';
  audit.record(category, {
    event,
    status: 'OK',
    account,
    device: device.device,
    vault,
    subject: member,
    address,
  });
}

async function tellMember(
  services: Services,
  { account: actor }: Connection,
  { ref: { member, role }, before }: MemberChange,
): Promise<void> {
  const { accounts, notifications } = services;
  const { vault, kind } = before;
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

/** Nothing when the member only got new keys, or came and went at once. In a team all members are alike. */
function noticeOf({ known, role, kind }: Change): KnownNotice | undefined {
  const word = kind === 'team' ? 'team' : role;
  if (known === undefined && role === 'none') return undefined;
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
