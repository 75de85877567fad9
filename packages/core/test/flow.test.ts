import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  backoffMs,
  BoundedQueue,
  formatSize,
  parseDurationMs,
  parseSize,
  Semaphore,
  systemClock,
  systemRandom,
} from '../src/index.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('BoundedQueue', () => {
  test('hands over everything in order and never holds more than its limit', async () => {
    const queue = new BoundedQueue<number>(3);
    const produce = async (): Promise<void> => {
      for (let item = 0; item < 50; item += 1) {
        await queue.push(item);
        expect(queue.size).toBeLessThanOrEqual(3);
      }
      queue.close();
    };
    const produced = produce();
    const taken: number[] = [];
    for await (const item of queue) {
      taken.push(item);
      if (item % 7 === 0) await turn();
    }
    await produced;
    expect(taken).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('several waiting producers all get through', async () => {
    const queue = new BoundedQueue<number>(1);
    const pushes = Promise.all(Array.from({ length: 10 }, (_, index) => queue.push(index)));
    const taken: (number | undefined)[] = [];
    for (let count = 0; count < 10; count += 1) taken.push(await queue.take());
    await pushes;
    expect(taken.toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a failure reaches the consumer and the waiting producer', async () => {
    const queue = new BoundedQueue<number>(1);
    await queue.push(1);
    const stuck = queue.push(2);
    queue.fail(new Error('cut'));
    await expect(stuck).rejects.toThrow('cut');
    await expect(queue.take()).rejects.toThrow('cut');
  });

  test('waiting for space ends with the signal', async () => {
    const queue = new BoundedQueue<number>(1);
    await queue.push(1);
    const controller = new AbortController();
    const stuck = queue.push(2, controller.signal);
    controller.abort(new Error('enough'));
    await expect(stuck).rejects.toThrow('enough');
    expect(queue.size).toBe(1);
  });

  test.each(['before room is made', 'when room was just made'])(
    'a producer aborted %s leaves the room to the next',
    async (when) => {
      const queue = new BoundedQueue<number>(1);
      await queue.push(1);
      const controller = new AbortController();
      const given = queue.push(2, controller.signal);
      const next = queue.push(3);
      if (when === 'before room is made') controller.abort(new Error('enough'));
      const taken = queue.take();
      controller.abort(new Error('enough'));
      const settled = await Promise.allSettled([given, next]);
      expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
      expect([await taken, await queue.take()]).toEqual([1, 3]);
    },
  );

  test('a consumer that waits learns of the end', async () => {
    const queue = new BoundedQueue<number>(1);
    const taken = queue.take();
    await turn();
    queue.close();
    await expect(taken).resolves.toBeUndefined();
    await expect(queue.push(1)).rejects.toThrow(TypeError);
  });
});

describe('Semaphore', () => {
  test('never exceeds its capacity, whatever the weights and order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 30 }), async (weights) => {
        const semaphore = new Semaphore(5);
        let held = 0;
        let most = 0;
        await Promise.all(
          weights.map(async (weight) => {
            const release = await semaphore.acquire(weight);
            held += Math.min(weight, 5);
            most = Math.max(most, held);
            await turn();
            held -= Math.min(weight, 5);
            release();
            release();
          }),
        );
        expect(most).toBeLessThanOrEqual(5);
        (await semaphore.acquire(5))();
      }),
      { numRuns: 30 },
    );
  });

  test('an aborted waiter leaves the line and those behind it go on', async () => {
    const semaphore = new Semaphore(2);
    const release = await semaphore.acquire(1);
    const controller = new AbortController();
    const large = semaphore.acquire(2, controller.signal);
    const small = semaphore.acquire(1);
    controller.abort(new Error('left'));
    await expect(large).rejects.toThrow('left');
    (await small)();
    release();
    (await semaphore.acquire(2))();
  });
});

describe('units', () => {
  test.each([
    ['10GiB', 10 * 1024 ** 3],
    ['1.5 MB', 1_500_000],
    ['4096', 4096],
    ['2k', 2048],
  ])('%s', (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });

  test.each(['', 'x', '-1', '1 XiB', '1e5', '99999999TiB'])('"%s" is no size', (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  test('sizes are shown in three figures', () => {
    expect([0, 1023, 1024, 1536, 150 * 1024, 5 * 1024 ** 3].map(formatSize)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '150 KiB',
      '5.0 GiB',
    ]);
  });

  test('durations', () => {
    expect(parseDurationMs('30 min')).toBe(1_800_000);
    expect(parseDurationMs('90d')).toBe(7_776_000_000);
    expect(() => parseDurationMs('soon')).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

test('a back-off doubles, stays within its bounds and is spread', () => {
  const delays = Array.from({ length: 200 }, () => backoffMs(3, { firstMs: 100, maxMs: 10_000 }, systemRandom));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(400);
  expect(Math.max(...delays)).toBeLessThanOrEqual(800);
  expect(new Set(delays).size).toBeGreaterThan(20);
  expect(backoffMs(1000, { firstMs: 100, maxMs: 10_000 }, systemRandom)).toBeLessThanOrEqual(10_000);
});

test('sleep ends with its signal', async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error('woken'));
  await expect(sleeping).rejects.toThrow('woken');
});
