import { describe, expect, test } from '@jest/globals';
import { secondMs } from '@coffer/core';
import { ClientConnection, type Handlers, type ServerConnection } from '@coffer/protocol';
import { createMemoryTransportPair } from '@coffer/protocol/testing';
import { FrameKind } from '../src/frame-kind.ts';
import { FrameProgress } from '../src/frame-progress.ts';
import { protocolLimits } from '../src/limits.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { messageOf, RawPeer, requestFrame, frameBytes } from './raw-peer.ts';
import { connectProved, helloRequest, id16, id32, serveHere } from './session-fixture.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('a server ends', () => {
  test('a connection that says nothing, after 10 s', async () => {
    const { peer, clock } = serve();
    await clock.advance(9 * secondMs);
    expect(peer.ended).toBe(false);
    await clock.advance(secondMs);
    expect(messageOf(peer.frames.at(-1))).toMatchObject({ code: 'TIMEOUT' });
    expect(peer.ended).toBe(true);
  });

  test('a connection that greets, pings and does not prove itself, after 10 s', async () => {
    const { peer, clock } = serve();
    await peer.hello();
    for (let second = 0; second < 10; second += 1) {
      await clock.advance(secondMs);
      peer.send({ kind: FrameKind.ping, payload: new Uint8Array(8) });
    }
    await settle();
    expect(peer.ended).toBe(true);
  });

  test('a login that enrols no device, after a minute more', async () => {
    const { peer, clock } = serve();
    await peer.hello();
    peer.request('session.loginStart', { username: 'anna', request: id32 });
    await peer.received();
    peer.request('session.loginFinish', { finish: id32, proof: id32 });
    await peer.received();
    await clock.advance(59 * secondMs);
    expect(peer.ended).toBe(false);
    await clock.advance(secondMs);
    expect(peer.ended).toBe(true);
  });

  test('a frame that drips', async () => {
    const { peer, clock } = serve({ 'chunk.put': never });
    await peer.prove();
    peer.request('chunk.put', { vault: id32, kind: 'chunk' });
    const frame = frameBytes({ kind: FrameKind.data, stream: 7, payload: new Uint8Array(1_000_000) });
    let seconds = 0;
    for (; seconds < 100 && !peer.ended; seconds += 1) {
      peer.write(frame.slice(seconds * 500, seconds * 500 + 500));
      await clock.advance(secondMs);
    }
    expect(seconds).toBeGreaterThanOrEqual(30);
    expect(seconds).toBeLessThanOrEqual(36);
    expect(messageOf(peer.frames.at(-1))).toMatchObject({ code: 'TIMEOUT' });
  });

  test('but not a slow one that keeps up 1 KiB a second', async () => {
    const { peer, clock } = serve({ 'chunk.put': never });
    await peer.prove();
    peer.request('chunk.put', { vault: id32, kind: 'chunk' });
    const frame = frameBytes({ kind: FrameKind.data, stream: 7, payload: new Uint8Array(300_000) });
    for (let second = 0; second < 200; second += 1) {
      peer.write(frame.slice(second * 1100, second * 1100 + 1100));
      await clock.advance(secondMs);
    }
    expect(peer.ended).toBe(false);
    peer.transport.destroy();
  });

  test('a peer that does not read, after 30 s', async () => {
    const [there, here] = createMemoryTransportPair();
    const clock = new ManualClock();
    const connection = serveHere(here, { handlers: endlessPull, clock, limits: undefined, server: undefined });
    for (const frame of proofThenPull) {
      void there.write([frameBytes(frame)]).catch(() => undefined);
      await settle();
    }
    expect(there.unreadBytes).toBeGreaterThan(256 * 1024);
    expect(there.unreadBytes).toBeLessThan(1024 * 1024);
    await clock.advance(29 * secondMs);
    expect(there.ended).toBe(false);
    await clock.advance(6 * secondMs);
    expect(there.ended).toBe(true);
    await connection.closed;
  });

  test('a peer that is dead: a PING after 20 s, the end after 60 s', async () => {
    const { peer, clock } = serve();
    await peer.prove();
    await clock.advance(25 * secondMs);
    expect((await peer.received()).map(({ kind }) => kind)).toEqual([FrameKind.ping]);
    await clock.advance(40 * secondMs);
    expect(peer.ended).toBe(true);
  });

  test('a session that rests for 30 min although its peer answers', async () => {
    const clock = new ManualClock();
    const { client, server } = await connectProved({ clock });
    await clock.advance(29 * 60 * secondMs);
    expect(client.failure).toBeUndefined();
    await clock.advance(70 * secondMs);
    expect(client.failure).toMatchObject({ code: 'SHUTTING_DOWN', message: expect.stringContaining('idle') });
    await server.closed;
  });

  test('no session whose client keeps it alive, until it is a day old', async () => {
    const clock = new ManualClock();
    const limits = { watchMs: 60 * secondMs };
    const { client, server } = await connectProved({ clock, limits, client: { keepAlive: true } });
    await clock.advance(2 * 60 * 60 * secondMs);
    expect(client.failure).toBeUndefined();
    await client[Symbol.asyncDispose]();
    await server.closed;
  });

  test('a session that is a day old', async () => {
    const clock = new ManualClock();
    const limits = { lifetimeMs: 100 * secondMs };
    const { client } = await connectProved({ clock, limits, handlers: { 'vault.head': never } });
    void client.request('vault.head', { vault: id32 }).catch(() => undefined);
    await clock.advance(106 * secondMs);
    expect(client.failure).toMatchObject({ code: 'SHUTTING_DOWN', message: expect.stringContaining('old') });
    await client[Symbol.asyncDispose]();
  });
});

describe('a client ends', () => {
  test('a connection whose server is silent', async () => {
    const clock = new ManualClock();
    const [there, here] = createMemoryTransportPair();
    const peer = new RawPeer(there);
    const client = ClientConnection.open(here, { clock });
    const asked = client.request('session.hello', helloRequest).catch((error: unknown) => error);
    await clock.advance(66 * secondMs);
    expect(peer.frames.map(({ kind }) => kind)).toEqual([FrameKind.request, FrameKind.ping]);
    expect(await asked).toMatchObject({ code: 'UNREACHABLE' });
    await client.closed;
  });
});

describe('no timer is left', () => {
  test('after the end of a connection', async () => {
    const clock = new ManualClock();
    const { client, server } = await connectProved({ clock });
    await client[Symbol.asyncDispose]();
    await server.closed;
    await settle();
    expect(clock.sleeping).toBe(0);
  });
});

describe('FrameProgress', () => {
  test('has no deadline between frames, and a new one for every frame', () => {
    const progress = new FrameProgress(protocolLimits);
    expect(progress.dueMs).toBeUndefined();
    progress.received({ atMs: 0, receivedBytes: 5 }, { midFrame: true, completed: false });
    expect(progress.dueMs).toBe(30_000);
    progress.received({ atMs: 9000, receivedBytes: 9 }, { midFrame: true, completed: false });
    expect(progress.dueMs).toBe(30_000);
    progress.received({ atMs: 10_000, receivedBytes: 20 }, { midFrame: true, completed: true });
    expect(progress.dueMs).toBe(40_000);
    progress.received({ atMs: 39_000, receivedBytes: 20 + 30 * 1024 }, { midFrame: true, completed: false });
    expect(progress.dueMs).toBe(69_000);
    progress.received({ atMs: 39_000, receivedBytes: 90_000 }, { midFrame: false, completed: true });
    expect(progress.dueMs).toBeUndefined();
  });
});

function serve(handlers: Partial<Handlers<null>> = {}) {
  const [there, here] = createMemoryTransportPair();
  const clock = new ManualClock();
  const connection: ServerConnection<null> = serveHere(here, { handlers, clock, limits: undefined, server: undefined });
  return { peer: new RawPeer(there), clock, connection };
}

const proofThenPull = [
  requestFrame(1, 'session.hello', helloRequest),
  requestFrame(3, 'session.challenge', { account: id16, device: id16 }),
  requestFrame(5, 'session.prove', { signature: new Uint8Array(64) }),
  requestFrame(7, 'vault.pull', { vault: id32, after: 0 }),
];

const endlessPull: Partial<Handlers<null>> = {
  'vault.pull': async () => ({ response: { seq: 1, head: id32 }, data: endless() }),
};

async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) yield new Uint8Array(100_000);
}
