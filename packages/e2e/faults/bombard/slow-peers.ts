import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { fromHex } from '@coffer/core';
import { frame, frameKind, helloMessage, RawConnection, request, tlsOptions } from './raw-connection.ts';
import type { Insider, Target } from './raw-connection.ts';

/** Somebody who holds a connection and does nothing with it, or very little. */
export interface SlowKind {
  readonly name: string;
  /** Also part of `npm test`: closed within ten seconds. */
  readonly brief?: true;
  /** At most, of one round: what an account or a device may have. */
  readonly most?: number;
  /** Resolves with the connection once it does what it does. */
  readonly begin: (target: Target, insider: Insider) => Promise<Socket>;
}

/** Bytes of a record that announces a ClientHello and is never complete. */
const helloBegins = fromHex('16030101fc010001f80303');
const dripMs = 1000;

export const slowKinds: readonly SlowKind[] = [
  { name: 'nothing at all', brief: true, begin: (target) => rawTcp(target) },
  { name: 'half a handshake', brief: true, begin: async (target) => written(await rawTcp(target), helloBegins) },
  {
    name: 'a handshake, a byte a second',
    brief: true,
    begin: async (target) => dripping(await rawTcp(target), helloBegins),
  },
  {
    name: 'no TLS',
    brief: true,
    begin: async (target) => written(await rawTcp(target), Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  },
  {
    name: 'TLS 1.2',
    brief: true,
    begin: (target) => refusedTls(target, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
  },
  { name: 'another ALPN', brief: true, begin: (target) => refusedTls(target, { ALPNProtocols: ['h2'] }) },
  { name: 'a handshake only', brief: true, begin: async (target) => (await RawConnection.open(target)).socket },
  {
    name: 'half a frame',
    brief: true,
    begin: async (target) => written((await RawConnection.open(target)).socket, hello.subarray(0, 20)),
  },
  {
    name: 'a frame, a byte a second',
    brief: true,
    begin: async (target) => dripping((await RawConnection.open(target)).socket, hello),
  },
  {
    name: 'a frame of 4 GiB, from a stranger',
    brief: true,
    begin: async (target) => written((await RawConnection.open(target)).socket, announcing(0xffffffff)),
  },
  {
    name: 'a hello, and no more',
    brief: true,
    begin: async (target) => written((await RawConnection.open(target)).socket, hello),
  },
  { name: 'half an HTTP request', brief: true, begin: (target) => http(target) },
  {
    name: 'a frame of 4 GiB, from a device',
    most: 4,
    begin: (target, insider) => proved(target, { insider, bytes: announcing(0xffffffff) }),
  },
  {
    name: 'a DATA frame of 4 MiB, a byte a second, from a device',
    most: 4,
    begin: (target, insider) => slowData(target, insider),
  },
];

const hello = request(1, 'session.hello', helloMessage);

function announcing(length: number): Uint8Array {
  const bytes = frame(frameKind.data, { stream: 1 }, new Uint8Array(100));
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

async function rawTcp({ port, from }: Target): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  return socket;
}

/** @throws Error when it is not refused */
async function refusedTls(target: Target, options: ConnectionOptions): Promise<Socket> {
  const socket = connectTls({ ...tlsOptions(target), ...options });
  let isSecure = false;
  socket.on('error', () => undefined).on('secureConnect', () => (isSecure = true));
  // Not `once`, which throws the very error that is wanted.
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (isSecure) throw new Error('a handshake that must be refused was not');
  return socket;
}

async function http(target: Target): Promise<Socket> {
  const socket = connectTls({ ...tlsOptions(target), ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => undefined).resume();
  await once(socket, 'secureConnect');
  return dripping(socket, Buffer.from(`GET /health HTTP/1.1\r\nX: ${'x'.repeat(500)}`));
}

async function proved(target: Target, { insider, bytes }: { insider: Insider; bytes: Uint8Array }): Promise<Socket> {
  const connection = await RawConnection.open(target);
  await connection.prove(insider);
  return written(connection.socket, bytes);
}

async function slowData(target: Target, insider: Insider): Promise<Socket> {
  const connection = await RawConnection.open(target);
  await connection.prove(insider);
  const stream = connection.nextStream;
  const put = request(stream, 'chunk.put', { vault: insider.record.home, kind: 'chunk' });
  const data = frame(frameKind.data, { stream }, new Uint8Array(4 * 2 ** 20));
  return dripping(written(connection.socket, put), data);
}

function written(socket: Socket, bytes: Uint8Array): Socket {
  socket.write(bytes);
  return socket;
}

function dripping(socket: Socket, bytes: Uint8Array): Socket {
  let sent = 0;
  const drip = setInterval(() => {
    if (socket.writable && sent < bytes.byteLength) socket.write(bytes.subarray(sent, sent + 1));
    sent += 1;
  }, dripMs);
  socket.once('close', () => clearInterval(drip));
  return socket;
}
