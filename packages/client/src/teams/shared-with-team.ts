import { equalBytes } from '@coffer/core';
import { reservedRootName } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { IncomingShare } from '../sharing/shared-vaults.ts';
import type { OutgoingShare, ShareState } from '../sharing/sharing.ts';
import type { Team, Teams } from './teams.ts';

/** One share that a team has. */
export interface TeamShare {
  /** Where the account sees it. */
  readonly names: readonly EntryName[];
  /** As below `/Shared`; undefined for what the account itself shares. */
  readonly ownerName: string | undefined;
  readonly role: OutgoingShare['role'];
  readonly state: ShareState;
}

/** What is shared with a team, of shares that are up to date. Only what the account sees: others may share more with its members. */
export function sharedWithTeam(
  { id }: Pick<Team, 'id'>,
  {
    teams,
    outgoing,
    incoming,
  }: {
    readonly teams: Pick<Teams, 'through'>;
    readonly outgoing: readonly OutgoingShare[];
    readonly incoming: readonly IncomingShare[];
  },
): readonly TeamShare[] {
  const own = outgoing
    .filter(({ member }) => equalBytes(member.account, id))
    .map(({ names, role, state }) => ({ names, ownerName: undefined, role, state }));
  const others = incoming.flatMap(({ vault, ownerName, name }) =>
    teams
      .through(vault)
      .filter((grant) => equalBytes(grant.id, id))
      .map(({ role, state }) => ({ names: [reservedRootName, ownerName, name], ownerName, role, state })),
  );
  return [...own, ...others];
}
