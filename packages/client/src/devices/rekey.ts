import { equalBytes, idKey } from '@coffer/core';
import type { DeviceId, Random, ServerId, VaultId } from '@coffer/core';
import { isTeamId, recipientsOf } from '@coffer/journal';
import type { Directory, IdentityState, JournalPosition, VaultState } from '@coffer/journal';
import type { RevokedWorker } from '../login/identity-chain.ts';
import { nextEpoch, removal } from '../sharing/membership.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';

export interface Rekey {
  /** Of the account itself, up to date. */
  readonly vault: JournalVault;
  /** The account's, up to date. */
  readonly identity: IdentityState;
  readonly directory: Directory;
  readonly server: ServerId;
  readonly random: Random;
  /** Devices that may hold the key of the epoch although nothing was sealed to them: they got it when they were enrolled. */
  readonly gone: readonly RevokedWorker[];
  /** Whatever the clocks say, the vaults that these served get a new key. */
  readonly due: readonly DeviceId[];
}

export interface Rekeyed {
  readonly made: boolean;
  /** Own teams that were members, and are none any more: nothing could be sealed to a key of theirs that is not known to others. */
  readonly takenOut: readonly VaultId[];
}

/**
 * A new epoch, when the present one was sealed for a key of the account that is none any more, or to a team whose key was. Teams come
 * before the vaults that they are members of. @throws CONFLICT
 */
export async function rekeyIfStale(
  { vault, identity, directory, server, random, gone, due }: Rekey,
  signal?: AbortSignal,
): Promise<Rekeyed> {
  const known = gone.filter(({ vaults }) => vaults.some((served) => equalBytes(served, vault.id)));
  const isForced = known.some(({ device }) => due.some((one) => equalBytes(one, device)));
  let rekeyed: Rekeyed = { made: false, takenOut: [] };
  await vault.change(async () => {
    const state = vault.stateToCome;
    if (state === undefined) throw new TypeError('a vault is changed before it was pulled');
    const teams = ownTeams(identity, { state, directory });
    const takenOut = teams.filter(({ isLost }) => isLost).map(({ team }) => team);
    const isHeld = isHeldBy(known, { vault, state }) || isStale(vault, { state, identity, directory });
    rekeyed = { made: isForced || isHeld || takenOut.length > 0, takenOut };
    if (!rekeyed.made) return undefined;
    const from = identity.account;
    const epochSecret = vault.epochSecret(state.epoch);
    const { ref, n, secret } = nextEpoch(
      { state, directory, server, from, epochSecret, random },
      { without: takenOut, trusts: (member) => teams.some(({ team }) => equalBytes(team, member)) },
    );
    return { refs: [...takenOut.map(removal), ref], epoch: { n, secret } };
  }, signal);
  return rekeyed;
}

interface OwnTeam {
  readonly team: VaultId;
  /** Its key was not made anew since the account has other keys: whoever took the former ones holds it. */
  readonly isLost: boolean;
}

/** Teams of the account's own among the members. */
function ownTeams({ account, fingerprint }: IdentityState, { state, directory }: JournalPosition): readonly OwnTeam[] {
  return [...state.members.values()].flatMap(({ member: team }): OwnTeam[] => {
    const head = state.identities.get(idKey(team));
    const known = isTeamId(team) && head !== undefined ? directory.team?.(team, head)?.state : undefined;
    if (!isTeamId(team) || known === undefined || !equalBytes(known.owner, account)) return [];
    const sealedFor = known.members.get(idKey(account))?.fingerprint;
    return [{ team, isLost: sealedFor === undefined || !equalBytes(sealedFor, fingerprint) }];
  });
}

/** Whether one of them went after the epoch began, by the time of the server. */
function isHeldBy(
  gone: readonly RevokedWorker[],
  { vault, state }: { readonly vault: JournalVault; readonly state: VaultState },
): boolean {
  const begunMs = vault.tree.timeOf(state.epochSeq) ?? 0;
  return gone.some(({ atMs }) => atMs >= begunMs);
}

function isStale(
  vault: JournalVault,
  { state, identity, directory }: { state: VaultState; identity: IdentityState; directory: Directory },
): boolean {
  const now = recipientsOf(identity.account, { state, directory });
  const given = vault.grantsOf(state.epoch).filter(({ to }) => equalBytes(to, identity.account));
  return given.some(
    ({ worker, fingerprint }) =>
      !now.some((one) => isSame(one.worker, worker) && equalBytes(one.fingerprint, fingerprint)),
  );
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}
