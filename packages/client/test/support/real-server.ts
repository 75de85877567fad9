import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayMs, MiB, randomId, silentLogger, systemClock, systemRandom, timestampFromMs, zeroHash } from '@coffer/core';
import type { AccountId, ServerId } from '@coffer/core';
import { ed25519KeyPair, newAccountSecrets, OpaqueClient, sealUnlockRecord, xwingKeyPair } from '@coffer/crypto';
import type { SealingKeyPair, SigningKeyPair } from '@coffer/crypto';
import { authorityFingerprint, identityFingerprint, makeCertificate, makeIdentityStatement } from '@coffer/journal';
import { Daemon, OpaqueServer, ServerConfig, silentAudit, writeOpaqueSetup } from '@coffer/server';
import type { Interposer } from '@coffer/server';
import { writeTestCertificates } from '@coffer/server/testing';
import { Accounts, Storage } from '@coffer/storage';
import { pinOf } from '../../src/connection/trust.ts';

export const password = 'six words that nobody would guess';

/** A real daemon with one account, `ada`, in a temporary folder. */
export class RealServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly pin: Uint8Array;
  readonly certificatePem: string;
  readonly authority: Uint8Array;
  readonly #provision: Provision;
  readonly #options: RealServerOptions;
  #daemon: Daemon;
  #daysAhead = 0;

  private constructor(
    parts: Pick<RealServer, 'folder' | 'port' | 'pin' | 'certificatePem' | 'authority'> & {
      daemon: Daemon;
      provision: Provision;
      options: RealServerOptions;
    },
  ) {
    this.folder = parts.folder;
    this.port = parts.port;
    this.pin = parts.pin;
    this.certificatePem = parts.certificatePem;
    this.authority = parts.authority;
    this.#daemon = parts.daemon;
    this.#provision = parts.provision;
    this.#options = parts.options;
  }

  static async open(base = tmpdir(), options: RealServerOptions = {}): Promise<RealServer> {
    const folder = mkdtempSync(join(base, 'coffer-server-'));
    const storage = join(folder, 'storage');
    const provision = await makeStorage(storage);
    const authority = authorityFingerprint(provision.authority.publicKey);
    await addAccount(storage, provision, { username: 'ada', certified: true, escrow: true });
    const { certificatePem } = await writeTestCertificates(join(folder, 'certs'));
    const daemon = await openDaemon(folder, { port: 0, options });
    const pin = pinOf(new X509Certificate(certificatePem));
    return new RealServer({ folder, port: daemon.port, pin, certificatePem, authority, daemon, provision, options });
  }

  get target() {
    return { host: '127.0.0.1', port: this.port, username: 'ada' };
  }

  /** One more account, as the administrator's tool makes it beside a running daemon. */
  async addAccount(username: string, { certified = true, escrow = true } = {}): Promise<void> {
    await addAccount(this.storage, this.#provision, { username, certified, escrow });
  }

  /** What an administrator keeps offline. */
  get keys(): Pick<Provision, 'authority' | 'recovery'> {
    return this.#provision;
  }

  get server(): ServerId {
    return this.#provision.server;
  }

  get storage(): string {
    return join(this.folder, 'storage');
  }

  /** The server goes down, `work` is done to its folder, and it comes back on the same port. */
  async whileDown(work: () => Promise<unknown> | void): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    await work();
    this.#daemon = await openDaemon(this.folder, { port: this.port, options: this.#options });
  }

  /** How far its time is ahead of the machine's, ms. */
  get aheadMs(): number {
    return this.#daysAhead * dayMs;
  }

  /** So many days pass, and everything that the server may drop by then is dropped. */
  async pass(days: number): Promise<void> {
    this.#daysAhead += days;
    const { aheadMs } = this;
    await this.whileDown(async () => {
      const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
      const deps = { clock, random: systemRandom, logger: silentLogger, packBytes: 64 * MiB };
      await using storage = await Storage.open({ path: this.storage, reserve: 0, ...deps, onFatal });
      await storage.acceptClock();
      await storage.expire();
      await storage.collect();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface RealServerOptions {
  /** Makes it lie. */
  readonly interposer?: Interposer;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Milliseconds that its clock is ahead of the machine's. */
  readonly ahead?: () => number;
}

function openDaemon(
  folder: string,
  { port, options }: { readonly port: number; readonly options: RealServerOptions },
): Promise<Daemon> {
  const { interposer, settings, ahead = () => 0 } = options;
  const config = ServerConfig.parse({
    ...settings,
    listen: { port },
    storage: { path: join(folder, 'storage'), reserve: 0 },
    certs: { path: join(folder, 'certs') },
  });
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + ahead() };
  const deps = { clock, random: systemRandom, logger: silentLogger, audit: silentAudit };
  return Daemon.open(config, { ...deps, onFatal, ...(interposer && { interposer }) });
}

function onFatal(error: unknown): never {
  throw error;
}

interface Provision {
  readonly server: ServerId;
  readonly setup: string;
  readonly authority: SigningKeyPair;
  readonly recovery: SealingKeyPair;
}

async function makeStorage(storage: string): Promise<Provision> {
  const { serverId: server } = await Storage.init({ path: storage, clock: systemClock, random: systemRandom });
  const setup = await OpaqueServer.createSetup();
  await writeOpaqueSetup(storage, setup);
  const authority = ed25519KeyPair(systemRandom.bytes(32));
  const recovery = xwingKeyPair(systemRandom.bytes(32));
  const at = timestampFromMs(Date.now());
  await using accounts = await Accounts.open(storage, { clock: systemClock });
  const certificate = makeCertificate(
    { v: 1, type: 'recovery', authority: authority.publicKey, server, at, sealKey: recovery.publicKey },
    authority.sign,
  );
  await accounts.setSetting('recoveryCertificate', certificate);
  return { server, setup, authority, recovery };
}

/** As the administrator's tool does it. */
async function addAccount(
  storage: string,
  { server, setup, authority, recovery }: Provision,
  about: { readonly username: string; readonly certified: boolean; readonly escrow: boolean },
): Promise<void> {
  const { username, certified, escrow } = about;
  await using accounts = await Accounts.open(storage, { clock: systemClock });
  const id: AccountId = randomId(systemRandom);
  const secrets = newAccountSecrets(systemRandom);
  const { record, exportKey } = await register({ setup, server, account: id });
  const signing = ed25519KeyPair(secrets.identitySeed);
  const sealKey = xwingKeyPair(secrets.sealSeed).publicKey;
  const at = timestampFromMs(Date.now());
  const statement = makeIdentityStatement(
    { v: 1, type: 'create', account: id, seq: 1, prev: zeroHash, at, server, signKey: signing.publicKey, sealKey },
    signing.sign,
  );
  const fingerprint = identityFingerprint(signing.publicKey, sealKey);
  const certificate = makeCertificate(
    { v: 1, type: 'identity', authority: authority.publicKey, server, at, account: id, fingerprint, username },
    authority.sign,
  );
  await accounts.create({
    username,
    role: 'user',
    registrationRecord: record,
    unlockRecord: sealUnlockRecord({
      exportKey,
      secrets,
      server,
      account: id,
      random: systemRandom,
      ...(escrow && { recoveryKey: recovery.publicKey }),
    }),
    identity: [statement],
    certificate: certified ? certificate : null,
  });
}

async function register({ setup, server, account }: { setup: string; server: ServerId; account: AccountId }) {
  await using client = await OpaqueClient.open();
  await using opaque = await OpaqueServer.open({ setup, server });
  const started = await client.startRegistration(password);
  const response = await opaque.registrationResponse({ account, request: started.request });
  return await started.finish({ account, server, response });
}
