import { CofferError, equalBytes, idKey } from '@coffer/core';
import type { AccountId, Clock, EntryId, IdKey, Random, VaultId } from '@coffer/core';
import { isTeamId } from '@coffer/journal';
import type { EntryName, Member, Role } from '@coffer/journal';
import type { Connections } from '../connection/connections.ts';
import { eachOf } from '../each-of.ts';
import type { Entry } from '../entry.ts';
import type { Chains } from '../people/chains.ts';
import { canonicalUsername } from '../people/people.ts';
import type { People, Person } from '../people/people.ts';
import type { ExpectedVault } from '../state/vault-journal.ts';
import type { Teams } from '../teams/teams.ts';
import { makeGenesis } from '../vaults/genesis.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { oneFrame } from '../vaults/transfers.ts';
import { checkShareable, fillAndMount, isMountOf, settle } from './fill-share.ts';
import { othersIn } from './membership.ts';
import type { PendingShare, PendingShares } from './pending-shares.ts';
import { sharedEntry } from './shared-vaults.ts';
import type { IncomingShare } from './shared-vaults.ts';
import { isKnown, requireKnown, teamPrefix } from './vault-members.ts';
import type { VaultMembers } from './vault-members.ts';

export interface SharingDeps {
  readonly connections: Connections;
  readonly people: People;
  readonly chains: Chains;
  readonly members: VaultMembers;
  readonly teams: Teams;
  readonly pending: PendingShares;
  /** Undefined while another process of the profile makes or finishes shares. */
  readonly lock: () => Disposable | undefined;
  readonly account: AccountId;
  readonly clock: Clock;
  readonly random: Random;
  readonly home: (signal?: AbortSignal) => Promise<JournalVault>;
  /** One object for each vault, however often it is asked for. */
  readonly open: (vault: VaultId, expected: ExpectedVault) => JournalVault;
}

/** A member of a vault that the account owns. */
export interface ShareMember {
  readonly member: Uint8Array;
  readonly role: Exclude<Role, 'owner'>;
}

/** One member of one share of the account's. */
export interface OutgoingShare {
  /** Where it is mounted in the home vault. */
  readonly names: readonly EntryName[];
  readonly mount: Entry;
  readonly member: Person;
  readonly role: ShareMember['role'];
  readonly state: ShareState;
}

/**
 * `left`: they left, and the key is still the one they had; `pending`: a team lost a member, and the key is still the one it had;
 * `unconfirmed`: a person has new keys, and gets nothing further until somebody vouches for them and it is shared again.
 */
export type ShareState = 'active' | 'pending' | 'left' | 'unconfirmed';

/** Between looks whether another process is done with sharing, and how many: a minute. */
const waitMs = 200;
const maxWaits = 300;

/** Shares of the account's own files: making them, and who may use them (JOURNAL §Members and sharing). */
export class Sharing {
  readonly #deps: SharingDeps;

  constructor(deps: SharingDeps) {
    this.#deps = deps;
  }

  /**
   * Shares an entry of the home vault; one that is shared already gets another member, or the member another role.
   * @throws NOT_ALLOWED on a worker, for a person whose keys are not made sure of; INVALID for what cannot be shared; EXISTS;
   * CONFLICT, QUOTA, UNREACHABLE
   */
  async share(
    { entry, person, role }: { readonly entry: Entry; readonly person: Person; readonly role: ShareMember['role'] },
    signal?: AbortSignal,
  ): Promise<VaultId> {
    this.#deps.members.requireKeys();
    requireKnown(person);
    using _lock = await this.#lock(signal);
    const vault =
      entry.kind === 'mount' ? await this.#mounted(entry, signal) : await this.#made({ entry, person, role }, signal);
    // Whoever left gets nothing back with the key they had: that one ends first.
    const { members } = this.#deps;
    const left = await members.leftBy(vault, signal);
    if (left.length > 0) await members.remove(vault, left, signal);
    const isNew = await members.admit(vault, { person, role }, signal);
    this.#deps.pending.remove(vault.id);
    if (!isNew) throw alreadyShared(person);
    return vault.id;
  }

  /** Whom to share with: a person by name, or a team as `team:NAME`. @throws as {@link VaultMembers.find} */
  find(name: string, signal?: AbortSignal): Promise<Person> {
    return this.#deps.members.find(name, signal);
  }

  /** Takes the vault away from a member: the removal and a new key in one commit. @throws NOT_FOUND, NOT_ALLOWED, CONFLICT, UNREACHABLE */
  async unshare(
    { mount, member }: { readonly mount: Entry; readonly member: Uint8Array },
    signal?: AbortSignal,
  ): Promise<void> {
    this.#deps.members.requireKeys();
    const vault = await this.#mounted(mount, signal);
    const isMember = vault.state?.members.has(idKey(member)) === true;
    if (!isMember) throw notShared();
    await this.#deps.members.remove(vault, [member], signal);
  }

  /** A member of a share by the name that this device knows, or that `outgoing` shows: the account may be gone. @throws INVALID when two are shown by it; INTEGRITY, UNREACHABLE */
  async memberNamed(
    { mount, name }: { readonly mount: Entry; readonly name: string },
    signal?: AbortSignal,
  ): Promise<Person | undefined> {
    const { state } = await this.#mounted(mount, signal);
    const wanted = name.startsWith(teamPrefix) ? name : canonicalUsername(name);
    const members: Person[] = [];
    for (const member of state === undefined ? [] : othersIn(state))
      members.push(await this.#deps.members.shown(member, signal));
    const isKnownAs = ({ account }: Person): boolean =>
      !isTeamId(account) && this.#deps.people.known(account).username === wanted;
    const [known, ...more] = members.filter(isKnownAs);
    // Whoever has the name now may be another than who had it before.
    if (known !== undefined && more.length === 0) return known;
    const [found, ...alike] = members.filter(({ username }) => username === wanted);
    if (alike.length > 0) throw severalMembers(name);
    return found;
  }

  /** Gives up what somebody shares with the account. @throws NOT_ALLOWED when it is shared with a team; UNREACHABLE */
  async leave({ vault }: Pick<IncomingShare, 'vault'>, signal?: AbortSignal): Promise<void> {
    await this.#deps.members.leave(vault.id, signal);
  }

  /**
   * Ends the epoch of every own team and share that somebody has left, or whose secret was sealed to keys that a member no longer has,
   * be it a team that somebody went from; tells the server what it was made to believe wrongly. One that this cannot be done for
   * keeps none of the others back. @throws as {@link unshare}, the first
   */
  async workOff(signal?: AbortSignal): Promise<void> {
    const { home, members, teams } = this.#deps;
    if (!members.isFull) return;
    const own = await home(signal);
    // Another device may have shared more since.
    await own.pull(signal);
    const shares = own.mounts().map((mount) => () => this.#workOffShare(mount, signal));
    // Teams first: the new keys of shares are sealed to theirs.
    await eachOf([() => teams.workOff(signal), ...shares], (work) => work());
  }

  async #workOffShare(mount: Entry, signal: AbortSignal | undefined): Promise<void> {
    const vault = await this.#mounted(mount, signal);
    await this.#deps.members.workOff(vault, signal);
    // What a member dropped without right would expire while nobody else writes.
    await settle(vault, signal);
  }

  /** What the account shares, with whom. @throws INTEGRITY, UNREACHABLE */
  async outgoing(signal?: AbortSignal): Promise<readonly OutgoingShare[]> {
    const { members } = this.#deps;
    const home = await this.#deps.home(signal);
    const shares: OutgoingShare[] = [];
    const teamsLeft = new Map<IdKey, boolean>();
    for (const mount of home.mounts()) {
      const vault = await this.#mounted(mount, signal);
      const { state } = vault;
      const left = await members.leftBy(vault, signal);
      const names = home.tree.path(mount.entry);
      if (state === undefined || names === undefined) continue;
      for (const other of othersIn(state)) {
        const { member, role } = other;
        if (role === 'owner') continue;
        const person = await members.shown(other, signal);
        const hasLeft = left.some((account) => equalBytes(account, member));
        const share = { names, mount, member: person, role };
        const isWaiting = hasLeft ? false : await this.#isTeamLeft(other, teamsLeft, signal);
        shares.push({ ...share, state: hasLeft ? 'left' : isWaiting ? 'pending' : this.#stateOf(other) });
      }
    }
    return shares;
  }

  #stateOf(member: Member): Exclude<ShareState, 'left'> {
    const { members } = this.#deps;
    if (isTeamId(member.member)) return members.isPending(member) ? 'pending' : 'active';
    return members.isChanged(member) ? 'unconfirmed' : 'active';
  }

  /** Whether somebody has left an own team, whose key is still the one they had: nobody but its owner is told. */
  async #isTeamLeft(
    { member: id }: Member,
    known: Map<IdKey, boolean>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { members, teams } = this.#deps;
    if (!isTeamId(id) || !teams.isOwn(id)) return false;
    const key = idKey(id);
    const hasLeft = known.get(key) ?? (await members.leftBy({ id }, signal)).length > 0;
    known.set(key, hasLeft);
    return hasLeft;
  }

  /**
   * What an earlier start left unfinished; one that cannot be finished keeps none of the others back. Nothing happens while another
   * process is at it. @throws as {@link share}, the first
   */
  async finishPending(signal?: AbortSignal): Promise<void> {
    if (!this.#deps.members.isFull || this.#deps.pending.list().length === 0) return;
    using lock = this.#deps.lock();
    if (lock === undefined) return;
    await eachOf(this.#deps.pending.list(), (share) => this.#finish(share, signal));
  }

  /** @throws CONFLICT when another process holds it for too long */
  async #lock(signal: AbortSignal | undefined): Promise<Disposable> {
    for (let waits = 0; waits <= maxWaits; waits += 1) {
      const lock = this.#deps.lock();
      if (lock !== undefined) return lock;
      await this.#deps.clock.sleep(waitMs, signal);
    }
    throw new CofferError('CONFLICT', 'another process on this device is sharing something', {
      hint: 'Wait until it is done, and share again.',
    });
  }

  /** The vault of a mount in the home vault, up to date. @throws INTEGRITY when it is not a share of the account's own */
  async #mounted(mount: Entry, signal: AbortSignal | undefined): Promise<JournalVault> {
    const vault = this.#open(mount.target as VaultId);
    await vault.pull(signal);
    return vault;
  }

  #open(vault: VaultId): JournalVault {
    return this.#deps.open(vault, { kind: 'share', owner: this.#deps.account });
  }

  async #made(
    { entry, person, role }: { entry: Entry; person: Person; role: ShareMember['role'] },
    signal: AbortSignal | undefined,
  ): Promise<JournalVault> {
    const home = await this.#deps.home(signal);
    checkShareable(home.tree, entry);
    const vault = await this.#create(entry.entry, { member: person.account, role }, signal);
    await fillAndMount({ home, vault, entry: entry.entry, account: this.#deps.account }, signal);
    return vault;
  }

  /** Noted before the server has it: whatever happens then, the next start finds it. */
  async #create(entry: EntryId, { member, role }: ShareMember, signal: AbortSignal | undefined): Promise<JournalVault> {
    const { connections, members, pending, clock, random } = this.#deps;
    const identity = this.#deps.chains.ownIdentity;
    const { commit } = makeGenesis({ kind: 'share', identity, secrets: members.requireKeys() }, { clock, random });
    pending.add({ entry, vault: commit.vault, member, role });
    const options = { ...(signal && { signal }) };
    await connections.run(
      'control',
      (one) => one.request('vault.create', {}, { data: oneFrame(commit.bytes), ...options }),
      signal,
    );
    const vault = this.#open(commit.vault);
    await vault.pull(signal);
    return vault;
  }

  async #finish(share: PendingShare, signal: AbortSignal | undefined): Promise<void> {
    const { members, pending } = this.#deps;
    const home = await this.#deps.home(signal);
    await home.pull(signal);
    const vault = await this.#created(share, signal);
    const entry = home.tree.get(share.entry);
    if (vault === undefined) return pending.remove(share.vault);
    const isMounted = entry !== undefined && isMountOf(entry, share.vault);
    if (!isMounted && (entry === undefined || entry.kind === 'mount')) return this.#undo(vault, signal);
    if (isMounted) await settle(home, signal);
    else await fillAndMount({ home, vault, entry: share.entry, account: this.#deps.account }, signal);
    const person = await members.person(share.member, signal);
    // Somebody whose keys have changed since is left to the next `share`, which says so.
    if (person !== undefined && isKnown(person)) await members.admit(vault, { person, role: share.role }, signal);
    pending.remove(share.vault);
  }

  /** Undefined when the server never got it. */
  async #created({ vault: id }: PendingShare, signal: AbortSignal | undefined): Promise<JournalVault | undefined> {
    const options = { ...(signal && { signal }) };
    const listed = await this.#deps.connections.run('control', (one) => one.request('vault.list', {}, options), signal);
    if (!listed.response.vaults.some(({ vault }) => equalBytes(vault, id))) return undefined;
    const vault = this.#open(id);
    await vault.pull(signal);
    return vault;
  }

  /** The entry is gone, or shared by another device: what was copied for this share goes to the trash. */
  async #undo(vault: JournalVault, signal: AbortSignal | undefined): Promise<void> {
    const entry = sharedEntry(vault)?.entry;
    if (entry !== undefined) {
      await using batch = vault.batch();
      await batch.remove([entry], signal);
      await batch.commit(signal);
    }
    this.#deps.pending.remove(vault.id);
  }
}

function alreadyShared({ username }: Person): CofferError {
  return new CofferError('EXISTS', `it is shared with ${username} already`, {
    hint: 'See who has what with `coffer shares`; --write lets them change it.',
  });
}

function severalMembers(name: string): CofferError {
  return new CofferError('INVALID', `it is shared with several that are called ${name}`, {
    hint: 'See them with `coffer shares`, and give a team as team:NAME~ID.',
  });
}

function notShared(): CofferError {
  return new CofferError('NOT_FOUND', 'it is not shared with them', { hint: 'See who has what with `coffer shares`.' });
}
