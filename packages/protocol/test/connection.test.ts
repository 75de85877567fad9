import { describe, expect, test } from '@jest/globals';
import { CofferError, concatBytes } from '@coffer/core';
import {
  collect,
  connectPair,
  connectProved,
  helloRequest,
  id16,
  id32,
  produce,
  randomPayload,
} from './session-fixture.ts';

describe('a request', () => {
  test('is answered by its handler', async () => {
    const { client } = await connectProved({
      handlers: { 'vault.head': async () => ({ seq: 7, head: id32, receivedAt: 9 }) },
    });
    const { response, data } = await client.request('vault.head', { vault: id32 });
    expect(response).toEqual({ seq: 7, head: id32, receivedAt: 9 });
    expect(await collect(data)).toEqual([]);
    await client[Symbol.asyncDispose]();
  });

  test('carries DATA up', async () => {
    const received: Uint8Array[] = [];
    const { client } = await connectProved({
      handlers: {
        'chunk.put': async (_request, { data }) => {
          received.push(...(await collect(data)));
          return { stored: received.length, duplicates: 0, bytes: 0 };
        },
      },
    });
    const parts = [id32, randomPayload(3_000_000)];
    const small = concatBytes(id32, randomPayload(10));
    const { response } = await client.request(
      'chunk.put',
      { vault: id32, kind: 'chunk' },
      { data: produce<Uint8Array | Uint8Array[]>(parts, small) },
    );
    expect(response.stored).toBe(2);
    expect(Buffer.compare(received[0]!, concatBytes(...parts))).toBe(0);
    expect(received[1]).toEqual(small);
    await client[Symbol.asyncDispose]();
  });

  test('carries DATA down', async () => {
    const payloads = Array.from({ length: 20 }, (_, index) => concatBytes(id32, randomPayload(1 + index * 40_000)));
    const { client } = await connectProved({
      handlers: { 'chunk.get': async () => ({ response: {}, data: produce(...payloads) }) },
    });
    const { data } = await client.request('chunk.get', { vault: id32, uploader: id16, ids: id32 });
    const received = await collect(data);
    expect(Buffer.compare(concatBytes(...received), concatBytes(...payloads))).toBe(0);
    expect(received).toHaveLength(20);
    await client[Symbol.asyncDispose]();
  });

  test('gets the error of its handler', async () => {
    const { client } = await connectProved({
      handlers: {
        'vault.head': async () => {
          throw new CofferError('CONFLICT', 'later', { hint: 'pull', details: { seq: 4 } });
        },
      },
    });
    await expect(client.request('vault.head', { vault: id32 })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'later',
      hint: 'pull',
      retryable: true,
      details: { seq: 4 },
    });
    await client[Symbol.asyncDispose]();
  });

  test('before the session is proved is a bug of the caller', async () => {
    const { client } = connectPair();
    await client.request('session.hello', helloRequest);
    await expect(client.request('vault.list', {})).rejects.toThrow(TypeError);
    await client[Symbol.asyncDispose]();
  });
});
