import { expect, jest, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';

// Every step is a program that starts, and the machine may be busy.
jest.setTimeout(300_000);

interface Listed {
  readonly path: string;
  readonly version: number;
  readonly removedAt?: string;
  readonly keptUntil?: string;
  readonly state?: string;
}

interface Versioned {
  readonly version: number;
  readonly receivedAt: string;
  readonly current: boolean;
  readonly state: string;
  readonly keptUntil: string | null;
}

test('a folder is changed beyond recognition, and comes back as it was; the past is listed without the server', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const work = folderWith(vault, { 'a.txt': 'first', 'b.txt': 'second', 'sub/c.txt': 'third' });
  await device.json(['sync', work, '/work']);
  const then = await lastReceived(device, '/work/sub/c.txt');

  write(work, { 'a.txt': 'first, changed', 'later.txt': 'came later' });
  rmSync(join(work, 'b.txt'));
  await device.json(['sync', work, '/work', '--delete']);
  await device.json(['mv', '/work/sub/c.txt', '/work/renamed.txt']);
  await device.json(['rm', '-r', '/work/sub']);

  await vault.daemon.stop();
  expect(await paths(device, ['ls', '-R', '/work', '--at', then])).toEqual([
    '/work/a.txt',
    '/work/b.txt',
    '/work/sub',
    '/work/sub/c.txt',
  ]);
  const removed = await device.json<Listed[]>(['ls', '--deleted', '/work']);
  expect(removed.map(({ path }) => path)).toEqual(['/work/sub', '/work/b.txt']);
  for (const { removedAt = '', keptUntil = '', state } of removed) {
    expect(Date.parse(keptUntil) - Date.parse(removedAt)).toBe(30 * 86_400_000);
    expect(state).toBe('kept');
  }
  const offline = await device.run(['versions', '/work/b.txt', '--json']);
  expect(offline.stderr).toContain('the server is not reached');
  expect(offline.json).toMatchObject([{ version: 1, current: false, state: 'kept' }]);
  expect(await device.run(['ls', '/work', '--json'])).toMatchObject({ exitCode: 8 });
  await vault.daemon.restart();

  expect(await device.json(['restore', '/work', '--at', then])).toMatchObject({
    changed: 1,
    undeleted: 2,
    moved: 1,
    copied: 0,
    beside: 0,
  });
  expect(await paths(device, ['ls', '-R', '/work'])).toEqual([
    '/work/a.txt',
    '/work/b.txt',
    '/work/later.txt',
    '/work/sub',
    '/work/sub/c.txt',
  ]);
  expect(await cat(device, '/work/a.txt')).toBe('first');
  expect(await cat(device, '/work/sub/c.txt')).toBe('third');
  const versions = await device.json<Versioned[]>(['versions', '/work/a.txt']);
  expect(versions.map(({ version, state }) => [version, state])).toEqual([
    [3, 'current'],
    [2, 'kept'],
    [1, 'kept'],
  ]);
  expect(await device.json(['restore', '/work', '--at', then])).toMatchObject({ changed: 0, undeleted: 0, moved: 0 });
});

test('what was removed comes back by its path: a file, a folder, a file out of a removed folder', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const work = folderWith(vault, { 'deep/one.txt': '1', 'deep/two.txt': '2', 'three.txt': '3' });
  await device.json(['sync', work, '/w']);
  await device.json(['rm', '/w/three.txt']);
  await device.json(['restore', '/w/three.txt']);
  expect(await cat(device, '/w/three.txt')).toBe('3');
  expect(await device.run(['restore', '/w/three.txt', '--json'])).toMatchObject({ exitCode: 2 });

  await device.json(['rm', '-r', '/w']);
  await device.json(['restore', '/w/deep/one.txt']);
  expect(await paths(device, ['ls', '-R', '/'])).toEqual(['/w', '/w/deep', '/w/deep/one.txt']);
  const taken = await device.run(['restore', '/w', '--json']);
  expect(taken.error).toMatchObject({ code: 'INVALID' });
  await device.json(['mv', '/w', '/kept']);
  await device.json(['restore', '/w']);
  expect(await paths(device, ['ls', '-R', '/w'])).toEqual(['/w/deep', '/w/deep/two.txt', '/w/three.txt']);
  expect(await cat(device, '/w/deep/two.txt')).toBe('2');
  const again = await vault.device();
  expect(await cat(again, '/kept/deep/one.txt')).toBe('1');
  expect(await vault.machine.json(['admin', 'check', '--storage', vault.storage])).toMatchObject({ clean: true });
});

test('laid down over local changes: both stay; one version of a removed file', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const work = folderWith(vault, { 'a.txt': 'old' });
  await device.json(['sync', work, '/w']);
  const then = await lastReceived(device, '/w/a.txt');
  write(work, { 'a.txt': 'new, and longer' });
  await device.json(['sync', work, '/w']);
  await device.json(['rm', '-r', '/w']);

  const target = vault.folder.join('target');
  mkdirSync(join(target, 'w'), { recursive: true });
  writeFileSync(join(target, 'w', 'a.txt'), 'mine');
  await device.json(['restore', '/w', '--at', then, '--to', target]);
  const names = readdirSync(join(target, 'w'));
  expect(names).toHaveLength(2);
  expect(new Set(names.map((name) => readFileSync(join(target, 'w', name), 'utf8')))).toEqual(new Set(['mine', 'old']));

  await device.json(['restore', '/w/a.txt', '--version', '1', '--to', join(target, 'first.txt')]);
  expect(readFileSync(join(target, 'first.txt'), 'utf8')).toBe('old');
  await device.json(['restore', '/w/a.txt', '--to', join(target, 'last.txt')]);
  expect(readFileSync(join(target, 'last.txt'), 'utf8')).toBe('new, and longer');
  expect(await device.run(['restore', '/never', '--json'])).toMatchObject({ exitCode: 4 });
});

/** A local folder with these files, one of a time of its own each. */
function folderWith(vault: Vault, files: Readonly<Record<string, string>>): string {
  const folder = vault.folder.join('work');
  write(folder, files);
  return folder;
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    // Old enough for its stamp to be trusted.
    utimesSync(file, 1_700_000_000, 1_700_000_000 + text.length);
  }
}

async function lastReceived(device: Coffer, path: string): Promise<string> {
  const [newest] = await device.json<Versioned[]>(['versions', path]);
  return newest?.receivedAt ?? '';
}

async function paths(device: Coffer, args: readonly string[]): Promise<string[]> {
  return (await device.json<Listed[]>(args)).map(({ path }) => path).toSorted();
}

async function cat(device: Coffer, path: string): Promise<string> {
  return (await device.run(['cat', path])).stdout;
}
