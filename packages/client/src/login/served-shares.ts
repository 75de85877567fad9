import { CofferError, idKey, isCofferError } from '@coffer/core';
import type { AccountId, VaultId } from '@coffer/core';
import type { ClientConnection, ResponseOf } from '@coffer/protocol';
import { Chains } from '../people/chains.ts';
import { VaultIdentities } from '../people/vault-identities.ts';
import type { Profile } from '../profile/profile.ts';
import { TeamJournals } from '../teams/team-journals.ts';
import type { OwnChain } from './identity-chain.ts';
import { pullEpochs } from './pull-epochs.ts';
import type { GivenEpoch, PullEpochs } from './pull-epochs.ts';

type Listed = ResponseOf<'vault.list'>['vaults'][number];

/** What is shared, of which a worker shall serve. */
export interface ServedShare {
  readonly vault: VaultId;
  readonly owner: AccountId;
}

/** Shares by the beginnings of their ids, as `coffer shares` shows them. @throws NOT_FOUND; INVALID for one that several ids begin with */
export function chosenShares(listed: readonly Listed[], beginnings: readonly string[]): readonly ServedShare[] {
  const shares = listed.filter(({ kind }) => kind === 'share');
  const chosen = beginnings.map((beginning) => {
    const found = shares.filter(({ vault }) => idKey(vault).startsWith(beginning));
    const [only] = found;
    if (only === undefined || found.length > 1) throw notOne(beginning, found.length);
    return { vault: only.vault, owner: only.owner };
  });
  return [...new Map(chosen.map((one) => [idKey(one.vault), one])).values()];
}

function notOne(beginning: string, count: number): CofferError {
  const hint = 'See what is shared, with its ids, on a device that holds the keys of the account: coffer shares';
  if (count > 1) return new CofferError('INVALID', `several shares have ids that begin with ${beginning}`, { hint });
  return new CofferError('NOT_FOUND', `nothing is shared whose id begins with ${beginning}`, { hint });
}

export interface PullShareEpochs {
  readonly profile: Profile;
  readonly connection: ClientConnection;
  readonly chain: OwnChain;
  /** The account, whose keys open them. */
  readonly owner: PullEpochs['owner'];
}

/**
 * The epoch secrets of a share, as {@link pullEpochs} those of the home vault.
 * @throws NOT_ALLOWED for what is shared with a team: its keys are the team's; INTEGRITY, ROLLBACK
 */
export async function pullShareEpochs(
  { profile, connection, chain, owner }: PullShareEpochs,
  share: ServedShare,
  signal?: AbortSignal,
): Promise<GivenEpoch[]> {
  const chains = new Chains({ folder: profile.chainsPath, own: chain });
  const teams = new TeamJournals({ folder: profile.teamsPath, chains, pins: profile.pins(), key: undefined });
  const identities = new VaultIdentities({ chains, teams, mayIntroduceOthers: false });
  const expected = { kind: 'share', owner: share.owner } as const;
  try {
    return await pullEpochs({ connection, vault: share.vault, chain, owner, share: { expected, identities } }, signal);
  } catch (error) {
    if (!isCofferError(error, 'NOT_ALLOWED') || error.details['missingKey'] !== true) throw error;
    throw new CofferError(
      'NOT_ALLOWED',
      `the share ${idKey(share.vault).slice(0, 8)} is not shared with this account itself`,
      {
        hint: 'An unattended device serves nothing that is shared with a team: share it with the account, or sign in with --keystore password.',
        cause: error,
      },
    );
  }
}
