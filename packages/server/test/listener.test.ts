import { connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger, systemClock } from '@coffer/core';
import { writeTestCertificates } from '@coffer/server/testing';
import { Listener, type ListenerLimits } from '../src/net/listener.ts';
import { loadTlsCredentials } from '../src/net/tls-credentials.ts';
import { TlsTransport } from '../src/net/tls-transport.ts';
import { tempFolder } from './support/temp-folder.ts';

const limits: ListenerLimits = { maxConnections: 1000, maxPerAddress: 1000, handshakeMs: 150 };

let folder: string;
let coffer: TLSSocket[];
let http: TLSSocket[];
let opened: Listener[];

beforeEach(async () => {
  folder = await tempFolder();
  await writeTestCertificates(folder);
  [coffer, http, opened] = [[], [], []];
});

afterEach(async () => {
  for (const listener of opened) await listener[Symbol.asyncDispose]();
});

async function listen(changed: Partial<ListenerLimits> = {}): Promise<Listener> {
  const credentials = await loadTlsCredentials(folder, systemClock);
  const listener = await Listener.open(
    { host: '127.0.0.1', port: 0, credentials, limits: { ...limits, ...changed } },
    {
      clock: systemClock,
      logger: silentLogger,
      onCoffer: (socket) => void coffer.push(socket.on('error', () => undefined)),
      onHttp: (socket) => void http.push(socket.on('error', () => undefined)),
    },
  );
  opened.push(listener);
  return listener;
}

async function dial(listener: Listener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: listener.port,
    rejectUnauthorized: false,
    ALPNProtocols: ['coffer/1'],
    ...options,
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

async function dialRaw(listener: Listener): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port: listener.port });
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  return socket;
}

function closedOf(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}

async function untilTrue(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries += 1) await systemClock.sleep(10);
  expect(holds()).toBe(true);
}

describe('Listener', () => {
  test('splits one port by ALPN', async () => {
    const listener = await listen();
    const sockets = [
      await dial(listener),
      await dial(listener, { ALPNProtocols: ['http/1.1'] }),
      await dial(listener, { ALPNProtocols: [] }),
    ];
    await untilTrue(() => coffer.length + http.length === 3);
    expect([coffer.length, http.length]).toEqual([1, 2]);
    for (const socket of sockets) socket.destroy();
    await untilTrue(() => listener.connections === 0);
  });

  test.each<[string, ConnectionOptions]>([
    ['another protocol', { ALPNProtocols: ['h2'] }],
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ])('%s is refused', async (_name, options) => {
    const listener = await listen();
    await expect(dial(listener, options)).rejects.toThrow(/./);
    await untilTrue(() => listener.connections === 0);
    expect(coffer.length + http.length).toBe(0);
  });

  test('no session is ever resumed', async () => {
    const listener = await listen();
    const sessions: Buffer[] = [];
    const first = await dial(listener);
    first.on('session', (session: Buffer) => sessions.push(session));
    await untilTrue(() => coffer.length === 1);
    coffer[0]?.write('x');
    await once(first.resume(), 'data');
    const session = sessions[0] ?? first.getSession();
    const second = await dial(listener, session === undefined ? {} : { session });
    expect(second.isSessionReused()).toBe(false);
    expect(second.getPeerCertificate().fingerprint256).toMatch(/^[0-9A-F:]+$/);
    first.destroy();
    second.destroy();
  });

  test('silent and dripping peers are closed at the handshake deadline, whatever they send', async () => {
    const listener = await listen();
    const silent = await Promise.all(Array.from({ length: 100 }, () => dialRaw(listener)));
    const dripping = await Promise.all(Array.from({ length: 100 }, () => dialRaw(listener)));
    const hello = Buffer.from('160301020001000', 'hex');
    let sent = 0;
    const drip = setInterval(() => {
      for (const socket of dripping)
        if (socket.writable) socket.write(hello.subarray(sent % hello.length, (sent % hello.length) + 1));
      sent += 1;
    }, 20);
    const honest = await dial(listener);
    for (const socket of [...silent, ...dripping]) await closedOf(socket);
    clearInterval(drip);
    await untilTrue(() => listener.connections === 1);
    expect(honest.destroyed).toBe(false);
    honest.destroy();
  });

  test('connections over a limit are closed at once, and give their place back', async () => {
    const listener = await listen({ maxPerAddress: 2 });
    const kept = [await dial(listener), await dial(listener)];
    await expect(dial(listener)).rejects.toThrow(/./);
    kept[0]?.destroy();
    await untilTrue(() => listener.connections === 1);
    (await dial(listener)).destroy();
    kept[1]?.destroy();
  });

  test('a port that is taken is PORT_IN_USE, a foreign address CONFIG', async () => {
    const { port } = await listen();
    const credentials = await loadTlsCredentials(folder, systemClock);
    const deps = { clock: systemClock, logger: silentLogger, onCoffer: () => undefined, onHttp: () => undefined };
    await expect(Listener.open({ host: '127.0.0.1', port, credentials, limits }, deps)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    await expect(Listener.open({ host: '192.0.2.1', port: 0, credentials, limits }, deps)).rejects.toMatchObject({
      code: 'CONFIG',
    });
  });

  test('a reload shows the new certificate to new connections only', async () => {
    const listener = await listen();
    const before = await dial(listener);
    await writeTestCertificates(folder, { commonName: 'renewed' });
    listener.reload(await loadTlsCredentials(folder, systemClock), limits);
    const after = await dial(listener);
    expect(before.getPeerCertificate().subject.CN).toBe('localhost');
    expect(after.getPeerCertificate().subject.CN).toBe('renewed');
    expect(before.destroyed).toBe(false);
    await expect(dial(listener, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/./);
    before.destroy();
    after.destroy();
  });
});

describe('TlsTransport', () => {
  async function pair() {
    const listener = await listen();
    const there = await dial(listener);
    await untilTrue(() => coffer.length === 1);
    const here = new TlsTransport(coffer[0] as TLSSocket);
    return { there, here };
  }

  test('both ends derive one exporter value', async () => {
    const { there, here } = await pair();
    const theirs = there.exportKeyingMaterial(32, 'EXPORTER-coffer-auth', Buffer.alloc(0));
    expect(Buffer.from(here.exporter).equals(theirs)).toBe(true);
    here.destroy();
    await here.closed;
  });

  test('bytes arrive in order both ways, many times the buffers', async () => {
    const { there, here } = await pair();
    const sent = Buffer.alloc(8 * 1024 * 1024, 'coffer');
    const echo = (async () => {
      for await (const bytes of here.incoming) await here.write([bytes]);
    })();
    there.write(sent);
    const back: Buffer[] = [];
    let length = 0;
    for await (const bytes of there as AsyncIterable<Buffer>) {
      back.push(bytes);
      length += bytes.byteLength;
      if (length >= sent.byteLength) break;
    }
    expect(Buffer.concat(back).equals(sent)).toBe(true);
    await echo;
  });

  test('a writer whose peer does not read waits, and gets an error when the connection is cut', async () => {
    const { there, here } = await pair();
    there.pause();
    const progress = { written: 0 };
    const flood = async (): Promise<void> => {
      for (;;) {
        await here.write([new Uint8Array(1024 * 1024)]);
        progress.written += 1;
      }
    };
    const flooding = flood().catch((error: unknown) => error);
    for (let before = -1; before < progress.written;) {
      before = progress.written;
      await systemClock.sleep(100);
    }
    here.destroy();
    expect(await flooding).toMatchObject({ code: 'UNREACHABLE' });
    await here.closed;
    there.destroy();
  });

  test('the reader ends when the peer is gone, and writing is refused', async () => {
    const { there, here } = await pair();
    there.destroy();
    for await (const bytes of here.incoming) expect(bytes).toBeDefined();
    await here.closed;
    await expect(here.write([new Uint8Array(1)])).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
