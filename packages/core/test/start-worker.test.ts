import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { startWorker } from '../src/start-worker.ts';

test('a worker runs from its TypeScript source and finds workspace packages', async () => {
  await using worker = startWorker(new URL('./fixtures/sum-worker.ts', import.meta.url), { workerData: [1, 2, 39] });
  expect(await once(worker, 'message')).toEqual([{ sum: 42, sawCore: true }]);
});

test('a worker that cannot be found reports it as an error event', async () => {
  await using worker = startWorker(new URL('./fixtures/no-such-worker.ts', import.meta.url));
  expect(await once(worker, 'error')).toEqual([
    expect.objectContaining({ message: expect.stringContaining('no-such-worker.ts') }),
  ]);
});

test('a worker named by anything but a .ts source is a bug of the caller', () => {
  expect(() => startWorker(new URL('./fixtures/sum-worker.js', import.meta.url))).toThrow(TypeError);
});
