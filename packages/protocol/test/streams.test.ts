import { describe, expect, test } from '@jest/globals';
import { CofferError, concatBytes, systemClock } from '@coffer/core';
import { ClientConnection, type Transport } from '@coffer/protocol';
import { createMemoryTransportPair } from '@coffer/protocol/testing';
import { FrameKind } from '../src/frame-kind.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { messageFrame, messageOf, rawPair, requestFrame } from './raw-peer.ts';
import { collect, connectProved, id16, id32, produce, prove, randomPayload, serveHere } from './session-fixture.ts';

const head = { seq: 1, head: id32, receivedAt: 1 };
const payload = concatBytes(id32, randomPayload(1000));

describe('a stream that is given up', () => {
  test('by its signal: the handler is told, the place is free again', async () => {
    const told = Promise.withResolvers<unknown>();
    const { client, server } = await connectProved({
      handlers: {
        'vault.head': (_request, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              told.resolve(signal.reason);
              reject(signal.reason as Error);
            });
          }),
        'usage.show': async () => usage,
      },
    });
    const controller = new AbortController();
    const asked = client.request('vault.head', { vault: id32 }, { signal: controller.signal });
    await settle();
    controller.abort(new CofferError('CANCELLED', 'enough'));
    await expect(asked).rejects.toThrow('enough');
    expect(await told.promise).toMatchObject({ code: 'CANCELLED' });
    expect((await client.request('usage.show', {})).response).toEqual(usage);
    expect(server.busyStreams).toBe(0);
    await client[Symbol.asyncDispose]();
  });

  test('by leaving the loop over its DATA', async () => {
    let sent = 0;
    const ended = Promise.withResolvers<void>();
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) {
          sent += 1;
          yield payload;
        }
      } finally {
        ended.resolve();
      }
    }
    const { client } = await connectProved({
      handlers: { 'vault.pull': async () => ({ response: { seq: 1, head: id32 }, data: endless() }) },
    });
    const { data } = await client.request('vault.pull', { vault: id32, after: 0 });
    for await (const first of data) {
      expect(first).toEqual(payload);
      break;
    }
    await ended.promise;
    const before = sent;
    await settle();
    expect(sent).toBe(before);
    await client[Symbol.asyncDispose]();
  });

  test('because its source fails: the server forgets what came', async () => {
    const told = Promise.withResolvers<unknown>();
    const { client } = await connectProved({
      handlers: {
        'chunk.put': async (_request, { data }) => {
          await collect(data).catch((error: unknown) => {
            told.resolve(error);
            throw error;
          });
          return { stored: 0, duplicates: 0, bytes: 0 };
        },
        'vault.head': async () => head,
      },
    });
    async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
      yield payload;
      throw new CofferError('IO', 'the disk fails');
    }
    const asked = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data: failing() });
    await expect(asked).rejects.toMatchObject({ code: 'IO' });
    expect(await told.promise).toMatchObject({ code: 'CANCELLED' });
    expect((await client.request('vault.head', { vault: id32 })).response).toEqual(head);
    await client[Symbol.asyncDispose]();
  });

  test('its payloads may be written to as soon as the request has rejected', async () => {
    const [there, here] = createMemoryTransportPair();
    const handlers = { 'chunk.put': () => new Promise<never>(() => undefined) };
    serveHere(here, { handlers, clock: undefined, limits: undefined, server: undefined });
    const seen: number[] = [];
    // Reads the memory late, as a socket that is busy does.
    const late: Transport = {
      incoming: there.incoming,
      exporter: id32,
      closed: there.closed,
      close: () => there.close(),
      destroy: () => there.destroy(),
      write: async (parts) => {
        await settle();
        seen.push(...parts.filter((part) => part.byteLength > 1000).map((part) => part[500] as number));
        await there.write(parts);
      },
    };
    const client = ClientConnection.open(late, { clock: systemClock });
    await prove(client);
    const memory = new Uint8Array(3_000_000).fill(1);
    const controller = new AbortController();
    const asked = client.request(
      'chunk.put',
      { vault: id32, kind: 'chunk' },
      { data: produce(memory, memory, memory), signal: controller.signal },
    );
    for (let round = 0; seen.length < 3; round += 1) await settle();
    controller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    memory.fill(9);
    await settle();
    await settle();
    expect(seen.length).toBeLessThan(24);
    expect(seen).not.toContain(9);
    await client[Symbol.asyncDispose]();
  });

  test('on a network that takes nothing: the connection is given up for it', async () => {
    const clock = new ManualClock();
    const { client, here } = await connectProved({
      clock,
      transport: { bufferBytes: 1000 },
      handlers: { 'chunk.put': () => new Promise(() => undefined) },
    });
    const controller = new AbortController();
    const { signal } = controller;
    const data = produce(...Array.from({ length: 20 }, () => new Uint8Array(1_000_000)));
    const asked = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data, signal });
    const failed = asked.catch((error: unknown) => error);
    await settle();
    await settle();
    expect(here.unreadBytes).toBeGreaterThan(1000);
    controller.abort(new Error('enough'));
    await settle();
    await clock.advance(1000);
    expect(client.failure).toBeUndefined();
    await clock.advance(1000);
    expect(await failed).toMatchObject({ message: 'enough' });
    expect(client.failure).toMatchObject({ code: 'UNREACHABLE' });
    await client.closed;
  });

  test('a signal that is aborted before sends nothing', async () => {
    const { client } = await connectProved();
    const asked = client.request('vault.head', { vault: id32 }, { signal: AbortSignal.abort(new Error('no')) });
    await expect(asked).rejects.toThrow('no');
    await client[Symbol.asyncDispose]();
  });
});

describe('a handler that fails', () => {
  test('while DATA comes: the rest is discarded, the source is ended, the connection lives', async () => {
    const { client } = await connectProved({
      handlers: {
        'chunk.put': async (_request, { data }) => {
          for await (const first of data) expect(first).toHaveLength(payload.byteLength);
          throw new CofferError('QUOTA', 'full');
        },
        'vault.append': async () => {
          throw new CofferError('CONFLICT', 'later');
        },
        'vault.head': async () => head,
      },
    });
    let sourceEnded = false;
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (let index = 0; index < 900; index += 1) yield payload;
        await settle();
      } finally {
        sourceEnded = true;
      }
    }
    const append = client.request('vault.append', { vault: id32 }, { data: endless() });
    await expect(append).rejects.toMatchObject({ code: 'CONFLICT' });
    await settle();
    expect(sourceEnded).toBe(true);
    const put = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data: produce(payload, payload) });
    await expect(put).rejects.toMatchObject({ code: 'QUOTA' });
    expect((await client.request('vault.head', { vault: id32 })).response).toEqual(head);
    await client[Symbol.asyncDispose]();
  });

  test('after some of its DATA: the client gets that, then the error', async () => {
    async function* some(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let index = 0; index < 5; index += 1) yield payload;
      throw new CofferError('NOT_FOUND', 'no such chunk', { details: { chunk: 'ab' } });
    }
    const { client } = await connectProved({
      handlers: { 'chunk.get': async () => ({ response: {}, data: some() }) },
    });
    const { data } = await client.request('chunk.get', { vault: id32, uploader: id16, ids: id32 });
    await settle();
    const received: Uint8Array[] = [];
    const reading = async (): Promise<void> => {
      for await (const each of data) received.push(each);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'NOT_FOUND', details: { chunk: 'ab' } });
    expect(received).toHaveLength(5);
    await client[Symbol.asyncDispose]();
  });

  test('with anything but an error of ours: the client learns an incident, the log the rest', async () => {
    const logged: object[] = [];
    const log = (fields: object): number => logged.push(fields);
    const { client } = await connectProved({
      handlers: {
        'vault.head': async () => {
          throw new TypeError('secret of the house');
        },
        'vault.list': async () => {
          throw new CofferError('IO', 'disk /dev/sda1 fails');
        },
      },
      server: { logger: { debug: log, info: log, warn: log, error: log } },
    });
    const failed = await client.request('vault.head', { vault: id32 }).catch((error: unknown) => error as CofferError);
    expect(failed).toMatchObject({ code: 'INTERNAL', message: 'the server failed' });
    const { incident } = (failed as CofferError).details;
    expect(incident).toMatch(/^[0-9a-f]{16}$/);
    expect(logged).toContainEqual({ incident, reason: expect.stringContaining('secret of the house') });
    await expect(client.request('vault.list', {})).rejects.toMatchObject({ code: 'INTERNAL' });
    await client[Symbol.asyncDispose]();
  });

  test('with an answer that fits no frame', async () => {
    const vault = { vault: id32, kind: 'home', owner: id16, role: 'owner', seq: 1, head: id32 } as const;
    const { client } = await connectProved({
      handlers: { 'vault.list': async () => ({ vaults: Array.from({ length: 3000 }, () => vault) }) },
    });
    await expect(client.request('vault.list', {})).rejects.toMatchObject({ code: 'INTERNAL' });
    await client[Symbol.asyncDispose]();
  });
});

describe('the server', () => {
  test('discards DATA, END and CANCEL of streams that it has answered with an ERROR', async () => {
    const { peer, transport } = rawPair();
    serveHere(transport, { handlers: {}, clock: undefined, limits: undefined, server: undefined });
    await peer.prove();
    const stream = peer.request('chunk.put', { vault: id32, kind: 'chunk' });
    expect((await peer.received()).map(({ kind }) => kind)).toEqual([FrameKind.error]);
    peer.send({ kind: FrameKind.data, stream, payload }, messageFrame(FrameKind.end, stream, { frames: 7, bytes: 7 }));
    peer.send({ kind: FrameKind.cancel, stream });
    expect(await peer.received()).toEqual([]);
    expect(peer.ended).toBe(false);
    peer.transport.destroy();
  });

  test('answers an operation of a later version without ending the session', async () => {
    const { peer, transport } = rawPair();
    serveHere(transport, { handlers: {}, clock: undefined, limits: undefined, server: undefined });
    await peer.prove();
    peer.send({ kind: FrameKind.request, op: 0x7777, stream: 7, payload: Uint8Array.of(0xa0) });
    const [frame] = await peer.received();
    expect([frame?.kind, frame?.stream, messageOf(frame)]).toEqual([
      FrameKind.error,
      7,
      expect.objectContaining({ code: 'UPGRADE_REQUIRED' }),
    ]);
    expect(peer.ended).toBe(false);
    peer.transport.destroy();
  });

  test('takes 64 streams at a time, and reads no further while 128 handlers run', async () => {
    const running = new Set<() => void>();
    const { peer, transport } = rawPair();
    serveHere(transport, {
      handlers: { 'vault.head': () => new Promise((resolve) => running.add(() => resolve(head))) },
      clock: undefined,
      limits: undefined,
      server: undefined,
    });
    await peer.prove();
    for (let index = 0; index < 200; index += 1) {
      const stream = 7 + 2 * index;
      peer.send(requestFrame(stream, 'vault.head', { vault: id32 }));
      await settle();
      peer.send({ kind: FrameKind.cancel, stream });
    }
    await settle();
    expect(running.size).toBe(128);
    for (const finish of running) finish();
    await settle();
    expect(running.size).toBe(200);
    peer.transport.destroy();
  });

  test('sends what a handler has while it still reads nothing of its DATA', async () => {
    const { client } = await connectProved({
      handlers: { 'chunk.put': async () => ({ stored: 0, duplicates: 9, bytes: 0 }) },
    });
    const source = produce(...Array.from({ length: 30 }, () => concatBytes(id32, randomPayload(1_000_000))));
    const { response } = await client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data: source });
    expect(response.duplicates).toBe(9);
    await client[Symbol.asyncDispose]();
  });
});

describe('the client', () => {
  test('keeps 64 requests in flight and lets the others wait', async () => {
    const running: (() => void)[] = [];
    const { client } = await connectProved({
      handlers: { 'vault.head': () => new Promise((resolve) => running.push(() => resolve(head))) },
    });
    const asked = Array.from({ length: 100 }, () => client.request('vault.head', { vault: id32 }));
    await settle();
    expect(running).toHaveLength(64);
    for (const finish of running.splice(0, 10)) finish();
    await settle();
    expect(running).toHaveLength(64);
    for (const finish of running.splice(0)) finish();
    await settle();
    for (const finish of running.splice(0)) finish();
    expect(await Promise.all(asked)).toHaveLength(100);
    await client[Symbol.asyncDispose]();
  });

  test('refuses a message that does not fit before it is sent', async () => {
    const { client } = await connectProved({ handlers: { 'vault.head': async () => head } });
    await expect(client.request('vault.head', { vault: id16 })).rejects.toMatchObject({ code: 'INVALID' });
    expect((await client.request('vault.head', { vault: id32 })).response).toEqual(head);
    await client[Symbol.asyncDispose]();
  });

  test('fails what is open when the connection is lost, and everything after', async () => {
    const { client, here } = await connectProved({
      handlers: {
        'vault.head': () => new Promise(() => undefined),
        'vault.pull': async () => ({ response: { seq: 1, head: id32 }, data: stuck() }),
      },
    });
    const asked = client.request('vault.head', { vault: id32 });
    const { data } = await client.request('vault.pull', { vault: id32, after: 0 });
    here.destroy();
    await expect(asked).rejects.toMatchObject({ code: 'UNREACHABLE' });
    // The end of the bytes without an END is never the end of the data.
    await expect(collect(data)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(client.request('vault.head', { vault: id32 })).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await client.closed;
  });

  test('is told why the server ends the connection', async () => {
    const { client, server } = await connectProved({ handlers: { 'vault.head': () => new Promise(() => undefined) } });
    const asked = client.request('vault.head', { vault: id32 });
    await settle();
    await server.terminate(new CofferError('NOT_LOGGED_IN', 'the device was revoked'));
    await expect(asked).rejects.toMatchObject({ code: 'NOT_LOGGED_IN', message: 'the device was revoked' });
    await client.closed;
  });

  test('gets events', async () => {
    const events: unknown[] = [];
    const { client, server } = await connectProved({ client: { onEvent: (event) => events.push(event) } });
    await server.sendEvent('vault.advanced', { vault: id32, seq: 12 });
    await settle();
    expect(events).toEqual([{ name: 'vault.advanced', message: { vault: id32, seq: 12 } }]);
    await client[Symbol.asyncDispose]();
  });

  test('finishes what is open after GOAWAY and takes nothing new', async () => {
    const answers: (() => void)[] = [];
    const { client, server } = await connectProved({
      handlers: { 'vault.head': () => new Promise((resolve) => answers.push(() => resolve(head))) },
    });
    const asked = client.request('vault.head', { vault: id32 });
    await settle();
    const gone = server.goAway({ reason: 'restart', reconnectAfterMs: 500 });
    await settle();
    expect(client.failure).toMatchObject({ code: 'SHUTTING_DOWN', details: { reconnectAfterMs: 500 } });
    await expect(client.request('usage.show', {})).rejects.toMatchObject({ code: 'SHUTTING_DOWN', retryable: true });
    for (const answer of answers) answer();
    expect((await asked).response).toEqual(head);
    await gone;
    await client.closed;
  });

  test('ends the session in order', async () => {
    const { client, server } = await connectProved();
    await client.request('session.end', {});
    await server.closed;
    expect(server.phase).toBe('ended');
    await client.closed;
  });

  test('may be disposed twice, while requests are open', async () => {
    const { client } = await connectProved({ handlers: { 'vault.head': () => new Promise(() => undefined) } });
    const asked = failureOf(client);
    await Promise.all([client[Symbol.asyncDispose](), client[Symbol.asyncDispose]()]);
    expect(await asked).toMatchObject({ code: 'CANCELLED' });
  });
});

const usage = {
  storedBytes: 1,
  quotaBytes: null,
  files: 1,
  versions: 1,
  trashBytes: 0,
  uncommittedBytes: 0,
  journalBytes: 9,
};

function stuck(): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
}

function failureOf(client: ClientConnection): Promise<unknown> {
  return client.request('vault.head', { vault: id32 }).catch((error: unknown) => error);
}
