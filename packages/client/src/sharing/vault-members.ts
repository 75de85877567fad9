import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { AccountId, Hash, IdKey, Random, ServerId, VaultId } from '@coffer/core';
import { isTeamId, teamFingerprint } from '@coffer/journal';
import type { IdentityState, Member, Role } from '@coffer/journal';
import type { Connections } from '../connection/connections.ts';
import type { Chains } from '../people/chains.ts';
import type { People, Person } from '../people/people.ts';
import type { FullDeviceKeys } from '../profile/device-keys.ts';
import type { TeamJournals } from '../teams/team-journals.ts';
import type { Teams } from '../teams/teams.ts';
import type { MadeRefs } from '../vaults/commit-appender.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { admission, nextEpoch, othersIn, readmission, removal } from './membership.ts';
import type { MembershipContext } from './membership.ts';

export interface VaultMembersDeps {
  readonly connections: Connections;
  readonly people: People;
  readonly teams: Pick<Teams, 'find' | 'personOf'>;
  readonly chains: Chains;
  readonly journals: TeamJournals;
  readonly account: AccountId;
  readonly server: ServerId;
  /** Undefined on a worker, which admits nobody. */
  readonly keys: FullDeviceKeys | undefined;
  readonly random: Random;
}

export interface Admit {
  readonly person: Person;
  readonly role: Exclude<Role, 'owner'>;
}

/** Before the name of a team, where a person could stand too. No username holds a colon. */
export const teamPrefix = 'team:';

/** The members of the account's own vaults, shares and teams alike: let in, taken out, given new keys (JOURNAL §Members and sharing). */
export class VaultMembers {
  readonly #deps: VaultMembersDeps;

  constructor(deps: VaultMembersDeps) {
    this.#deps = deps;
  }

  /** A person by name, or a team as `team:NAME`, with the newest keys. @throws as {@link People.find} and {@link Teams.find} */
  async find(name: string, signal?: AbortSignal): Promise<Person> {
    const { people, teams } = this.#deps;
    if (!name.startsWith(teamPrefix)) return people.find(name, signal);
    return teams.personOf((await teams.find(name.slice(teamPrefix.length), signal)).id, signal);
  }

  /** True when the member is new or changed. @throws NOT_ALLOWED for keys that nobody vouches for; CONFLICT, INTEGRITY, UNREACHABLE */
  async admit(vault: JournalVault, { person, role }: Admit, signal?: AbortSignal): Promise<boolean> {
    // Somebody may have gone from a team while a share was filled: its key from before is theirs.
    const newest = isTeamId(person.account) ? await this.#deps.teams.personOf(person.account, signal) : person;
    requireKnown(newest);
    const { fingerprint } = newest;
    const trusts = await this.#trustedTeams(vault, signal);
    let isNew = false;
    await vault.change(async () => {
      const context = this.context(vault);
      const known = context.state.members.get(idKey(person.account));
      if (known?.role === role && equalBytes(known.fingerprint, fingerprint)) return undefined;
      isNew = true;
      const wanted = {
        member: person.account,
        role,
        head: this.#headOf(person.account),
        fingerprint,
      };
      if (known !== undefined && !equalBytes(known.fingerprint, fingerprint))
        return readmission(wanted, context, trusts);
      return { refs: [admission(wanted, context)] };
    }, signal);
    return isNew;
  }

  /** The removals and a new key in one commit; whoever is no member is passed over. @throws CONFLICT, INTEGRITY, UNREACHABLE */
  async remove(vault: JournalVault, members: readonly Uint8Array[], signal?: AbortSignal): Promise<void> {
    // Whoever has broken their chain must not keep anybody in.
    await this.#refreshPeople(vault, signal);
    const trusts = await this.#trustedTeams(vault, signal);
    await vault.change(async (): Promise<MadeRefs | undefined> => {
      const context = this.context(vault);
      const left = members.filter((member) => context.state.members.has(idKey(member)));
      if (left.length === 0) return undefined;
      const { ref, n, secret } = nextEpoch(context, { without: left, trusts });
      return { refs: [...left.map(removal), ref], epoch: { n, secret } };
    }, signal);
  }

  /** Ends the epoch, where somebody has left or a member's keys are others than it was sealed to. @throws as {@link remove} */
  async workOff(vault: JournalVault, signal?: AbortSignal): Promise<void> {
    const left = await this.leftBy(vault, signal);
    if (left.length > 0) await this.remove(vault, left, signal);
    await this.#endStale(vault, signal);
  }

  /** Accounts and teams that have left the vault, or are gone, and still are in its journal. @throws UNREACHABLE */
  async leftBy(vault: Pick<JournalVault, 'id'>, signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    const options = { ...(signal && { signal }) };
    const { response } = await this.#deps.connections.run(
      'control',
      (one) => one.request('share.left', { vault: vault.id }, options),
      signal,
    );
    return response.members;
  }

  /** Gives up a vault of somebody else. @throws NOT_ALLOWED when it is shared with a team; UNREACHABLE */
  async leave(vault: VaultId, signal?: AbortSignal): Promise<void> {
    const options = { ...(signal && { signal }) };
    await this.#deps.connections.run('control', (one) => one.request('share.leave', { vault }, options), signal);
  }

  /** True when the member has other keys now than the vault has admitted. */
  isChanged({ member, fingerprint }: Member): boolean {
    const now = this.#fingerprintOf(member);
    return now !== undefined && !equalBytes(now, fingerprint);
  }

  /**
   * True while a team that is a member waits for a new key, or the vault for that of the team: somebody who went, or a thief of a
   * device, still holds it. As far as this device knows the people in it.
   */
  isPending(member: Member): boolean {
    if (!isTeamId(member.member)) return false;
    return this.isChanged(member) || this.isTeamPending(member.member);
  }

  /** The same of a team itself. */
  isTeamPending(id: VaultId): boolean {
    const { journals } = this.#deps;
    const people = [...(journals.current(id)?.members.values() ?? [])];
    return people.some((one) => this.isChanged(one) && journals.isGivenTo(id, one.member));
  }

  /** With the newest keys; undefined when the account is gone. @throws INTEGRITY, UNREACHABLE */
  async person(member: Uint8Array, signal?: AbortSignal): Promise<Person | undefined> {
    try {
      const { people, teams } = this.#deps;
      return await (isTeamId(member) ? teams.personOf(member, signal) : people.byAccount(member, signal));
    } catch (error) {
      if (isCofferError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** Somebody whose account is gone has the name that this device knew, and the beginning of their id. */
  async shown({ member, fingerprint }: Member, signal?: AbortSignal): Promise<Person> {
    const known = await this.person(member, signal);
    if (known !== undefined) return known;
    const name = isTeamId(member) ? teamPrefix : (this.#deps.people.known(member).username ?? '');
    const username = `${name}~${idKey(member).slice(0, 8)}`;
    return { account: member as AccountId, username, fingerprint, trust: 'unverified' };
  }

  context(vault: JournalVault): MembershipContext {
    const { server, account, journals, random } = this.#deps;
    const state = vault.stateToCome;
    if (state === undefined) throw new TypeError('a vault is changed before it was pulled');
    const epochSecret = vault.epochSecret(state.epoch);
    return { state, directory: journals, server, from: account, epochSecret, random };
  }

  /** False on a worker. */
  get isFull(): boolean {
    return this.#deps.keys !== undefined;
  }

  /** @throws NOT_ALLOWED on a worker */
  requireKeys(): FullDeviceKeys {
    const { keys } = this.#deps;
    if (keys !== undefined) return keys;
    throw new CofferError('NOT_ALLOWED', 'an unattended device shares nothing', {
      hint: 'Sign in with --keystore password or keyring, and run it there.',
    });
  }

  /**
   * Whoever holds a member's former keys, a thief of a device or somebody who went from a team, holds the secret that was sealed to
   * them. A team gets the next one at once, since its owner vouches for its keys; a person when the owner shares again, which asks for
   * trust in the new keys (CRYPTO §Keys).
   */
  async #endStale(vault: JournalVault, signal: AbortSignal | undefined): Promise<void> {
    const broken = await this.#refreshPeople(vault, signal);
    if (broken !== undefined) throw broken;
    const trusts = await this.#trustedTeams(vault, signal);
    await vault.change(async (): Promise<MadeRefs | undefined> => {
      const context = this.context(vault);
      const changed = othersIn(context.state).filter((member) => this.isChanged(member));
      const isHeld = changed.some(({ member }) => trusts(member) || vault.isSealedTo(member));
      if (!isHeld && !this.#lostWorker(vault)) return undefined;
      const { ref, n, secret } = nextEpoch(context, { trusts });
      return { refs: [ref], epoch: { n, secret } };
    }, signal);
  }

  /** A new key goes to the keys and unattended devices that members have now. Answers why one of them cannot be known. @throws UNREACHABLE */
  async #refreshPeople({ state }: JournalVault, signal: AbortSignal | undefined): Promise<CofferError | undefined> {
    let broken: CofferError | undefined;
    for (const { member } of state === undefined ? [] : othersIn(state)) {
      if (isTeamId(member)) continue;
      try {
        await this.person(member, signal);
      } catch (error) {
        if (!isCofferError(error, 'INTEGRITY', 'INVALID', 'LIMIT', 'UPGRADE_REQUIRED')) throw error;
        broken ??= error;
      }
    }
    return broken;
  }

  /** Whether a member has revoked an unattended device that served the vault, and the journal does not know it yet. */
  #lostWorker({ id, state }: JournalVault): boolean {
    if (state === undefined) return false;
    return othersIn(state).some(({ member }) => {
      const head = state.identities.get(idKey(member));
      if (isTeamId(member) || head === undefined) return false;
      const seen = this.#deps.chains.identity(member, head)?.devices;
      return [...(this.#deps.chains.current(member)?.devices.values() ?? [])].some(
        ({ device, revoked, vaults }) =>
          revoked && vaults.some((served) => equalBytes(served, id)) && seen?.get(idKey(device))?.revoked !== true,
      );
    });
  }

  /** Teams among the members whose owner is known to be who it says: an epoch may be sealed to the key that they have now. */
  async #trustedTeams(
    { state }: JournalVault,
    signal: AbortSignal | undefined,
  ): Promise<(member: Uint8Array) => boolean> {
    const trusted = new Set<IdKey>();
    for (const { member } of state === undefined ? [] : othersIn(state)) {
      if (isTeamId(member) && (await this.#isTrusted(member, signal))) trusted.add(idKey(member));
    }
    return (member) => trusted.has(idKey(member));
  }

  /** Whoever manages a team may have made it so that nobody can use it: that must not keep the owner of a share from its own. */
  async #isTrusted(id: VaultId, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const team = await this.person(id, signal);
      return team !== undefined && isKnown(team);
    } catch (error) {
      if (isCofferError(error, 'LIMIT', 'UPGRADE_REQUIRED')) return false;
      throw error;
    }
  }

  #fingerprintOf(member: Uint8Array): Hash | undefined {
    const { chains, journals } = this.#deps;
    if (!isTeamId(member)) return chains.current(member)?.fingerprint;
    const teamKey = journals.current(member)?.teamKey ?? undefined;
    return teamKey && teamFingerprint(teamKey);
  }

  #headOf(member: Uint8Array): IdentityState['head'] {
    const { chains, journals } = this.#deps;
    const known = isTeamId(member) ? journals.current(member) : chains.current(member);
    if (known === undefined) throw new TypeError('a chain was not fetched');
    return known.head;
  }
}

/** Somebody, the authority or this device, vouches for the keys. */
export function isKnown({ trust }: Pick<Person, 'trust'>): boolean {
  return trust === 'certified' || trust === 'verified';
}

/** @throws NOT_ALLOWED */
export function requireKnown(person: Person): void {
  if (isKnown(person)) return;
  const { username, trust, voucher = username } = person;
  const whose = voucher === username ? username : `${voucher}, who manages ${username},`;
  const message =
    trust === 'changed'
      ? `the keys of ${whose} are not those that this device knew`
      : `nobody vouches for the keys of ${whose}`;
  throw new CofferError('NOT_ALLOWED', message.replace(/,$/, ''), {
    hint: `Compare words first: coffer verify-person ${voucher}`,
  });
}
