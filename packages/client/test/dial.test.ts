import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { makeTestCertificate } from '@coffer/server/testing';
import { createTlsDial } from '../src/index.ts';
import type { Dialled, Trust } from '../src/index.ts';
import { authorityOf, pinOf } from '../src/connection/trust.ts';
import { codeOf, errorOf } from './support/code-of.ts';

const good = makeTestCertificate();
const pin = pinOf(new X509Certificate(good.certificatePem));
const stack: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of stack.splice(0).toReversed()) await end();
});

describe('trust', () => {
  const trusts: readonly (readonly [string, Trust])[] = [
    ['a pinned key', { kind: 'pin', pin }],
    ['a CA certificate', { kind: 'ca', certificate: good.certificatePem }],
    ['first use, accepted', { kind: 'firstUse', accept: (shown) => Promise.resolve(Buffer.from(shown).equals(pin)) }],
  ];

  test.each(trusts)('%s connects and tells the pin, and both sides share the exporter', async (_name, trust) => {
    const { port, accepted } = await listen();
    const dialled = await dial(port, trust);
    expect(Buffer.from(dialled.pin).equals(pin)).toBe(true);
    const socket = await accepted;
    const theirs = socket.exportKeyingMaterial(32, 'EXPORTER-coffer-auth', Buffer.alloc(0));
    expect(theirs.equals(dialled.transport.exporter)).toBe(true);
  });

  test('another key than the pinned one is PIN_MISMATCH', async () => {
    const { port } = await listen();
    expect(await codeOf(dial(port, { kind: 'pin', pin: new Uint8Array(32) }))).toBe('PIN_MISMATCH');
  });

  test('a key that is not accepted is UNTRUSTED_SERVER', async () => {
    const { port } = await listen();
    expect(await codeOf(dial(port, { kind: 'firstUse', accept: () => Promise.resolve(false) }))).toBe(
      'UNTRUSTED_SERVER',
    );
  });

  test('a certificate of another CA is UNTRUSTED_SERVER', async () => {
    const { port } = await listen();
    expect(await codeOf(dial(port, { kind: 'ca', certificate: makeTestCertificate().certificatePem }))).toBe(
      'UNTRUSTED_SERVER',
    );
  });

  const dayMs = 86_400_000;
  const outdated = makeTestCertificate({
    notBefore: new Date(Date.now() - 9 * dayMs),
    notAfter: new Date(Date.now() - dayMs),
  });

  const outdatedTrusts: readonly (readonly [string, Trust])[] = [
    ['pinned', { kind: 'pin', pin: pinOf(new X509Certificate(outdated.certificatePem)) }],
    ['from a CA', { kind: 'ca', certificate: outdated.certificatePem }],
    ['at first use', { kind: 'firstUse', accept: () => Promise.resolve(true) }],
  ];

  test.each(outdatedTrusts)('an expired certificate is CERTIFICATE with a hint, %s', async (_name, trust) => {
    const { port } = await listen({ key: outdated.keyPem, cert: outdated.certificatePem });
    const error = await errorOf(dial(port, trust));
    expect(error?.code).toBe('CERTIFICATE');
    expect(error?.hint).toContain('generate-certificates');
  });

  test('a certificate for another name is CERTIFICATE', async () => {
    const { port } = await listen({}, '0.0.0.0');
    const trust = { kind: 'ca', certificate: good.certificatePem } as const;
    expect(await codeOf(createTlsDial({ clock: systemClock })({ host: '127.0.0.2', port }, trust))).toBe('CERTIFICATE');
  });

  test('what is no certificate is CERTIFICATE, and one without authority tells none', () => {
    expect(authorityOf(good.certificatePem)).toBeUndefined();
    expect(() => authorityOf('nonsense')).toThrow(expect.objectContaining({ code: 'CERTIFICATE' }));
  });
});

describe('unreachable', () => {
  test('a port where nobody listens', async () => {
    const { port, close } = await listen();
    await close();
    expect(await codeOf(dial(port, { kind: 'pin', pin }))).toBe('UNREACHABLE');
  });

  test('a server that speaks no TLS', async () => {
    const port = await listenPlain((socket) => void socket.end('HTTP/1.1 400\r\n\r\n'));
    expect(await codeOf(dial(port, { kind: 'pin', pin }))).toBe('UNTRUSTED_SERVER');
  });

  test('a server of another protocol', async () => {
    const { port } = await listen({ ALPNProtocols: ['http/1.1'] });
    expect(await codeOf(dial(port, { kind: 'pin', pin }))).toBe('UNTRUSTED_SERVER');
  });

  test('giving up is immediate', async () => {
    const port = await listenPlain(() => undefined);
    const stop = new AbortController();
    const dialling = createTlsDial({ clock: systemClock })(
      { host: '127.0.0.1', port },
      { kind: 'pin', pin },
      stop.signal,
    );
    stop.abort(new Error('enough'));
    await expect(dialling).rejects.toThrow('enough');
  });
});

describe('the transport', () => {
  test('waits for a peer that does not read, and stops waiting when the connection ends', async () => {
    const { port, accepted } = await listen();
    const { transport } = await dial(port, { kind: 'pin', pin });
    const socket = await accepted;
    socket.pause();
    const writing = (async () => {
      for (;;) await transport.write([new Uint8Array(1_000_000)]);
    })();
    const outcome = codeOf(writing);
    await systemClock.sleep(50);
    transport.destroy();
    expect(await outcome).toBe('UNREACHABLE');
    await transport.closed;
  });

  test('gives what was sent, in order, then the end', async () => {
    const { port, accepted } = await listen();
    const { transport } = await dial(port, { kind: 'pin', pin });
    const socket = await accepted;
    for (let index = 0; index < 100; index += 1) socket.write(Buffer.alloc(30_000, index));
    socket.end();
    const parts: Uint8Array[] = [];
    for await (const part of transport.incoming) parts.push(part);
    const all = Buffer.concat(parts);
    expect(all.byteLength).toBe(3_000_000);
    expect([...Array(100).keys()].every((index) => all[index * 30_000] === index)).toBe(true);
    await transport.close();
  });
});

async function dial(port: number, trust: Trust, clock: Clock = systemClock): Promise<Dialled> {
  const dialled = await createTlsDial({ clock })({ host: '127.0.0.1', port }, trust);
  stack.push(() => Promise.resolve(dialled.transport.destroy()));
  return dialled;
}

async function listen(options: TlsOptions = {}, host = '127.0.0.1') {
  const accepted = Promise.withResolvers<TLSSocket>();
  const sockets = new Set<TLSSocket>();
  const defaults = {
    key: good.keyPem,
    cert: good.certificatePem,
    ALPNProtocols: ['coffer/1'],
    minVersion: 'TLSv1.3',
  } as const;
  const server = createServer({ ...defaults, ...options }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    accepted.resolve(socket);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  stack.push(close);
  return { port, accepted: accepted.promise, close };
}

async function listenPlain(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createPlainServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}
