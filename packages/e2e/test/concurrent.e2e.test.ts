import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { concurrentRounds } from '../faults/concurrent/concurrent-rounds.ts';
import { startVault } from '../src/index.ts';

test('two devices that work at the same time, are killed and cut off, end with the same, and with everything', async () => {
  const result = await concurrentRounds({ seed: 20_261_126, rounds: 6 });
  expect(result.comparisons).toBe(1);
  expect(result.written).toBeGreaterThan(10);
  expect(result.alive).toBeGreaterThan(0);
}, 240_000);

test('a conflict is kept twice, listed, and resolved', async () => {
  await using vault = await startVault();
  const [here, there] = ['here', 'there'].map((name) => vault.folder.join(name)) as [string, string];
  const laptop = await vault.device();
  const sync = async (coffer: typeof laptop, folder: string): Promise<unknown> =>
    await coffer.json(['sync', folder, '/docs', '--mode', 'two-way']);
  mkdirSync(here);
  writeFileSync(join(here, 'a.txt'), 'agreed');
  await sync(vault.user.device, here);
  expect(await sync(laptop, there)).toMatchObject({ received: 1 });
  writeFileSync(join(here, 'a.txt'), 'first');
  writeFileSync(join(there, 'a.txt'), 'second one');
  await sync(vault.user.device, here);
  expect(await sync(laptop, there)).toMatchObject({ receivedModified: 1, sent: 1, conflicts: 1, failed: 0 });

  expect(await vault.user.device.json(['conflicts'])).toEqual([]);
  const copy = readdirSync(there).find((name) => name !== 'a.txt');
  expect(await laptop.json(['conflicts', 'list'])).toEqual([
    { path: '/docs/a.txt', copy: `/docs/${copy}`, mine: 'copy', local: there, at: expect.any(String) },
  ]);
  expect(await laptop.json(['conflicts', 'resolve', '/docs/a.txt', '--keep', 'mine'])).toMatchObject({ kept: 'mine' });
  expect(await laptop.json(['conflicts'])).toEqual([]);
  expect(await sync(laptop, there)).toMatchObject({ modified: 1, removed: 1, conflicts: 0 });
  await sync(vault.user.device, here);
  expect(readdirSync(here)).toEqual(['a.txt']);
  expect(readFileSync(join(here, 'a.txt'), 'utf8')).toBe('second one');
}, 120_000);
