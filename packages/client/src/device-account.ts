import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { IdKey, VaultId } from '@coffer/core';
import type { ClientConnection, ServerEvent } from '@coffer/protocol';
import { ed25519KeyPair } from '@coffer/crypto';
import type { HoldState } from './history.ts';
import type { Account, AccountInfo, AccountUsage, DeviceSummary } from './account.ts';
import type { Buckets } from './bandwidth/limited-transport.ts';
import { TokenBucket } from './bandwidth/token-bucket.ts';
import { clockSkewMs } from './connection/clock-skew.ts';
import { Connections } from './connection/connections.ts';
import { createTlsDial } from './connection/dial.ts';
import type { Dial } from './connection/dial.ts';
import { admitGeneration } from './connection/generation.ts';
import type { Greeted } from './connection/session.ts';
import { OwnCredentials } from './credentials/own-credentials.ts';
import { OwnDevices } from './devices/own-devices.ts';
import type { OwnVault } from './devices/own-devices.ts';
import { OwnChain } from './login/identity-chain.ts';
import { Chains } from './people/chains.ts';
import { People } from './people/people.ts';
import { VaultIdentities } from './people/vault-identities.ts';
import { PeopleFile } from './people/people-file.ts';
import type { DeviceKeys } from './profile/device-keys.ts';
import { accountKeyOf, homeKeyOf, workerKeyOf } from './profile/epoch-keys.ts';
import { AccountNotifications } from './notifications/account-notifications.ts';
import type { OpenAccountOptions } from './open-account.ts';
import type { OperationsLog } from './profile/operations-log.ts';
import type { Pins } from './profile/pins.ts';
import type { ProfileRecord } from './profile/profile-record.ts';
import type { EpochKey } from './state/epoch-secrets.ts';
import { openVaultDatabase } from './state/vault-database.ts';
import { VaultJournal } from './state/vault-journal.ts';
import type { ExpectedVault } from './state/vault-journal.ts';
import { PendingShares } from './sharing/pending-shares.ts';
import { Places } from './sharing/places.ts';
import { SharedVaults } from './sharing/shared-vaults.ts';
import { Sharing } from './sharing/sharing.ts';
import { SharingLock } from './sharing/sharing-lock.ts';
import { VaultMembers } from './sharing/vault-members.ts';
import { TeamJournals } from './teams/team-journals.ts';
import { TeamNames } from './teams/team-names.ts';
import { Teams } from './teams/teams.ts';
import type { Vault } from './vault.ts';
import { ServerAdmin } from './server-admin.ts';
import { keepYoungGenerationSmall } from './transfer/young-generation.ts';
import { JournalVault } from './vaults/journal-vault.ts';
import { WatchHub } from './watch-hub.ts';

/** {@link openAccount} of a profile that somebody is logged in to. @throws as that does */
export async function openDeviceAccount(
  { profile, unlock, signal, ...wishes }: OpenAccountOptions,
  dial: Dial = createTlsDial({ clock: profile.deps.clock }),
): Promise<Account> {
  keepYoungGenerationSmall();
  const record = profile.requireRecord();
  const chain = OwnChain.open(profile.chainPath, record.account);
  const pins = profile.pins();
  const keys = await currentKeys({ profile, chain, dial, unlock: once(unlock) }, signal);
  signal?.throwIfAborted();
  return new DeviceAccount({ ...wishes, profile, record, chain, pins, keys, dial });
}

interface CurrentKeys extends Pick<OpenAccountOptions, 'profile' | 'unlock'> {
  readonly chain: OwnChain;
  readonly dial: Dial;
}

/** The keys of this device, brought up to date when another one gave the account new ones. */
async function currentKeys(
  { profile, chain, dial, unlock }: CurrentKeys,
  signal: AbortSignal | undefined,
): Promise<DeviceKeys> {
  const keys = await profile.keystore.open(profile.requireRecord(), unlock);
  if (keys.kind === 'worker') return keys;
  const known = ed25519KeyPair(keys.identitySeed).publicKey;
  chain.expectIdentity(known);
  if (equalBytes(chain.current.signKey, known)) return keys;
  const { renewKeys } = await import('./devices/rotate-keys.ts');
  const fresh = OwnChain.open(profile.chainPath, chain.current.account);
  const renewed = await renewKeys({ profile, chain: fresh, keys, dial, password: await unlock() }, signal);
  chain.expectIdentity(ed25519KeyPair(renewed.identitySeed).publicKey);
  return renewed;
}

/** One question, however often it is asked. */
function once(ask: OpenAccountOptions['unlock']): OpenAccountOptions['unlock'] {
  let asked: Promise<string> | undefined;
  return () => (asked ??= ask());
}

interface DeviceAccountDeps extends Omit<OpenAccountOptions, 'unlock' | 'signal'> {
  readonly record: ProfileRecord;
  readonly chain: OwnChain;
  readonly pins: Pins;
  readonly keys: DeviceKeys;
  readonly dial: Dial;
}

class DeviceAccount implements Account {
  readonly info: AccountInfo;
  readonly operations: OperationsLog;
  readonly notifications: AccountNotifications;
  readonly #deps: DeviceAccountDeps;
  readonly #connections: Connections;
  readonly #watchHub: WatchHub;
  readonly #owned = new AsyncDisposableStack();
  readonly people: People;
  readonly sharing: Sharing;
  readonly shared: SharedVaults;
  readonly places: Places;
  readonly ownDevices: OwnDevices;
  readonly #shares = new Map<IdKey, JournalVault>();
  readonly teams: Teams;
  readonly #chains: Chains;
  readonly #journals: TeamJournals;
  readonly #members: VaultMembers;
  #home: JournalVault | undefined;
  #isSkewTold = false;

  constructor(deps: DeviceAccountDeps) {
    const { profile, record, keys } = deps;
    this.#deps = deps;
    this.info = infoOf(record, keys.kind);
    this.operations = this.#owned.use(profile.operations());
    this.#watchHub = new WatchHub(() => this.#connections);
    this.notifications = new AccountNotifications(() => this.#connections);
    this.#connections = this.#owned.use(this.#connect());
    this.#chains = new Chains({ folder: profile.chainsPath, own: deps.chain });
    this.#journals = journalsOf(deps, this.#chains);
    this.people = new People({
      connections: this.#connections,
      chains: this.#chains,
      file: new PeopleFile(profile.peoplePath),
      server: record.server,
      authority: record.authority,
    });
    const { account, server } = record;
    const home = (signal?: AbortSignal): Promise<JournalVault> => this.#homeVault(signal);
    const open = (vault: VaultId, expected: ExpectedVault): JournalVault => this.#openShare(vault, expected);
    const parts = { connections: this.#connections, people: this.people, account, home, open };
    const full = keys.kind === 'full' ? keys : undefined;
    const onBroken = { ...(deps.onBrokenShare && { onBroken: deps.onBrokenShare }) };
    const own = { chains: this.#chains, journals: this.#journals, server, keys: full };
    const username = (): string => profile.requireRecord().username;
    const members = (): VaultMembers => this.#members;
    const names = new TeamNames(profile.teamNamesPath);
    this.teams = new Teams({ ...parts, ...profile.deps, ...own, ...onBroken, names, members, username });
    this.#members = new VaultMembers({ ...parts, ...profile.deps, ...own, teams: this.teams });
    this.ownDevices = new OwnDevices({
      ...parts,
      ...profile.deps,
      ...own,
      chain: deps.chain,
      directory: this.#journals,
      device: record.device,
      ownVaults: (signal) => this.#ownVaults(signal),
    });
    this.shared = new SharedVaults({ ...parts, ...onBroken, teams: this.teams });
    this.places = new Places({ ...parts, shared: this.shared });
    this.sharing = new Sharing({
      ...parts,
      ...profile.deps,
      chains: this.#chains,
      members: this.#members,
      teams: this.teams,
      pending: new PendingShares(profile.pendingSharesPath),
      lock: () => SharingLock.take(profile.sharingLockPath),
    });
  }

  async usage(signal?: AbortSignal): Promise<AccountUsage> {
    const options = { ...(signal && { signal }) };
    const { response } = await this.#connections.run(
      'control',
      (one) => one.request('usage.show', {}, options),
      signal,
    );
    return response;
  }

  async hold(hold: { readonly on: boolean; readonly reason: string }, signal?: AbortSignal): Promise<HoldState> {
    const options = { ...(signal && { signal }) };
    const { response } = await this.#connections.run(
      'control',
      (one) => one.request('account.hold', hold, options),
      signal,
    );
    return response;
  }

  home(signal?: AbortSignal): Promise<Vault> {
    return this.#homeVault(signal);
  }

  /** Every vault of the account itself, to be pulled. What becomes of its teams is known before its shares are looked at. */
  async *#ownVaults(signal?: AbortSignal): AsyncGenerator<OwnVault> {
    const { account } = this.#deps.record;
    for (const vault of await this.teams.ownVaults(signal)) yield { vault, isTeam: true };
    await this.teams.refreshAll(signal);
    const home = await this.#homeVault(signal);
    await home.pull(signal);
    yield { vault: home, isTeam: false };
    for (const { target } of home.mounts()) {
      const vault = this.#openShare(target as VaultId, { kind: 'share', owner: account });
      yield { vault, isTeam: false };
    }
  }

  async #homeVault(signal?: AbortSignal): Promise<JournalVault> {
    const home = (this.#home ??= this.#openHome());
    if (home.head.seq === 0) await home.pull(signal);
    return home;
  }

  get credentials(): OwnCredentials {
    const { profile, record, keys } = this.#deps;
    const { random } = profile.deps;
    const checkKeys = async (one: ClientConnection, signal?: AbortSignal): Promise<void> => {
      await this.#deps.chain.refresh(one, signal);
    };
    const username = (): string => profile.requireRecord().username;
    const deps = { connections: this.#connections, record, keys, keystore: profile.keystore, random, checkKeys };
    const onRenamed = (name: string): void => profile.save({ ...profile.requireRecord(), username: name });
    return new OwnCredentials({ ...deps, username, onRenamed });
  }

  get server(): ServerAdmin {
    return new ServerAdmin(this.#connections, () => this.#deps.profile.auditMemory());
  }

  devices(): readonly DeviceSummary[] {
    return [...this.#deps.chain.current.devices.values()].map(({ device, name, scope, revoked }) => ({
      device,
      name,
      scope,
      revoked,
    }));
  }

  async refreshDevices(signal?: AbortSignal): Promise<readonly DeviceSummary[]> {
    const { chain } = this.#deps;
    await this.#connections.run('control', (one) => chain.refresh(one, signal), signal);
    chain.save();
    return this.devices();
  }

  async connect(signal?: AbortSignal): Promise<void> {
    await this.#connections.run('control', () => Promise.resolve(), signal);
  }

  async reachability(signal?: AbortSignal): Promise<CofferError | undefined> {
    try {
      await this.connect(signal);
      return undefined;
    } catch (error) {
      if (isCofferError(error)) return error;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #connect(): Connections {
    const { profile, record, keys, pins, dial, keepAlive = false } = this.#deps;
    const { sign } = ed25519KeyPair(keys.deviceSeed);
    return new Connections({
      dial,
      ...profile.deps,
      address: record,
      pin: record.pin,
      who: { server: record.server, account: record.account, device: record.device, sign },
      onHello: ({ generation, time }) => {
        pins.checkGeneration(generation);
        this.#checkClock(time);
      },
      onGreeted: (greeted, signal) => this.#admit(greeted, signal),
      onProved: (proved) => this.#remember(proved),
      onEvent: (event) => this.#onEvent(event),
      onControl: () => this.notifications.onControl(),
      keepAlive,
      ...this.#buckets(),
    });
  }

  #onEvent(event: ServerEvent): void {
    if (event.name === 'vault.advanced') this.#watchHub.onEvent(event.message);
    else {
      this.notifications.arrived();
      this.#watchHub.onNotice();
    }
  }

  #buckets(): { readonly bandwidth?: Buckets } {
    const { bandwidth } = this.#deps;
    if (bandwidth === undefined) return {};
    const { clock } = this.#deps.profile.deps;
    return {
      bandwidth: {
        up: new TokenBucket(clock, () => bandwidth().upBytesPerSecond),
        down: new TokenBucket(clock, () => bandwidth().downBytesPerSecond),
      },
    };
  }

  #checkClock(serverMs: number): void {
    const { profile, onClockSkew } = this.#deps;
    const skewMs = clockSkewMs(profile.deps.clock.nowMs(), serverMs);
    if (skewMs === undefined || this.#isSkewTold) return;
    this.#isSkewTold = true;
    onClockSkew?.(skewMs);
  }

  async #admit(greeted: Greeted, signal: AbortSignal): Promise<void> {
    const { pins, record, onGeneration } = this.#deps;
    const news = await admitGeneration({ greeted, pins, record }, signal);
    if (news !== undefined) onGeneration?.(news);
  }

  /** Name and role are the server's to say, and may change. */
  #remember({ username, role }: { readonly username: string; readonly role: 'user' | 'admin' }): void {
    const { profile } = this.#deps;
    const known = profile.requireRecord();
    if (known.username !== username || known.role !== role) profile.save({ ...known, username, role });
  }

  #openHome(): JournalVault {
    const { record, keys } = this.#deps;
    return this.#open(record.home, {
      expected: { kind: 'home', owner: record.account },
      key: homeKeyOf(record, keys),
      mayIntroduceOthers: false,
    });
  }

  /** A share: the same object for each vault, so that its pulls and appends take turns. @throws NOT_ALLOWED on a worker that does not serve it; INTEGRITY when it is another vault */
  #openShare(vault: VaultId, expected: ExpectedVault): JournalVault {
    const known = this.#shares.get(idKey(vault));
    if (known !== undefined) {
      known.expect(expected);
      return known;
    }
    const mayIntroduceOthers = this.#deps.keys.kind === 'full';
    const opened = this.#open(vault, { expected, key: this.#shareKey(vault), mayIntroduceOthers });
    this.#shares.set(idKey(vault), opened);
    return opened;
  }

  /** @throws NOT_ALLOWED on a worker that does not serve it */
  #shareKey(vault: VaultId): EpochKey {
    const { record, keys } = this.#deps;
    if (keys.kind === 'worker') {
      const key = workerKeyOf(record, keys, vault);
      if (key.given.length === 0) throw notServed();
      return key;
    }
    return { ...accountKeyOf(record, keys), teamSeed: (team, fingerprint) => this.#journals.seedOf(team, fingerprint) };
  }

  #open(
    vault: VaultId,
    { expected, key, mayIntroduceOthers }: { expected: ExpectedVault; key: EpochKey; mayIntroduceOthers: boolean },
  ): JournalVault {
    const { profile, record, keys, pins, onIgnored } = this.#deps;
    const db = this.#owned.adopt(openVaultDatabase(profile.statePath(vault)), (one) => one.close());
    const pin = pins.of(vault);
    const journal = new VaultJournal(vault, { db, directory: this.#journals, key, pin, expected });
    const { sign } = ed25519KeyPair(keys.deviceSeed);
    return new JournalVault({
      ...profile.deps,
      record,
      keys,
      sign,
      connections: this.#connections,
      identities: new VaultIdentities({
        chains: this.#chains,
        teams: this.#journals,
        mayIntroduceOthers,
        meet: (one, claim) => {
          if (!this.#chains.isOwn(one)) this.people.meet(one, claim);
        },
      }),
      pins,
      db,
      journal,
      watchHub: this.#watchHub,
      ...(onIgnored && { onIgnored }),
    });
  }
}

function journalsOf({ profile, record, keys, pins }: DeviceAccountDeps, chains: Chains): TeamJournals {
  const key = keys.kind === 'full' ? accountKeyOf(record, keys) : undefined;
  return new TeamJournals({ folder: profile.teamsPath, chains, pins, key });
}

function infoOf(record: ProfileRecord, scope: DeviceKeys['kind']): AccountInfo {
  const { username, account, device, deviceName, role, folder } = record;
  return {
    username,
    account,
    device,
    deviceName,
    role,
    server: `${record.host}:${record.port}`,
    serverId: record.server,
    scope,
    folder,
  };
}

function notServed(): CofferError {
  return new CofferError('NOT_ALLOWED', 'this unattended device does not serve what is shared there', {
    hint: 'What it serves is said when it signs in: coffer login --keystore file --serve ID; coffer shares shows the ids.',
  });
}
