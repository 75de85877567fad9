import { compareBytes, equalBytes, integrityError, randomId, timestampFromMs } from '@coffer/core';
import type { DeviceId, VaultId } from '@coffer/core';
import { ed25519KeyPair, xwingKeyPair } from '@coffer/crypto';
import type { AccountSecrets } from '@coffer/crypto';
import { makeIdentityStatement } from '@coffer/journal';
import type { IdentityState } from '@coffer/journal';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import { greet, proveDevice } from '../connection/session.ts';
import type { Greeted, Proved } from '../connection/session.ts';
import { authorityIn } from '../connection/trust.ts';
import { fullKeys } from '../profile/device-keys.ts';
import type { DeviceKeys } from '../profile/device-keys.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import { pullEpochs } from './pull-epochs.ts';
import type { GivenEpoch } from './pull-epochs.ts';
import { makeGenesis } from '../vaults/genesis.ts';
import type { Genesis } from '../vaults/genesis.ts';
import { isCertified } from './identity-certificate.ts';
import { OwnChain } from './identity-chain.ts';
import { oneFrame } from '../vaults/transfers.ts';
import { fetchSecrets, opaqueLogin, prepareLogin } from './opaque-login.ts';
import type { LoginInfo, LoginOptions } from './login.ts';
import { revokeDevice } from './revoke-device.ts';
import { chosenShares, pullShareEpochs } from './served-shares.ts';
import type { ServedShare } from './served-shares.ts';

/** {@link login} of a profile that nobody is logged in to. @throws as that does */
export async function enroll(
  options: LoginOptions,
  deps: { readonly dial: Dial } = systemDial(options),
): Promise<LoginInfo> {
  const { profile, target, trust, signal } = options;
  await using prepared = await prepareLogin(options.password).then(asStack);
  const dialled = await deps.dial(target, trust, signal);
  const greeted = await greet({ transport: dialled.transport, role: 'control', clock: profile.deps.clock }, signal);
  await using connection = greeted.connection;
  const enrolment = new Enrolment({ options, greeted, pin: dialled.pin, authority: authorityIn(trust) });
  try {
    const loggedIn = await opaqueLogin({ greeted, username: target.username, started: prepared.started }, signal);
    const unlocked = await fetchSecrets(greeted, loggedIn, signal);
    const { secrets, mustChange, folder } = unlocked;
    return { ...(await enrolment.run(loggedIn.account, { secrets, folder })), mustChange, folder };
  } catch (error) {
    await enrolment.undo();
    throw connection.failure?.code === 'TIMEOUT' ? connection.failure : error;
  }
}

function systemDial({ profile }: LoginOptions): { readonly dial: Dial } {
  return { dial: createTlsDial({ clock: profile.deps.clock }) };
}

function asStack({ client, started }: Awaited<ReturnType<typeof prepareLogin>>) {
  return { started, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

interface EnrolmentDeps {
  readonly options: LoginOptions;
  readonly greeted: Greeted;
  readonly pin: Uint8Array;
  readonly authority: Uint8Array | undefined;
}

interface Vaults {
  readonly home: VaultId;
  /** What a worker serves beside. */
  readonly shares: readonly ServedShare[];
  /** The home vault, when there was none. */
  readonly made: Genesis | undefined;
}

interface NewDevice {
  readonly device: DeviceId;
  readonly deviceSeed: Uint8Array;
  /** Of a worker. */
  readonly sealSeed: Uint8Array;
}

/** The steps after the password was right, in the order in which they can be undone. */
class Enrolment {
  readonly #deps: EnrolmentDeps;
  #revoke: (() => Promise<void>) | undefined;
  #wroteProfile = false;

  constructor(deps: EnrolmentDeps) {
    this.#deps = deps;
  }

  async run(
    account: Uint8Array,
    { secrets, folder }: { readonly secrets: AccountSecrets; readonly folder: string },
  ): Promise<Omit<LoginInfo, 'mustChange' | 'folder'>> {
    const { options, greeted } = this.#deps;
    const { profile, signal } = options;
    const chain = OwnChain.create(profile.chainPath, account);
    const certificate = await chain.refresh(greeted.connection, signal);
    checkOwnIdentity(chain.current, secrets, greeted);
    const certified = isCertified({ certificate, authority: this.#deps.authority, identity: chain.current });
    const genesis = await this.#genesisIfNew(chain.current, secrets);
    const { home, shares } = genesis;
    const device = this.#newDevice();
    await this.#enroll({
      chain,
      secrets,
      device,
      vaults: [home, ...shares.map(({ vault }) => vault)].toSorted(compareBytes),
    });
    const sign = ed25519KeyPair(device.deviceSeed).sign;
    const proved = await proveDevice(
      greeted,
      { server: greeted.hello.server, account, device: device.device, sign },
      signal,
    );
    const { connection } = greeted;
    const { clock } = profile.deps;
    const { identitySeed } = secrets;
    this.#revoke = () => revokeDevice({ connection, chain, identitySeed, device: device.device, clock });
    if (genesis.made !== undefined) await this.#createHome(genesis.made);
    const keys = await this.#keys({ chain, secrets, device, home, shares, made: genesis.made });
    await this.#save({ chain, keys, proved, home, folder, device: device.device });
    return this.#info({ proved, createdHome: genesis.made !== undefined, certified });
  }

  /** As if nothing had happened, as far as that is possible. */
  async undo(): Promise<void> {
    if (this.#wroteProfile) this.#deps.options.profile.erase();
    await this.#revoke?.().catch(() => undefined);
  }

  async #genesisIfNew(identity: IdentityState, secrets: AccountSecrets): Promise<Vaults> {
    const { options, greeted } = this.#deps;
    const { response } = await greeted.connection.request('vault.list', {}, withSignal(options.signal));
    const known = response.vaults.find(({ kind, owner }) => kind === 'home' && equalBytes(owner, identity.account));
    const shares = chosenShares(response.vaults, options.serve ?? []);
    if (known !== undefined) return { home: known.vault, shares, made: undefined };
    const made = makeGenesis({ kind: 'home', identity, secrets }, options.profile.deps);
    return { home: made.commit.vault, shares, made };
  }

  #newDevice(): NewDevice {
    const { random } = this.#deps.options.profile.deps;
    return { device: randomId(random), deviceSeed: random.bytes(32), sealSeed: random.bytes(32) };
  }

  async #enroll({
    chain,
    secrets,
    device,
    vaults,
  }: {
    chain: OwnChain;
    secrets: AccountSecrets;
    device: NewDevice;
    vaults: VaultId[];
  }): Promise<void> {
    const { options, greeted } = this.#deps;
    const { account, seq, head } = chain.current;
    const at = timestampFromMs(options.profile.deps.clock.nowMs());
    const fields = {
      v: 1,
      type: 'device',
      account,
      seq: seq + 1,
      prev: head,
      at,
      device: device.device,
      signKey: ed25519KeyPair(device.deviceSeed).publicKey,
      name: options.deviceName,
    } as const;
    const worker = { scope: 'worker' as const, sealKey: xwingKeyPair(device.sealSeed).publicKey, vaults };
    const payload = options.keystore === 'file' ? { ...fields, ...worker } : { ...fields, scope: 'full' as const };
    const statement = makeIdentityStatement(payload, ed25519KeyPair(secrets.identitySeed).sign);
    await greeted.connection.request('device.enroll', { statement }, withSignal(options.signal));
    chain.append([statement]);
  }

  async #createHome({ commit }: Genesis): Promise<void> {
    const { options, greeted } = this.#deps;
    const data = oneFrame(commit.bytes);
    const { response } = await greeted.connection.request('vault.create', {}, { data, ...withSignal(options.signal) });
    const isOurs =
      equalBytes(response.vault, commit.vault) && equalBytes(response.head, commit.hash) && response.seq === 1;
    if (!isOurs) throw integrityError('The answer of the server');
  }

  async #keys(made: {
    readonly chain: OwnChain;
    readonly secrets: AccountSecrets;
    readonly device: NewDevice;
    readonly home: VaultId;
    readonly shares: readonly ServedShare[];
    readonly made: Genesis | undefined;
  }): Promise<DeviceKeys> {
    const { options, greeted } = this.#deps;
    const { profile } = options;
    const { deviceSeed, sealSeed } = made.device;
    const dedup = made.secrets.dedup.map(({ g, secret }) => ({ g, secret }));
    if (options.keystore !== 'file') return fullKeys(made.secrets, deviceSeed);
    const { connection, hello } = greeted;
    const owner = {
      server: hello.server,
      account: made.chain.current.account,
      sealSeed: made.secrets.sealSeed,
      formerSealSeeds: made.secrets.formerSealSeeds,
    };
    const fresh: readonly GivenEpoch[] | undefined = made.made && [{ n: 0, secret: made.made.epochSecret }];
    const epochs =
      fresh ?? (await pullEpochs({ connection, vault: made.home, chain: made.chain, owner }, options.signal));
    const given = epochs.map((epoch) => ({ vault: made.home, ...epoch }));
    for (const share of made.shares) {
      const pulled = await pullShareEpochs({ profile, connection, chain: made.chain, owner }, share, options.signal);
      given.push(...pulled.map((epoch) => ({ vault: share.vault, ...epoch })));
    }
    return { kind: 'worker', deviceSeed, sealSeed, dedup, epochs: given };
  }

  async #save(made: {
    readonly chain: OwnChain;
    readonly keys: DeviceKeys;
    readonly proved: Proved;
    readonly home: VaultId;
    readonly folder: string;
    readonly device: DeviceId;
  }): Promise<void> {
    const { options, greeted, pin, authority } = this.#deps;
    const { profile, target, keystore, deviceName, password } = options;
    const record: ProfileRecord = {
      host: target.host,
      port: target.port,
      server: greeted.hello.server,
      pin,
      ...(authority && { authority }),
      username: made.proved.username,
      role: made.proved.role,
      account: made.chain.current.account,
      device: made.device,
      deviceName,
      keystore,
      home: made.home,
      ...(made.folder !== '' && { folder: made.folder }),
    };
    this.#wroteProfile = true;
    await profile.keystore.save(record, made.keys, password);
    made.chain.save();
    profile.pins().seeGeneration(greeted.hello.generation);
    profile.save(record);
  }

  #info({
    proved,
    createdHome,
    certified,
  }: {
    proved: Proved;
    createdHome: boolean;
    certified: boolean;
  }): Omit<LoginInfo, 'mustChange' | 'folder'> {
    const { target, deviceName } = this.#deps.options;
    const server = `${target.host}:${target.port}`;
    return { username: proved.username, role: proved.role, deviceName, server, createdHome, certified };
  }
}

/** The server handed out the chain: it must be that of the keys that only the password opens. @throws INTEGRITY */
function checkOwnIdentity(identity: IdentityState, secrets: AccountSecrets, { hello }: Greeted): void {
  const isOurs =
    equalBytes(identity.signKey, ed25519KeyPair(secrets.identitySeed).publicKey) &&
    equalBytes(identity.sealKey, xwingKeyPair(secrets.sealSeed).publicKey) &&
    equalBytes(identity.server, hello.server);
  if (!isOurs) throw integrityError('The identity chain');
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
