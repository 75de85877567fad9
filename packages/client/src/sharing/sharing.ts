import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { AccountId, Clock, EntryId, Random, ServerId, VaultId } from '@coffer/core';
import type { EntryName, IdentityState, Member, Role } from '@coffer/journal';
import type { Connections } from '../connection/connections.ts';
import type { Entry } from '../entry.ts';
import type { Chains } from '../people/chains.ts';
import { canonicalUsername } from '../people/people.ts';
import type { People, Person } from '../people/people.ts';
import type { FullDeviceKeys } from '../profile/device-keys.ts';
import type { ExpectedVault } from '../state/vault-journal.ts';
import type { MadeRefs } from '../vaults/commit-appender.ts';
import { makeGenesis } from '../vaults/genesis.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { oneFrame } from '../vaults/transfers.ts';
import { checkShareable, fillAndMount, isMountOf, settle } from './fill-share.ts';
import { admission, nextEpoch, othersIn, readmission, removal } from './membership.ts';
import type { MembershipContext } from './membership.ts';
import type { PendingShare, PendingShares } from './pending-shares.ts';
import { sharedEntry } from './shared-vaults.ts';
import type { IncomingShare } from './shared-vaults.ts';

export interface SharingDeps {
  readonly connections: Connections;
  readonly people: People;
  readonly chains: Chains;
  readonly pending: PendingShares;
  /** Undefined while another process of the profile makes or finishes shares. */
  readonly lock: () => Disposable | undefined;
  readonly account: AccountId;
  readonly server: ServerId;
  /** Undefined on a worker, which shares nothing. */
  readonly keys: FullDeviceKeys | undefined;
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
  /** `left`: they left, and the key is still the one they had; `pending`: a team lost a member, and the key is still the one it had. */
  readonly state: 'active' | 'pending' | 'left';
}

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
    this.#requireKeys();
    requireKnown(person);
    using _lock = await this.#lock(signal);
    const vault =
      entry.kind === 'mount' ? await this.#mounted(entry, signal) : await this.#made({ entry, person, role }, signal);
    // Whoever left gets nothing back with the key they had: that one ends first.
    const left = await this.#leftBy(vault, signal);
    if (left.length > 0) await this.#remove(vault, left, signal);
    const isNew = await this.#admit(vault, { person, role }, signal);
    this.#deps.pending.remove(vault.id);
    if (!isNew) throw alreadyShared(person);
    return vault.id;
  }

  /** Takes the vault away from a member: the removal and a new key in one commit. @throws NOT_FOUND, NOT_ALLOWED, CONFLICT, UNREACHABLE */
  async unshare(
    { mount, member }: { readonly mount: Entry; readonly member: Uint8Array },
    signal?: AbortSignal,
  ): Promise<void> {
    this.#requireKeys();
    const vault = await this.#mounted(mount, signal);
    const isMember = vault.state?.members.has(idKey(member)) === true;
    if (!isMember) throw notShared();
    await this.#remove(vault, [member], signal);
  }

  /** A member of a share by the name that this device knows, or that `outgoing` shows: the account may be gone. @throws INTEGRITY, UNREACHABLE */
  async memberNamed(
    { mount, name }: { readonly mount: Entry; readonly name: string },
    signal?: AbortSignal,
  ): Promise<Person | undefined> {
    const { state } = await this.#mounted(mount, signal);
    const wanted = canonicalUsername(name);
    const members: Person[] = [];
    for (const member of state === undefined ? [] : othersIn(state)) members.push(await this.#shown(member, signal));
    const isKnownAs = ({ account }: Person): boolean => this.#deps.people.known(account).username === wanted;
    const [known, ...more] = members.filter(isKnownAs);
    // Whoever has the name now may be another than who had it before.
    return known !== undefined && more.length === 0 ? known : members.find(({ username }) => username === wanted);
  }

  /** Gives up what somebody shares with the account. @throws NOT_ALLOWED when it is shared with a team; UNREACHABLE */
  async leave({ vault }: Pick<IncomingShare, 'vault'>, signal?: AbortSignal): Promise<void> {
    const options = { ...(signal && { signal }) };
    await this.#deps.connections.run(
      'control',
      (one) => one.request('share.leave', { vault: vault.id }, options),
      signal,
    );
  }

  /**
   * Ends the epoch of every share that somebody has left, or whose secret was sealed to keys that a member no longer has; tells the
   * server what it was made to believe wrongly. @throws as {@link unshare}
   */
  async workOff(signal?: AbortSignal): Promise<void> {
    if (this.#deps.keys === undefined) return;
    const home = await this.#deps.home(signal);
    for (const mount of home.mounts()) {
      const vault = await this.#mounted(mount, signal);
      const left = await this.#leftBy(vault, signal);
      if (left.length > 0) await this.#remove(vault, left, signal);
      await this.#endStale(vault, signal);
      // What a member dropped without right would expire while nobody else writes.
      await settle(vault, signal);
    }
  }

  /**
   * Whoever holds a member's former keys, a thief of a device, holds the secret that was sealed to them. The member gets the next
   * one when the owner shares again, which asks for trust in the new keys (CRYPTO §Keys).
   */
  async #endStale(vault: JournalVault, signal: AbortSignal | undefined): Promise<void> {
    const others = vault.state === undefined ? [] : othersIn(vault.state);
    for (const { member } of others) await this.#person(member as AccountId, signal);
    await vault.change(async (): Promise<MadeRefs | undefined> => {
      const context = this.#context(vault);
      if (!othersIn(context.state).some((member) => this.#isStale(vault, member))) return undefined;
      const { ref, n, secret } = nextEpoch(context, {});
      return { refs: [ref], epoch: { n, secret } };
    }, signal);
  }

  #isStale(vault: JournalVault, { member, fingerprint }: Member): boolean {
    const identity = this.#deps.chains.current(member as AccountId);
    return identity !== undefined && !equalBytes(identity.fingerprint, fingerprint) && vault.isSealedTo(member);
  }

  /** Somebody whose account is gone has the name that this device knew, and the beginning of their id. */
  async #shown({ member, fingerprint }: Member, signal: AbortSignal | undefined): Promise<Person> {
    const account = member as AccountId;
    const { username = '' } = this.#deps.people.known(account);
    const gone = {
      account,
      username: `${username}~${idKey(member).slice(0, 8)}`,
      fingerprint,
      trust: 'unverified',
    } as const;
    return (await this.#person(account, signal)) ?? gone;
  }

  /** With the newest keys; undefined when the account is gone. */
  async #person(account: AccountId, signal: AbortSignal | undefined): Promise<Person | undefined> {
    try {
      return await this.#deps.people.byAccount(account, signal);
    } catch (error) {
      if (isCofferError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async #leftBy(vault: JournalVault, signal: AbortSignal | undefined): Promise<readonly AccountId[]> {
    const options = { ...(signal && { signal }) };
    const { response } = await this.#deps.connections.run(
      'control',
      (one) => one.request('share.left', { vault: vault.id }, options),
      signal,
    );
    return response.accounts;
  }

  /** What the account shares, with whom. @throws INTEGRITY, UNREACHABLE */
  async outgoing(signal?: AbortSignal): Promise<readonly OutgoingShare[]> {
    const home = await this.#deps.home(signal);
    const shares: OutgoingShare[] = [];
    for (const mount of home.mounts()) {
      const vault = await this.#mounted(mount, signal);
      const { state } = vault;
      const left = await this.#leftBy(vault, signal);
      const names = home.tree.path(mount.entry);
      if (state === undefined || names === undefined) continue;
      for (const other of othersIn(state)) {
        const { member, role } = other;
        if (role === 'owner') continue;
        const person = await this.#shown(other, signal);
        const hasLeft = left.some((account) => equalBytes(account, member));
        shares.push({ names, mount, member: person, role, state: hasLeft ? 'left' : 'active' });
      }
    }
    return shares;
  }

  /**
   * What an earlier start left unfinished; one that cannot be finished keeps none of the others back. Nothing happens while another
   * process is at it. @throws as {@link share}, the first
   */
  async finishPending(signal?: AbortSignal): Promise<void> {
    if (this.#deps.keys === undefined || this.#deps.pending.list().length === 0) return;
    using lock = this.#deps.lock();
    if (lock === undefined) return;
    let failure: CofferError | undefined;
    for (const share of this.#deps.pending.list()) {
      try {
        await this.#finish(share, signal);
      } catch (error) {
        if (!isCofferError(error) || isAboutAll(error)) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
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
    const { connections, pending, clock, random } = this.#deps;
    const identity = this.#deps.chains.ownIdentity;
    const { commit } = makeGenesis({ kind: 'share', identity, secrets: this.#requireKeys() }, { clock, random });
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

  async #admit(
    vault: JournalVault,
    { person, role }: { readonly person: Person; readonly role: ShareMember['role'] },
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    let isNew = false;
    await vault.change(async () => {
      const context = this.#context(vault);
      const known = context.state.members.get(idKey(person.account));
      if (known?.role === role && equalBytes(known.fingerprint, person.fingerprint)) return undefined;
      const head = this.#headOf(person);
      isNew = true;
      const wanted = { member: person.account, role, head, fingerprint: person.fingerprint };
      if (known !== undefined && !equalBytes(known.fingerprint, person.fingerprint))
        return readmission(wanted, context);
      return { refs: [admission(wanted, context)] };
    }, signal);
    return isNew;
  }

  async #remove(vault: JournalVault, members: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<void> {
    await vault.change(async (): Promise<MadeRefs | undefined> => {
      const context = this.#context(vault);
      const left = members.filter((member) => context.state.members.has(idKey(member)));
      if (left.length === 0) return undefined;
      const { ref, n, secret } = nextEpoch(context, { without: left });
      return { refs: [...left.map(removal), ref], epoch: { n, secret } };
    }, signal);
  }

  async #finish(share: PendingShare, signal: AbortSignal | undefined): Promise<void> {
    const { pending } = this.#deps;
    const home = await this.#deps.home(signal);
    await home.pull(signal);
    const vault = await this.#created(share, signal);
    const entry = home.tree.get(share.entry);
    if (vault === undefined) return pending.remove(share.vault);
    const isMounted = entry !== undefined && isMountOf(entry, share.vault);
    if (!isMounted && (entry === undefined || entry.kind === 'mount')) return this.#undo(vault, signal);
    if (isMounted) await settle(home, signal);
    else await fillAndMount({ home, vault, entry: share.entry, account: this.#deps.account }, signal);
    const person = await this.#person(share.member as AccountId, signal);
    // Somebody whose keys have changed since is left to the next `share`, which says so.
    if (person !== undefined && isKnown(person)) await this.#admit(vault, { person, role: share.role }, signal);
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

  #context(vault: JournalVault): MembershipContext {
    const { server, account, chains, random } = this.#deps;
    const state = vault.stateToCome;
    if (state === undefined) throw new TypeError('a vault is changed before it was pulled');
    return { state, directory: chains, server, from: account, epochSecret: vault.epochSecret(state.epoch), random };
  }

  #headOf({ account }: Person): IdentityState['head'] {
    const identity = this.#deps.chains.current(account);
    if (identity === undefined) throw new TypeError('a chain was not fetched');
    return identity.head;
  }

  #requireKeys(): FullDeviceKeys {
    const { keys } = this.#deps;
    if (keys !== undefined) return keys;
    throw new CofferError('NOT_ALLOWED', 'an unattended device shares nothing', {
      hint: 'Sign in with --keystore password or keyring, and run it there.',
    });
  }
}

function isKnown({ trust }: Person): boolean {
  return trust === 'certified' || trust === 'verified';
}

/** @throws NOT_ALLOWED */
function requireKnown(person: Person): void {
  if (isKnown(person)) return;
  const { username, trust } = person;
  const message =
    trust === 'changed'
      ? `the keys of ${username} are not those that this device knew`
      : `nobody vouches for the keys of ${username}`;
  throw new CofferError('NOT_ALLOWED', message, { hint: `Compare words first: coffer verify-person ${username}` });
}

/** What the next share would meet as well. */
function isAboutAll({ code }: CofferError): boolean {
  return ['UNREACHABLE', 'TIMEOUT', 'BUSY', 'SHUTTING_DOWN', 'CANCELLED', 'NOT_LOGGED_IN'].includes(code);
}

function alreadyShared({ username }: Person): CofferError {
  return new CofferError('EXISTS', `it is shared with ${username} already`, {
    hint: 'See who has what with `coffer shares`; --write lets them change it.',
  });
}

function notShared(): CofferError {
  return new CofferError('NOT_FOUND', 'it is not shared with them', { hint: 'See who has what with `coffer shares`.' });
}
