import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const threads = 4;
const rounds = 3;

test('threads that begin to collect at the same moment do not take the collector from each other', async () => {
  const failures: unknown[] = [];
  const run = async (): Promise<void> => {
    const worker = new Worker(new URL('./fixtures/collect-often.ts', import.meta.url), {
      execArgv: ['--conditions=source'],
    });
    worker.on('error', (error) => failures.push(error));
    await once(worker, 'exit');
  };
  for (let round = 0; round < rounds; round += 1) await Promise.all(Array.from({ length: threads }, run));
  expect(failures).toEqual([]);
}, 120_000);
