import { equalBytes, idKey } from '@coffer/core';
import type { AccountId, DeviceId, Random, ServerId } from '@coffer/core';
import { isTeamId, recipientsOf } from '@coffer/journal';
import type { Directory, IdentityState, JournalPosition, VaultState } from '@coffer/journal';
import type { RevokedWorker } from '../login/identity-chain.ts';
import { nextEpoch } from '../sharing/membership.ts';
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

/** A new epoch, when the present one was sealed for a key of the account that is none any more. False when there was no need. @throws CONFLICT */
export async function rekeyIfStale(
  { vault, identity, directory, server, random, gone, due }: Rekey,
  signal?: AbortSignal,
): Promise<boolean> {
  const known = gone.filter(({ vaults }) => vaults.some((served) => equalBytes(served, vault.id)));
  const isForced = known.some(({ device }) => due.some((one) => equalBytes(one, device)));
  let made = false;
  await vault.change(async () => {
    const state = vault.stateToCome;
    if (state === undefined) throw new TypeError('a vault is changed before it was pulled');
    made = isForced || isHeldBy(known, { vault, state }) || isStale(vault, { state, identity, directory });
    if (!made) return undefined;
    const from = identity.account;
    const epochSecret = vault.epochSecret(state.epoch);
    const { ref, n, secret } = nextEpoch(
      { state, directory, server, from, epochSecret, random },
      { trusts: (member) => isTeamOf(from, member, { state, directory }) },
    );
    return { refs: [ref], epoch: { n, secret } };
  }, signal);
  return made;
}

/** A team of the account's own, whose key was made anew before. */
function isTeamOf(owner: AccountId, member: Uint8Array, { state, directory }: JournalPosition): boolean {
  const head = state.identities.get(idKey(member));
  if (!isTeamId(member) || head === undefined) return false;
  const team = directory.team?.(member, head);
  return team !== undefined && equalBytes(team.state.owner, owner);
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
