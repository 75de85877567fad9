import { describe, expect, test } from '@jest/globals';
import { concatBytes, MiB, secondMs } from '@coffer/core';
import { BufferBudget, protocolLimits } from '@coffer/protocol';
import { InboundData } from '../src/inbound-data.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { connectProved, id16, id32, randomPayload } from './session-fixture.ts';

const limits = { totalBufferBytes: 100, connectionBufferBytes: 40, freeBufferBytes: 10, bufferTurnMs: 5000 };

describe('back-pressure', () => {
  test('a handler that reads nothing stops the sender at the buffer of the connection and a frame', async () => {
    const budget = new BufferBudget({ clock: new ManualClock() }, protocolLimits);
    const read = Promise.withResolvers<void>();
    let sent = 0;
    let received = 0;
    const { client } = await connectProved({
      server: { budget },
      handlers: {
        'chunk.put': async (_request, { data }) => {
          await read.promise;
          for await (const payload of data) received += payload.byteLength;
          return { stored: 0, duplicates: 0, bytes: received };
        },
      },
    });
    async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      const payload = concatBytes(id32, randomPayload(MiB));
      for (; sent < 40; sent += 1) yield payload;
    }
    const asked = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data: source() });
    await settle();
    await settle();
    expect(sent).toBeGreaterThanOrEqual(5);
    expect(sent).toBeLessThanOrEqual(9);
    expect(budget.heldBytes).toBeLessThanOrEqual(2 * protocolLimits.dataFrameBytes);
    read.resolve();
    expect((await asked).response.bytes).toBe(40 * (MiB + 32));
    expect(budget.heldBytes).toBe(0);
    await client[Symbol.asyncDispose]();
  });

  test('a client that reads nothing stops the handler', async () => {
    let fetched = 0;
    async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      for (; fetched < 200; fetched += 1) yield concatBytes(id32, new Uint8Array(MiB / 2));
    }
    const { client } = await connectProved({
      handlers: { 'chunk.get': async () => ({ response: {}, data: source() }) },
    });
    const { data } = await client.request('chunk.get', { vault: id32, uploader: id16, ids: id32 });
    await settle();
    await settle();
    expect(fetched).toBeLessThanOrEqual(14);
    let frames = 0;
    for await (const payload of data) frames += payload.byteLength > 0 ? 1 : 0;
    expect(frames).toBe(200);
    await client[Symbol.asyncDispose]();
  });

  test('many answers at a time hold two frames of the connection', async () => {
    const clock = new ManualClock();
    const budget = new BufferBudget({ clock }, protocolLimits);
    async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let index = 0; index < 4; index += 1) yield concatBytes(id32, new Uint8Array(4 * MiB));
    }
    const { client, server, there } = await connectProved({
      clock,
      server: { budget },
      transport: { bufferBytes: 1000 },
      handlers: { 'chunk.get': async () => ({ response: {}, data: source() }) },
    });
    for (let index = 0; index < 60; index += 1) {
      void client.request('chunk.get', { vault: id32, uploader: id16, ids: id32 }).catch(() => undefined);
    }
    await settle();
    expect(budget.heldBytes).toBeGreaterThan(4 * MiB);
    expect(budget.heldBytes).toBeLessThanOrEqual(2 * protocolLimits.dataFrameBytes + 60 * 1000);
    there.destroy();
    await client[Symbol.asyncDispose]();
    await server.closed;
    await settle();
    expect(budget.heldBytes).toBe(0);
  });

  test('handlers that wait for each other end the connection, not the server', async () => {
    const clock = new ManualClock();
    const { client } = await connectProved({
      clock,
      handlers: { 'chunk.put': () => new Promise(() => undefined) },
    });
    async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) yield concatBytes(id32, new Uint8Array(MiB));
    }
    const asked = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data: source() });
    const failed = asked.catch((error: unknown) => error);
    await clock.advance(20 * secondMs);
    expect(client.failure).toBeUndefined();
    await clock.advance(120 * secondMs);
    expect(await failed).toMatchObject({ code: expect.stringMatching(/TIMEOUT|UNREACHABLE/) });
    await client.closed;
  });
});

describe('BufferBudget', () => {
  test('lets everyone read while there is room, and pauses when there is none', () => {
    const budget = new BufferBudget({ clock: new ManualClock() }, limits);
    const [first, second, small] = [budget.account(), budget.account(), budget.account()];
    first.hold(41);
    expect([first.mayRead(), second.mayRead()]).toEqual([false, true]);
    second.partialBytes = 60;
    small.hold(9);
    expect(budget.heldBytes).toBe(110);
    expect(small.mayRead()).toBe(true);
    expect(first.mayRead()).toBe(false);
  });

  test('gives the turn to one, until its frame is complete', async () => {
    const clock = new ManualClock();
    const budget = new BufferBudget({ clock }, limits);
    const accounts = Array.from({ length: 4 }, () => budget.account());
    for (const account of accounts) account.partialBytes = 30;
    const order: number[] = [];
    const rooms = accounts.map((account, index) => account.room().then(() => order.push(index)));
    await settle();
    expect(order).toEqual([0]);
    accounts[0]!.partialBytes = 35;
    await settle();
    expect(order).toEqual([0]);
    // Complete: it waits for its reader now, and the next has the turn.
    accounts[0]!.partialBytes = 0;
    accounts[0]!.hold(36);
    await settle();
    expect(order).toEqual([0, 1]);
    await clock.advance(5000);
    expect(order).toEqual([0, 1, 2]);
    accounts[2]!.close();
    await settle();
    expect(order).toEqual([0, 1, 2, 3]);
    await Promise.all(rooms);
  });

  test('wakes all when there is room again', async () => {
    const budget = new BufferBudget({ clock: new ManualClock() }, limits);
    const accounts = Array.from({ length: 5 }, () => budget.account());
    for (const account of accounts) account.hold(30);
    const rooms = accounts.map((account) => account.room());
    for (const account of accounts.slice(0, 2)) account.release(30);
    await Promise.all(rooms);
    expect(budget.heldBytes).toBe(90);
  });

  test('gets everything back from an account that is closed, once', async () => {
    const budget = new BufferBudget({ clock: new ManualClock() }, limits);
    const account = budget.account();
    account.hold(50);
    account.partialBytes = 20;
    const room = account.room();
    account.close();
    account.close();
    account.release(50);
    account.hold(1);
    await room;
    expect([budget.heldBytes, account.mayRead()]).toEqual([0, true]);
  });
});

describe('InboundData', () => {
  test('keeps no foreign memory alive for a small payload', async () => {
    const data = new InboundData(new BufferBudget({ clock: new ManualClock() }, limits).account());
    const piece = new Uint8Array(65_536);
    data.push(piece.subarray(100, 140));
    data.push(piece.subarray(200, 60_000));
    const [small, large] = [await data.next(), await data.next()];
    expect(small.value?.buffer.byteLength).toBe(40);
    expect(large.value?.buffer).toBe(piece.buffer);
  });

  test('serves readers that ask before anything is there, in order', async () => {
    const data = new InboundData(new BufferBudget({ clock: new ManualClock() }, limits).account());
    const asked = [data.next(), data.next(), data.next()];
    data.push(Uint8Array.of(1));
    data.push(Uint8Array.of(2));
    data.end();
    expect((await Promise.all(asked)).map(({ value }) => value?.[0])).toEqual([1, 2, undefined]);
  });

  test('gives hundreds of small payloads in order', async () => {
    const data = new InboundData(new BufferBudget({ clock: new ManualClock() }, limits).account());
    for (let index = 0; index < 500; index += 1) data.push(Uint8Array.of(index % 251));
    data.end();
    let index = 0;
    for await (const payload of data) expect(payload[0]).toBe(index++ % 251);
    expect(index).toBe(500);
  });
});
