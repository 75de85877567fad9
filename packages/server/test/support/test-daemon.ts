import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { client as opaqueClient, ready as opaqueReady } from '@serenity-kit/opaque';
import { idKey, silentLogger, systemClock, systemRandom, type AccountId, type ServerId } from '@coffer/core';
import { signedBytes } from '@coffer/journal';
import { TestAccount, type TestDevice } from '@coffer/journal/testing';
import { authTranscript, ClientConnection, deviceProof, deviceProofLabel, type ServerEvent } from '@coffer/protocol';
import {
  Daemon,
  loadServerConfig,
  OpaqueServer,
  writeOpaqueSetup,
  type AuditCategory,
  type AuditEvent,
  type DaemonDeps,
  type ServerConfig,
} from '@coffer/server';
import { writeTestCertificates } from '@coffer/server/testing';
import { Accounts, Storage } from '@coffer/storage';
import { loginProof } from '../../src/login/login-proof.ts';
import { TlsTransport } from '../../src/net/tls-transport.ts';

/** The cheapest stretching: these tests are about the server's half. */
const keyStretching = { 'argon2id-custom': { iterations: 1, memory: 8192, parallelism: 1 } } as const;

export const password = 'correct horse battery staple';

/** A server's folders with a server in them, as `admin init` leaves them. */
export class TestSite {
  readonly folder: string;
  readonly server: ServerId;
  readonly setup: string;

  /** In a new folder of `base`, which the caller removes. */
  static async make(base: string): Promise<TestSite> {
    const folder = await mkdtemp(join(base, 'coffer-server-'));
    const storagePath = join(folder, 'storage');
    const { serverId } = await Storage.init({ path: storagePath, clock: systemClock, random: systemRandom });
    const setup = await OpaqueServer.createSetup();
    await writeOpaqueSetup(storagePath, setup);
    await writeTestCertificates(join(folder, 'certs'));
    return new TestSite(folder, serverId, setup);
  }

  private constructor(folder: string, server: ServerId, setup: string) {
    this.folder = folder;
    this.server = server;
    this.setup = setup;
  }

  get storagePath(): string {
    return join(this.folder, 'storage');
  }

  async config(flags: Readonly<Record<string, string | number>> = {}): Promise<ServerConfig> {
    const paths = {
      'storage.path': this.storagePath,
      'certs.path': join(this.folder, 'certs'),
      'logs.path': join(this.folder, 'logs'),
    };
    return (
      await loadServerConfig({ environment: {}, flags: { 'listen.port': 0, 'storage.reserve': 0, ...paths, ...flags } })
    ).config;
  }

  /** An account with a password and an enrolled device, made beside the daemon as an administrator's command does. */
  async addAccount(username: string, seed: number): Promise<{ account: TestAccount; device: TestDevice }> {
    const account = new TestAccount(seed, this.server);
    const device = account.enroll();
    await using opaque = await OpaqueServer.open({ setup: this.setup, server: this.server });
    await using accounts = await Accounts.open(this.storagePath);
    await accounts.create({
      username,
      role: 'user',
      registrationRecord: await register(opaque, { account: account.account, server: this.server }),
      unlockRecord: new Uint8Array(100).fill(9),
      identity: account.statements,
    });
    return { account, device };
  }
}

export interface AuditLine {
  readonly category: AuditCategory;
  readonly event: AuditEvent;
}

/** A daemon in this process, with what it told. */
export class TestDaemon implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly audit: readonly AuditLine[];
  readonly fatal: readonly unknown[];

  static async open(
    site: TestSite,
    options: Partial<Pick<DaemonDeps, 'limits' | 'logger'>> & { flags?: Record<string, string | number> } = {},
  ) {
    const audit: AuditLine[] = [];
    const fatal: unknown[] = [];
    const daemon = await Daemon.open(await site.config(options.flags), {
      clock: systemClock,
      random: systemRandom,
      logger: options.logger ?? silentLogger,
      audit: { record: (category, event) => void audit.push({ category, event }) },
      onFatal: (error) => void fatal.push(error),
      ...(options.limits && { limits: options.limits }),
    });
    return new TestDaemon(daemon, { audit, fatal });
  }

  private constructor(daemon: Daemon, told: { audit: readonly AuditLine[]; fatal: readonly unknown[] }) {
    this.daemon = daemon;
    this.audit = told.audit;
    this.fatal = told.fatal;
  }

  get port(): number {
    return this.daemon.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

export interface Greeted extends AsyncDisposable {
  readonly connection: ClientConnection;
  readonly server: ServerId;
  readonly events: ServerEvent[];
}

/** A connection over real TLS that has said hello. */
export async function dial(
  port: number,
  options: { role?: 'control' | 'bulk'; tls?: ConnectionOptions } = {},
): Promise<Greeted> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ALPNProtocols: ['coffer/1'],
    ...options.tls,
  });
  await once(socket, 'secureConnect');
  const events: ServerEvent[] = [];
  const connection = ClientConnection.open(new TlsTransport(socket), {
    clock: systemClock,
    onEvent: (event) => void events.push(event),
  });
  const { response } = await connection.request('session.hello', {
    protocol: 1,
    client: 'test',
    role: options.role ?? 'control',
  });
  return {
    connection,
    server: response.server,
    events,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** Proves an enrolled device. */
export async function prove({ connection, server }: Greeted, { account, device, sign }: TestDevice) {
  const { response } = await connection.request('session.challenge', { account, device });
  const { exporter, negotiated } = connection;
  const transcript = authTranscript({ server, account, device, exporter, negotiated });
  const signature = sign(signedBytes(deviceProofLabel, deviceProof(transcript, response.challenge)));
  return (await connection.request('session.prove', { signature })).response;
}

/** Dials and proves. */
export async function open(port: number, device: TestDevice, role: 'control' | 'bulk' = 'control'): Promise<Greeted> {
  const greeted = await dial(port, { role });
  await prove(greeted, device);
  return greeted;
}

/** Dials, logs in with the password, and proves the device: what changes a password is behind both. */
export async function openBehindPassword(port: number, username: string, device: TestDevice): Promise<Greeted> {
  const greeted = await dial(port);
  await login(greeted, username);
  await prove(greeted, device);
  return greeted;
}

/** First half of a password login; the client itself notices a wrong password. */
export async function startLogin({ connection, server }: Greeted, username: string, typed: string) {
  await opaqueReady;
  const { clientLoginState, startLoginRequest } = opaqueClient.startLogin({ password: typed });
  const { response } = await connection.request('session.loginStart', { username, request: bytes(startLoginRequest) });
  const finished = opaqueClient.finishLogin({
    password: typed,
    clientLoginState,
    loginResponse: text(response.response),
    identifiers: { client: idKey(response.account), server: idKey(server) },
    keyStretching,
  });
  return { ...response, finished };
}

/** A whole password login. */
export async function login(greeted: Greeted, username: string, typed = password) {
  const { account, finished } = await startLogin(greeted, username, typed);
  const { exporter, negotiated } = greeted.connection;
  const transcript = authTranscript({ server: greeted.server, account, exporter, negotiated });
  const finish = finished === undefined ? new Uint8Array(64).fill(1) : bytes(finished.finishLoginRequest);
  const key = finished === undefined ? new Uint8Array(64) : bytes(finished.sessionKey);
  const { response } = await greeted.connection.request('session.loginFinish', {
    finish,
    proof: loginProof(key, 'client', transcript),
  });
  return { account, serverProved: Buffer.from(response.proof).equals(loginProof(key, 'server', transcript)) };
}

/** Enrols devices with the certificates that the chain of `username` ends with, behind its password. */
export async function enrol(port: number, username: string, statements: readonly Uint8Array[]): Promise<void> {
  await using greeted = await dial(port);
  await login(greeted, username);
  for (const statement of statements) await greeted.connection.request('device.enroll', { statement });
}

async function register(opaque: OpaqueServer, who: { account: AccountId; server: ServerId }): Promise<Uint8Array> {
  await opaqueReady;
  const { clientRegistrationState, registrationRequest } = opaqueClient.startRegistration({ password });
  const response = await opaque.registrationResponse({ account: who.account, request: bytes(registrationRequest) });
  const identifiers = { client: idKey(who.account), server: idKey(who.server) };
  const finished = opaqueClient.finishRegistration({
    password,
    clientRegistrationState,
    registrationResponse: text(response),
    identifiers,
    keyStretching,
  });
  return bytes(finished.registrationRecord);
}

function bytes(base64url: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString('base64url');
}

/** One payload a frame. */
export async function* frames(
  ...payloads: readonly (Uint8Array | readonly Uint8Array[])[]
): AsyncGenerator<Uint8Array | readonly Uint8Array[]> {
  yield* payloads;
}

export async function collect(data: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const payload of data) all.push(new Uint8Array(payload));
  return all;
}

export async function untilTrue(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await holds()) return;
    await systemClock.sleep(10);
  }
  throw new Error('it never became true');
}
