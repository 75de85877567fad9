import { describe, expect, test } from '@jest/globals';
import { concatBytes, CofferError } from '@coffer/core';
import { batchBytes, batchesOf, DataBatch } from '@coffer/protocol';
import { collect, connectProved, id32, produce, randomPayload } from './session-fixture.ts';

/** One payload above and one below what is joined with its header, an empty part, one larger than a batch. */
const payloads = [40, 5000, 4096, 4097, 33, batchBytes + 9, 100].map((bytes) => [
  id32,
  randomPayload(bytes - 32),
  new Uint8Array(0),
]);
const whole = payloads.map((parts) => concatBytes(...parts));

function expectSame(received: readonly Uint8Array[]): void {
  expect(received.map((one) => one.byteLength)).toEqual(whole.map((one) => one.byteLength));
  expect(Buffer.concat(received).equals(Buffer.concat(whole))).toBe(true);
}

describe('payloads in batches', () => {
  test('of a request arrive one by one, and END counts each', async () => {
    const received: Uint8Array[] = [];
    const { client } = await connectProved({
      handlers: {
        'chunk.put': async (_request, { data }) => {
          received.push(...(await collect(data)));
          return { stored: received.length, duplicates: 0, bytes: 0 };
        },
      },
    });
    const batches = [new DataBatch(payloads.slice(0, 2)), payloads[2]!, ...batchesOf(payloads.slice(3))];
    const message = { vault: id32, kind: 'chunk' } as const;
    const { response } = await client.request('chunk.put', message, { data: produce(...batches) });
    expect(response.stored).toBe(payloads.length);
    expectSame(received);
    await client[Symbol.asyncDispose]();
  });

  test('of an answer arrive one by one, and those before an error too', async () => {
    async function* failing(): AsyncGenerator<DataBatch> {
      yield new DataBatch(payloads);
      throw new CofferError('NOT_FOUND', 'the last one is missing');
    }
    const { client } = await connectProved({
      handlers: { 'chunk.get': async () => ({ response: {}, data: failing() }) },
    });
    const ids = concatBytes(...payloads.map(() => id32));
    const { data } = await client.request('chunk.get', { vault: id32, uploader: new Uint8Array(16), ids });
    const received: Uint8Array[] = [];
    const reading = (async () => {
      for await (const payload of data) received.push(payload);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expectSame(received);
    await client[Symbol.asyncDispose]();
  });

  test('are refused whole when one of them breaks a limit', async () => {
    const { client } = await connectProved({ handlers: { 'chunk.put': () => new Promise<never>(() => undefined) } });
    const data = produce(new DataBatch([payloads[0]!, [new Uint8Array(5 * 2 ** 20)]]));
    const asked = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data });
    await expect(asked).rejects.toBeInstanceOf(RangeError);
    await client[Symbol.asyncDispose]();
  });
});

describe('batchesOf', () => {
  test('keeps the order, and ends a batch with the payload that fills it', () => {
    const batches = [...batchesOf(payloads)];
    expect(batches.flatMap(({ frames }) => frames)).toEqual(payloads);
    expect(batches.map(({ frames }) => frames.length)).toEqual([6, 1]);
    expect([...batchesOf([])]).toEqual([]);
  });
});
