import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { AccountId, Clock, Random, VaultId } from '@coffer/core';
import { isTeamId, nameProblem, teamFingerprint } from '@coffer/journal';
import type { Member, VaultState } from '@coffer/journal';
import type { ResponseOf } from '@coffer/protocol';
import type { Connections } from '../connection/connections.ts';
import { eachOf } from '../each-of.ts';
import type { Chains } from '../people/chains.ts';
import type { People, Person } from '../people/people.ts';
import { isKnown, requireKnown, teamPrefix } from '../sharing/vault-members.ts';
import type { VaultMembers } from '../sharing/vault-members.ts';
import type { BrokenShare } from '../sharing/shared-vaults.ts';
import type { ExpectedVault } from '../state/vault-journal.ts';
import { makeGenesis } from '../vaults/genesis.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { oneFrame } from '../vaults/transfers.ts';
import type { TeamJournals } from './team-journals.ts';
import type { TeamNames } from './team-names.ts';

/** A team that the account is in. */
export interface Team {
  readonly id: VaultId;
  /** As its owner called it, marked with the beginning of the id where this device has seen two teams of the name. */
  readonly name: string;
  /** Who manages it. */
  readonly owner: Person;
  readonly isOwn: boolean;
  /** The owner among them. */
  readonly people: readonly Member[];
}

/** Somebody in a team. */
export interface TeamMember {
  readonly person: Person;
  readonly isOwner: boolean;
  /**
   * `left`: they left, and the key is still the one they had; only the owner is told. `pending`: they have other keys, and the team
   * still has a key that was given to their former ones; `unconfirmed`: it has a new one, which they get when they are taken in again.
   */
  readonly state: 'active' | 'left' | 'pending' | 'unconfirmed';
}

/** A team that a share has as member. */
export interface TeamGrant extends Pick<Team, 'id' | 'name'> {
  readonly role: 'read' | 'write';
  /** `pending`: somebody went from the team, and the key of the share is still the one they had. */
  readonly state: 'active' | 'pending';
}

export interface TeamsDeps {
  readonly connections: Connections;
  readonly people: People;
  readonly chains: Chains;
  readonly journals: TeamJournals;
  readonly names: TeamNames;
  readonly members: () => VaultMembers;
  readonly account: AccountId;
  /** The account's own name. */
  readonly username: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly open: (vault: VaultId, expected: ExpectedVault) => JournalVault;
  /** Told of a team that cannot be used. */
  readonly onBroken?: (broken: BrokenShare) => void;
}

/** What concerns one team alone. */
const unusable = ['INTEGRITY', 'ROLLBACK', 'NOT_FOUND', 'LIMIT', 'UPGRADE_REQUIRED'] as const;

/** Characters of the longest name. */
const maxNameLength = 64;

/** Teams: found, made, and changed by their owner. A team is a vault without files (JOURNAL §Members and sharing). */
export class Teams {
  readonly #deps: TeamsDeps;

  constructor(deps: TeamsDeps) {
    this.#deps = deps;
  }

  /** Those that the account is in, up to date, by name. One that cannot be used is told and left out. @throws UNREACHABLE */
  async list(signal?: AbortSignal): Promise<readonly Team[]> {
    const teams: Team[] = [];
    for (const id of await this.refreshAll(signal)) {
      const team = await this.#usable(id, () => this.#describe(id, signal));
      // Whom the server lists it for is its word; who is in it, the journal's.
      if (team?.people.some(({ member }) => equalBytes(member, this.#deps.account)) === true) teams.push(team);
    }
    for (const { id } of teams) this.#see(id);
    return teams
      .map((team) => ({ ...team, name: this.nameOf(team.id) }))
      .toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  }

  /** Brings the journals of the account's teams up to date. @throws UNREACHABLE */
  async refreshAll(signal?: AbortSignal): Promise<readonly VaultId[]> {
    const options = { ...(signal && { signal }) };
    const { connections } = this.#deps;
    const { response } = await connections.run('control', (one) => one.request('vault.list', {}, options), signal);
    return this.refresh(response.vaults, signal);
  }

  /** The same of those that the server has listed: with them come the keys of what is shared with these teams. @throws UNREACHABLE */
  async refresh(listed: ResponseOf<'vault.list'>['vaults'], signal?: AbortSignal): Promise<readonly VaultId[]> {
    const { connections, journals } = this.#deps;
    const usable: VaultId[] = [];
    for (const { vault, kind, head } of listed) {
      if (kind !== 'team') continue;
      const id = await this.#usable(vault, async () => {
        const newest = journals.current(vault)?.head;
        // One that this device has passed already is a server that went back: the journal says whether it may.
        if (newest === undefined || !equalBytes(newest, head))
          await connections.run('control', (one) => journals.refresh(one, vault, signal), signal);
        return vault;
      });
      if (id !== undefined) usable.push(id);
    }
    return usable;
  }

  /** One of {@link list} by its name there, or as NAME~ID with the beginning of its id. @throws NOT_FOUND; INVALID when several begin so; UNREACHABLE */
  async find(name: string, signal?: AbortSignal): Promise<Team> {
    const teams = await this.list(signal);
    const [found, ...more] = teams.filter((team) => team.name === name || this.#isMeant(team, name));
    if (found !== undefined && more.length === 0) return found;
    if (found !== undefined) throw severalTeams(name, [found, ...more]);
    const alike = teams.filter((team) => team.name.startsWith(`${name}~`)).map((team) => team.name);
    throw new CofferError('NOT_FOUND', `you are in no team called ${name}`, {
      hint:
        alike.length > 0
          ? `This device has seen several of that name. Say which one: ${alike.join(', ')}`
          : 'See your teams with: coffer team list',
    });
  }

  /**
   * A team as somebody whom a vault is shared with. Its owner vouches for its key, as long as the owner's own keys are those that the
   * team has admitted. @throws NOT_FOUND, INTEGRITY, UNREACHABLE
   */
  async personOf(id: VaultId, signal?: AbortSignal): Promise<Person> {
    const { connections, journals } = this.#deps;
    await connections.run('control', (one) => journals.refresh(one, id, signal), signal);
    const state = this.#state(id);
    const { teamKey } = state;
    if (teamKey === null) throw new TypeError('a team without a key was accepted');
    const owner = await this.#owner(state, signal);
    const admitted = state.members.get(idKey(state.owner));
    const isSame = admitted !== undefined && equalBytes(admitted.fingerprint, owner.fingerprint);
    const subject: Uint8Array = id;
    return {
      account: subject,
      username: `${teamPrefix}${this.nameOf(id)}`,
      fingerprint: teamFingerprint(teamKey),
      trust: isKnown(owner) && !isSame ? 'changed' : owner.trust,
      voucher: owner.username,
    };
  }

  /** Makes a team of the account alone. @throws EXISTS when it is in one of that name; INVALID; NOT_ALLOWED on a worker; UNREACHABLE */
  async create(name: string, signal?: AbortSignal): Promise<VaultId> {
    const { connections, chains, clock, random } = this.#deps;
    checkTeamName(name);
    const secrets = this.#deps.members().requireKeys();
    if ((await this.list(signal)).some((team) => this.#givenName(team.id) === name)) throw taken(name);
    const { commit } = makeGenesis({ kind: 'team', name, identity: chains.ownIdentity, secrets }, { clock, random });
    const options = { ...(signal && { signal }) };
    await connections.run(
      'control',
      (one) => one.request('vault.create', {}, { data: oneFrame(commit.bytes), ...options }),
      signal,
    );
    return commit.vault;
  }

  /** Takes somebody into an own team. @throws NOT_ALLOWED for who does not own it, and for keys that nobody vouches for; EXISTS; CONFLICT, UNREACHABLE */
  async add(team: Team, person: Person, signal?: AbortSignal): Promise<void> {
    const members = this.#deps.members();
    const vault = await this.#own(team, signal);
    if (isTeamId(person.account))
      throw new CofferError('INVALID', 'a team is made of people', { hint: 'Add its members one by one.' });
    requireKnown(person);
    await members.workOff(vault, signal);
    const isNew = await members.admit(vault, { person, role: 'read' }, signal);
    if (!isNew) throw new CofferError('EXISTS', `${person.username} is in the team already`);
    await this.refreshAll(signal);
  }

  /** The removal and a new key of the team in one commit; what is shared with it is for `Sharing.workOff`. @throws NOT_ALLOWED, NOT_FOUND, CONFLICT, UNREACHABLE */
  async remove(team: Team, member: Uint8Array, signal?: AbortSignal): Promise<void> {
    const vault = await this.#own(team, signal);
    if (equalBytes(member, this.#deps.account))
      throw new CofferError('INVALID', 'who manages a team does not leave it', {
        hint: 'Take the others out, and take back what is shared with it: coffer unshare PATH team:NAME',
      });
    if (vault.state?.members.has(idKey(member)) !== true) throw notInTeam();
    await this.#deps.members().remove(vault, [member], signal);
    await this.refreshAll(signal);
  }

  /** Gives up a team of somebody else: its shares are served no more, and its owner makes a new key. @throws INVALID for an own team; UNREACHABLE */
  async leave(team: Team, signal?: AbortSignal): Promise<void> {
    if (team.isOwn)
      throw new CofferError('INVALID', 'who manages a team does not leave it', {
        hint: 'Take the others out instead: coffer team remove NAME MEMBER',
      });
    this.#deps.members().requireKeys();
    await this.#deps.members().leave(team.id, signal);
    this.#deps.names.forget(team.id);
  }

  /** Everybody in a team; its owner first, then by name. @throws INTEGRITY, UNREACHABLE */
  async members(team: Team, signal?: AbortSignal): Promise<readonly TeamMember[]> {
    const members = this.#deps.members();
    const left = team.isOwn ? await members.leftBy(await this.#own(team, signal), signal) : [];
    const all: TeamMember[] = [];
    for (const one of team.people) {
      const isOwner = one.role === 'owner';
      const person = isOwner ? team.owner : await this.#shown(one, signal);
      const hasLeft = left.some((account) => equalBytes(account, one.member));
      all.push({ person, isOwner, state: hasLeft ? 'left' : this.#stateOf(one, team) });
    }
    return all.toSorted(
      (a, b) => Number(b.isOwner) - Number(a.isOwner) || (a.person.username < b.person.username ? -1 : 1),
    );
  }

  /** By which of the account's teams it is served a share. The share and the teams are up to date. */
  through({ state }: JournalVault): readonly TeamGrant[] {
    const { account, journals } = this.#deps;
    return [...(state?.members.values() ?? [])].flatMap((grant): TeamGrant[] => {
      const { member: id, role } = grant;
      const team = isTeamId(id) ? journals.current(id) : undefined;
      if (!isTeamId(id) || role === 'owner' || team?.members.has(idKey(account)) !== true) return [];
      const isPending = this.#deps.members().isPending(grant);
      return [{ id, name: this.nameOf(id), role, state: isPending ? 'pending' : 'active' }];
    });
  }

  /** Ends the epoch of each own team that somebody left, or whose member has other keys now. One that it cannot be done for keeps none of the others back. @throws as {@link remove}, the first */
  async workOff(signal?: AbortSignal): Promise<void> {
    const vaults = await this.ownVaults(signal);
    try {
      await eachOf(vaults, async (vault) => {
        await vault.pull(signal);
        await this.#deps.members().workOff(vault, signal);
      });
    } finally {
      if (vaults.length > 0) await this.refreshAll(signal);
    }
  }

  /** The account's own teams, as this device knows them. @throws INTEGRITY, UNREACHABLE */
  async ownVaults(signal?: AbortSignal): Promise<readonly JournalVault[]> {
    const all = await this.refreshAll(signal);
    return all.filter((id) => equalBytes(this.#state(id).owner, this.#deps.account)).map((id) => this.#open(id));
  }

  /** What concerns one team alone is told. */
  async #usable<Result>(vault: VaultId, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isCofferError(error, ...unusable)) throw error;
      this.#deps.onBroken?.({ vault, error });
      return undefined;
    }
  }

  #stateOf(one: Member, { id }: Team): Exclude<TeamMember['state'], 'left'> {
    if (!this.#deps.members().isChanged(one)) return 'active';
    return this.#deps.journals.isGivenTo(id, one.member) ? 'pending' : 'unconfirmed';
  }

  async #own({ id, isOwn, owner }: Team, signal: AbortSignal | undefined): Promise<JournalVault> {
    this.#deps.members().requireKeys();
    if (!isOwn)
      throw new CofferError('NOT_ALLOWED', `${owner.username} manages this team`, { hint: `Ask ${owner.username}.` });
    const vault = this.#open(id);
    await vault.pull(signal);
    return vault;
  }

  #open(id: VaultId): JournalVault {
    return this.#deps.open(id, { kind: 'team', owner: this.#deps.account });
  }

  async #describe(id: VaultId, signal: AbortSignal | undefined): Promise<Team> {
    const state = this.#state(id);
    const owner = await this.#owner(state, signal);
    const isOwn = equalBytes(state.owner, this.#deps.account);
    return { id, name: this.nameOf(id), owner, isOwn, people: [...state.members.values()] };
  }

  /** Whether the account manages it, as far as this device knows the team. */
  isOwn(id: VaultId): boolean {
    const owner = this.#deps.journals.current(id)?.owner;
    return owner !== undefined && equalBytes(owner, this.#deps.account);
  }

  /** As its owner called it, with the beginning of the id where this device has seen another one of the name; that alone where it cannot be read. */
  nameOf(id: VaultId): string {
    const name = this.#givenName(id) ?? '';
    return name === '' || this.#deps.names.isShared(name, id) ? `${name}~${idKey(id).slice(0, 8)}` : name;
  }

  #givenName(id: VaultId): string | undefined {
    const name = this.#deps.journals.nameOf(id);
    return name !== undefined && isTeamName(name) ? name : undefined;
  }

  #see(id: VaultId): void {
    const name = this.#givenName(id);
    if (name !== undefined) this.#deps.names.see(name, id);
  }

  #isMeant({ id }: Team, wanted: string): boolean {
    const [, name, digits] = /^([^~]*)~([0-9a-f]{8,64})$/.exec(wanted) ?? [];
    return digits !== undefined && idKey(id).startsWith(digits) && (this.#givenName(id) ?? '') === name;
  }

  #state(id: VaultId): VaultState {
    const state = this.#deps.journals.current(id);
    if (state === undefined) throw new TypeError('a team was not fetched');
    return state;
  }

  async #owner({ owner }: VaultState, signal: AbortSignal | undefined): Promise<Person> {
    const { account, chains, people, username } = this.#deps;
    if (!equalBytes(owner, account)) return people.byAccount(owner, signal);
    const { fingerprint } = chains.ownIdentity;
    return { account, username: username(), fingerprint, trust: 'verified' };
  }

  async #shown(one: Member, signal: AbortSignal | undefined): Promise<Person> {
    const { account, chains, username } = this.#deps;
    if (!equalBytes(one.member, account)) return this.#deps.members().shown(one, signal);
    return { account, username: username(), fingerprint: chains.ownIdentity.fingerprint, trust: 'verified' };
  }
}

/** @throws INVALID */
function checkTeamName(name: string): void {
  if (isTeamName(name)) return;
  throw new CofferError('INVALID', 'this is no name for a team', {
    hint: `Use up to ${maxNameLength} characters, without ~, / and colons.`,
  });
}

/** A mark that this device sets must not be taken for a name that somebody else gave. */
function isTeamName(name: string): boolean {
  return nameProblem(name) === undefined && name.length <= maxNameLength && !/[~:]/.test(name);
}

function severalTeams(name: string, teams: readonly Team[]): CofferError {
  const whole = teams.map(({ id }) => `~${idKey(id)}`).join(', ');
  return new CofferError('INVALID', `${name} means several teams`, {
    hint: `Put the whole id behind its name: ${whole}`,
  });
}

function taken(name: string): CofferError {
  return new CofferError('EXISTS', `you are in a team called ${name} already`, {
    hint: 'See your teams with: coffer team list',
  });
}

function notInTeam(): CofferError {
  return new CofferError('NOT_FOUND', 'they are not in the team', { hint: 'See who is: coffer team show NAME' });
}
