import { expect, test } from '@jest/globals';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTrees, makeTree, startVault } from '../src/index.ts';
import type { SyncReport } from '@coffer/sync';

const KiB = 1024;

test('a tree of 15,000 real files with links, modes and odd names: up, nothing to do, one edit and one removal, down elsewhere', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  const facts = makeTree({ target: source, files: 15_000, oddities: 'all' });
  writeFileSync(join(source, 'edited.txt'), 'before\n');
  writeFileSync(join(source, 'removed.txt'), 'soon gone\n');
  expect(facts.files).toBeGreaterThanOrEqual(15_000);
  expect(facts.links).toBeGreaterThan(0);

  const up = await device.json<SyncReport>(['sync', source, '/tree']);
  expect(up).toMatchObject({ sent: facts.files + 2, modified: 0, removed: 0, failed: 0, errors: [] });

  const again = await device.json<SyncReport>(['sync', source, '/tree']);
  expect(again).toMatchObject({ sent: 0, modified: 0, unchanged: facts.files + 2, failed: 0 });
  expect(again.bytesSent).toBeLessThan(200 * KiB);

  appendFileSync(join(source, 'edited.txt'), 'after\n');
  rmSync(join(source, 'removed.txt'));
  const changed = await device.json<SyncReport>(['sync', source, '/tree', '--delete']);
  expect(changed).toMatchObject({ sent: 0, modified: 1, removed: 1, failed: 0 });

  const laptop = await vault.device();
  const down = await laptop.json<SyncReport>(['sync', copy, '/tree', '--mode', 'pull']);
  expect(down).toMatchObject({ received: facts.files + 1, failed: 0 });
  expect(compareTrees(source, copy)).toEqual([]);

  const check = await vault.machine.json(['admin', 'check', '--read-data', '--storage', vault.storage]);
  expect(check).toMatchObject({ clean: true });
}, 300_000);

test('renames and moves are found and send no content', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const source = vault.folder.join('source');
  makeTree({ target: source, files: 60, oddities: 'none' });
  await device.json(['sync', source, '/tree']);
  const { renameSync, mkdirSync } = await import('node:fs');
  const [first] = (await device.json<{ path: string; type: string }[]>(['ls', '/tree'])).filter(
    ({ type }) => type === 'directory',
  );
  const name = first?.path.split('/').at(-1) ?? '';
  mkdirSync(join(source, 'moved'));
  renameSync(join(source, name), join(source, 'moved', 'new name'));
  const report = await device.json<SyncReport>(['sync', source, '/tree', '--delete']);
  expect(report).toMatchObject({ sent: 0, modified: 0, removed: 0, failed: 0 });
  expect(report.moved).toBeGreaterThanOrEqual(1);
  expect(report.bytesSent).toBe(0);
  const copy = vault.folder.join('copy');
  await (await vault.device()).json(['sync', copy, '/tree', '--mode', 'pull']);
  expect(compareTrees(source, copy)).toEqual([]);
});

test('an interrupted upload loses nothing and goes on where it stopped', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  makeTree({ target: source, files: 3_000, oddities: 'none' });
  for (const [signal, waitMs] of [
    ['SIGINT', 900],
    ['SIGKILL', 1_200],
    ['SIGTERM', 1_500],
  ] as const) {
    await using running = device.start(['sync', source, '/tree', '--json']);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.kill(signal);
    const { exitCode, endedBy } = await running.finished;
    // A quick machine may be done already.
    expect(endedBy === signal || exitCode === 0 || exitCode === 130).toBe(true);
  }
  const last = await device.json<SyncReport>(['sync', source, '/tree']);
  expect(last).toMatchObject({ failed: 0, conflicts: 0 });
  await (await vault.device()).json(['sync', copy, '/tree', '--mode', 'pull']);
  expect(compareTrees(source, copy)).toEqual([]);
});
