import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { idKey, isCofferError, systemClock, systemRandom, type LogFields } from '@coffer/core';
import { TestVault } from '@coffer/journal/testing';
import { serve, type ServeOptions, type ServerConfig } from '@coffer/server';
import { writeTestCertificates } from '@coffer/server/testing';
import { dial, frames, open, TestDaemon, TestSite, untilTrue } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

let site: TestSite;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  site = await TestSite.make(await tempFolder());
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

async function refusal(work: Promise<unknown>): Promise<string> {
  const outcome: unknown = await work.catch((error: unknown) => error);
  return isCofferError(outcome)
    ? `${outcome.code}: ${outcome.message} | ${outcome.hint ?? ''}`
    : `not refused: ${String(outcome)}`;
}

/** Every file below a folder with its size: what a start that failed must not change. */
async function snapshot(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => !/-(wal|shm)$/.test(name)).toSorted();
}

describe('a start that cannot succeed', () => {
  test.each<[string, (site: TestSite) => Promise<Record<string, string | number>>, RegExp]>([
    [
      'no storage',
      async ({ folder }) => ({ 'storage.path': join(folder, 'nowhere') }),
      /^NOT_FOUND: .*coffer admin init/,
    ],
    [
      'an empty folder',
      async ({ folder }) => (await mkdir(join(folder, 'empty')), { 'storage.path': join(folder, 'empty') }),
      /^NOT_FOUND: .*coffer admin init/,
    ],
    [
      'no login secret',
      async ({ storagePath }) => (await rm(join(storagePath, 'opaque-setup')), {}),
      /^NOT_FOUND: .*coffer admin init/,
    ],
    [
      'a damaged login secret',
      async ({ storagePath }) => (await writeFile(join(storagePath, 'opaque-setup'), 'x'), {}),
      /^CONFIG: /,
    ],
    [
      'no certificate',
      async ({ folder }) => (await rm(join(folder, 'certs'), { recursive: true }), {}),
      /^CERTIFICATE: .*generate-certificates/,
    ],
    [
      'an expired certificate',
      async ({ folder }) => (await writeTestCertificates(join(folder, 'certs'), { notAfter: new Date(0) }), {}),
      /^CERTIFICATE: .*expired/,
    ],
    ['an address of another machine', async () => ({ 'listen.host': '192.0.2.1' }), /^CONFIG: cannot listen/],
  ])('%s: says so, and leaves nothing behind', async (_name, spoil, expected) => {
    const flags = await spoil(site);
    const before = await snapshot(site.folder);
    expect(await refusal(TestDaemon.open(site, { flags }))).toMatch(expected);
    const after = await snapshot(site.folder);
    // The index and the lock file are made when a storage is first opened, and kept.
    expect(after.filter((name) => !before.includes(name) && !/^storage\/(index\.db|lock|users)/.test(name))).toEqual(
      [],
    );
  });

  test('one storage, one daemon; one port, one daemon; the first goes on', async () => {
    const first = stack.use(await TestDaemon.open(site));
    expect(await refusal(TestDaemon.open(site))).toMatch(/^LOCKED: /);
    const other = await TestSite.make(await tempFolder());
    const clash = TestDaemon.open(other, { flags: { 'listen.port': first.port } });
    expect(await refusal(clash)).toMatch(/^PORT_IN_USE: .*--port/);
    stack.use(await dial(first.port));
    // What the failed start had opened is free again.
    stack.use(await TestDaemon.open(other));
  });
});

describe('a daemon that is disturbed', () => {
  test('silent, dripping, oversized and nonsensical peers are closed by their limits; an honest one notices nothing', async () => {
    const limits = { authenticationMs: 400, frameMs: 300, watchMs: 50, closeMs: 200 };
    const { device } = await site.addAccount('ann', 1);
    const server = stack.use(await TestDaemon.open(site, { limits, flags: { 'listen.maxPerAddress': 1000 } }));
    const honest = stack.use(await open(server.port, device));
    const closed: Promise<void>[] = [];
    const peer = async (bytes: Uint8Array, drip = false): Promise<void> => {
      const socket = await rawTls(server.port);
      closed.push(new Promise((resolve) => socket.once('close', () => resolve())));
      if (!drip) return void socket.write(bytes);
      const timer = setInterval(() => socket.write(bytes), 30);
      socket.once('close', () => clearInterval(timer));
    };
    for (let n = 0; n < 50; n += 1) await peer(new Uint8Array(0));
    for (let n = 0; n < 25; n += 1) await peer(Uint8Array.of(0), true);
    const oversize = new Uint8Array(12);
    new DataView(oversize.buffer).setUint32(0, 0xffff_ffff);
    oversize[4] = 1;
    for (let n = 0; n < 25; n += 1) await peer(oversize);
    for (let n = 0; n < 25; n += 1) await peer(systemRandom.bytes(500));
    const requests = (async () => {
      for (let n = 0; n < 50; n += 1) await honest.connection.request('vault.list', {});
    })();
    await Promise.all(closed);
    await requests;
    expect(closed).toHaveLength(125);
    await expect(honest.connection.request('usage.show', {})).resolves.toBeDefined();
  });

  test('plain TCP, TLS 1.2 and a foreign protocol get nothing', async () => {
    const server = stack.use(await TestDaemon.open(site));
    await expect(dial(server.port, { tls: { maxVersion: 'TLSv1.2' } })).rejects.toThrow(/alert|version|reset/i);
    await expect(dial(server.port, { tls: { ALPNProtocols: ['smtp'] } })).rejects.toThrow(/alert|protocol|reset/i);
    const plain = connectTcp(server.port, '127.0.0.1').on('error', () => undefined);
    plain.end('GET / HTTP/1.1\r\n\r\n');
    let got = Buffer.alloc(0);
    for await (const part of plain as AsyncIterable<Buffer>) got = Buffer.concat([got, part]);
    expect(got.toString('latin1')).not.toContain('HTTP');
  });
});

describe('serve', () => {
  function run(config: ServerConfig, changed: Partial<ServeOptions> = {}) {
    const stop = new AbortController();
    const hangups = new EventEmitter();
    const listening = Promise.withResolvers<string>();
    const done = serve({
      config,
      reload: () => Promise.resolve(config),
      ready: (address) => listening.resolve(address),
      signal: stop.signal,
      hangups,
      ...changed,
    });
    done.catch(listening.reject);
    stack.defer(async () => {
      stop.abort();
      await done.catch(() => undefined);
    });
    return { stop, hangups, done, listening: listening.promise };
  }

  async function logLines(category: string): Promise<LogFields[]> {
    const folder = join(site.folder, 'logs');
    if (!existsSync(folder)) return [];
    const names = (await readdir(folder)).filter((name) => name.startsWith(`${category}.`));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return texts.flatMap((text) => text.split('\n').filter(Boolean)).map((line) => JSON.parse(line) as LogFields);
  }

  test('says where it listens; when told to stop it finishes what runs and lets the others go', async () => {
    const { account, device } = await site.addAccount('ann', 1);
    const { stop, done, listening } = run(await site.config());
    const address = await listening;
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    const port = Number(address.split(':')[1]);
    const busy = await open(port, device);
    const idle = await open(port, device);
    const vault = new TestVault({ owner: account });
    await busy.connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
    const finish = Promise.withResolvers<void>();
    const chunks = (async function* () {
      yield [systemRandom.bytes(32), systemRandom.bytes(1000)];
      await finish.promise;
      yield [systemRandom.bytes(32), systemRandom.bytes(1000)];
    })();
    const upload = busy.connection.request('chunk.put', { vault: vault.id, kind: 'chunk' }, { data: chunks });
    await untilTrue(async () => (await logLines('auth')).length >= 2);
    stop.abort();
    await idle.connection.closed;
    await expect(dial(port)).rejects.toBeDefined();
    finish.resolve();
    expect((await upload).response).toMatchObject({ stored: 2 });
    await done;
    await busy.connection.closed;
    expect((await logLines('server')).map(({ msg }) => msg)).toEqual(expect.arrayContaining(['listening', 'stopping']));
    expect(await logLines('transfer')).toMatchObject([
      { event: 'vault.create' },
      { event: 'chunk.put', counts: { stored: 2 } },
    ]);
  });

  test('SIGHUP takes over certificates and settings; a mistake changes nothing', async () => {
    const config = await site.config();
    let next: () => Promise<ServerConfig> = () => Promise.resolve(config);
    const { hangups, listening } = run(config, { reload: () => next() });
    const port = Number((await listening).split(':')[1]);
    const nameShown = async (): Promise<string | string[] | undefined> => {
      const socket = await rawTls(port);
      const shown = socket.getPeerCertificate().subject.CN;
      socket.destroy();
      return shown;
    };
    await writeTestCertificates(join(site.folder, 'certs'), { commonName: 'renewed' });
    hangups.emit('SIGHUP');
    await untilTrue(async () => (await nameShown()) === 'renewed');
    await writeFile(join(site.folder, 'certs', 'server.pem'), 'nonsense');
    hangups.emit('SIGHUP');
    await untilTrue(async () => (await logLines('server')).some(({ reason }) => String(reason).includes('server.pem')));
    expect(await nameShown()).toBe('renewed');
    await writeTestCertificates(join(site.folder, 'certs'), { commonName: 'again' });
    next = () => site.config({ 'logs.level': 'debug', 'listen.maxPerAddress': 1 });
    hangups.emit('SIGHUP');
    await untilTrue(async () => (await nameShown()) === 'again');
    const [one] = await Promise.all([firstTls(port), systemClock.sleep(50)]);
    await expect(rawTls(port)).rejects.toBeDefined();
    one.destroy();
  });

  test('a storage that fails for good ends it with an error, not with a zero', async () => {
    const { device, account } = await site.addAccount('ann', 1);
    const { done, listening } = run(await site.config());
    const port = Number((await listening).split(':')[1]);
    const { connection } = await open(port, device);
    const vault = new TestVault({ owner: account });
    await connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
    // Nothing can be put where the chunks of this account belong.
    await writeFile(join(site.storagePath, 'users', idKey(account.account), 'chunks'), '');
    const chunk = [systemRandom.bytes(32), systemRandom.bytes(1000)];
    const put = connection.request('chunk.put', { vault: vault.id, kind: 'chunk' }, { data: frames(chunk) });
    // An error or the end of the connection, whichever comes first: never an acknowledgement.
    await expect(put).rejects.toMatchObject({ code: expect.stringMatching(/^(INTERNAL|SHUTTING_DOWN|UNREACHABLE)$/) });
    await expect(done).rejects.toMatchObject({ code: 'IO' });
  });
});

/** Tries until the connections before are forgotten. */
async function firstTls(port: number): Promise<TLSSocket> {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = await rawTls(port).catch(() => undefined);
    if (socket !== undefined) return socket;
    await systemClock.sleep(10);
  }
  throw new Error('no connection is accepted');
}

async function rawTls(port: number): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['coffer/1'] });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  return socket.on('error', () => undefined).resume();
}
