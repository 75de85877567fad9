import { randomBytes } from 'node:crypto';
import { expect, jest, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coffer, startVault } from '../src/index.ts';
import type { Vault } from '../src/index.ts';

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

test('how long things are kept: what would go is said before, waits seven days, and can be cancelled', async () => {
  await using vault = await startVault();
  const device = await fullDevice(vault);
  const work = folderWith(vault, { 'a.txt': 'one' });
  for (const text of ['one', 'two, longer', 'three, longer still']) {
    write(work, { 'a.txt': text });
    await device.json(['sync', work, '/w']);
  }
  expect(await device.json(['policy', 'show'])).toMatchObject({ versions: 5, days: 90, trashDays: 30, pending: null });
  const shorter = ['policy', 'set', '--versions', '1', '--days', '0'];
  // What ended within a day goes under no policy, so nothing is asked.
  expect(await device.json(shorter)).toMatchObject({ versions: 5, pending: { versions: 1, days: 0, trashDays: 30 } });
  expect(await device.json(['policy', 'set', '--versions', '5', '--days', '90'])).toMatchObject({ pending: null });
  expect(await device.run(['policy', 'set', '--json'])).toMatchObject({ exitCode: 2 });
  for (const args of [shorter, ['hold', 'on'], ['purge', '/w/a.txt', '--version', '1', '--yes']])
    expect(await vault.user.device.run([...args, '--json'])).toMatchObject({ exitCode: 6 });

  expect(await device.run(['purge', '/w/a.txt', '--version', '1', '--json'])).toMatchObject({
    exitCode: 2,
    error: { code: 'INVALID', hint: 'Agree to it with --yes.' },
  });
  expect(await device.run(['purge', '/w/a.txt', '--version', '3', '--yes', '--json'])).toMatchObject({ exitCode: 2 });
  const purged = await device.json(['purge', '/w/a.txt', '--version', '1', '2', '--yes']);
  expect(purged).toMatchObject({ purging: [{ version: 2 }, { version: 1 }] });
  expect(await stateOf(device, '/w/a.txt')).toEqual(['current', 'purging', 'purging']);
  expect(await device.json(['purge', '/w/a.txt', '--cancel'])).toMatchObject({ purging: [] });
  expect(await stateOf(device, '/w/a.txt')).toEqual(['current', 'kept', 'kept']);

  expect(await device.json(['hold', 'on', '--reason', 'a dispute'])).toMatchObject({ on: true, reason: 'a dispute' });
  expect(await device.json(['policy', 'show'])).toMatchObject({ hold: { on: true } });
  expect(await device.json(['hold', 'off'])).toMatchObject({ on: true, endsAt: expect.any(String) });
  expect(await device.json(['du', '/w'])).toMatchObject([{ files: 1, bytes: 19, storedBytes: expect.any(Number) }]);
});

test('the disk of the server loses content: reading says so, the next sync sends it again', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const work = folderWith(vault, { 'a.txt': 'kept on this machine', 'b.txt': 'only in the vault' });
  await device.json(['sync', work, '/w']);
  rmSync(join(work, 'b.txt'));
  await vault.daemon.stop();
  for (const user of readdirSync(join(vault.storage, 'users'))) {
    const chunks = join(vault.storage, 'users', user, 'chunks');
    if (!existsSync(chunks)) continue;
    for (const name of readdirSync(chunks)) rmSync(join(chunks, name));
  }
  await vault.daemon.restart();

  const read = await device.run(['cat', '/w/a.txt', '--json']);
  expect(read).toMatchObject({ exitCode: 9, error: { code: 'INTEGRITY' } });
  expect(read.error?.hint).toContain('coffer sync');
  expect(await device.run(['verify', '/w', '--json'])).toMatchObject({ exitCode: 9 });
  const healed = await device.json(['sync', work, '/w']);
  expect(healed).toMatchObject({ healed: 1, failed: 0, errors: [{ path: 'b.txt', code: 'INTEGRITY' }] });
  expect(await cat(device, '/w/a.txt')).toBe('kept on this machine');
  expect(await device.run(['cat', '/w/b.txt', '--json'])).toMatchObject({ exitCode: 9 });
  expect(await device.json(['sync', work, '/w'])).toMatchObject({ healed: 0, sent: 0 });
});

test('a quota that is used up: told in figures, removals still go', async () => {
  await using vault = await startVault();
  const { device } = await vault.addUser('small', ['--quota', '20MiB']);
  const work = vault.folder.join('work');
  mkdirSync(work);
  writeFileSync(join(work, 'fits'), randomBytes(1024));
  await device.json(['sync', work, '/w']);
  rmSync(join(work, 'fits'));
  for (let index = 0; index < 6; index += 1) writeFileSync(join(work, `big ${index}`), randomBytes(8 * 1024 * 1024));
  const full = await device.run(['sync', work, '/w', '--delete', '--json']);
  expect(full).toMatchObject({ exitCode: 7, error: { code: 'QUOTA' } });
  expect(full.error?.message).toMatch(/up to .* more are needed, .* of 20\.0 MiB are left/);
  const [gone] = await device.json<Listed[]>(['ls', '--deleted', '/w']);
  expect(gone).toMatchObject({ path: '/w/fits' });
  expect((await device.run(['usage'])).stdout).toContain('of 20.0 MiB');
});

type Device = Pick<Coffer, 'json' | 'run'>;

/** A device that holds the keys of the account, under a password. */
async function fullDevice(vault: Vault): Promise<Device> {
  const coffer = new Coffer(await vault.folder.folder('full'));
  const file = vault.folder.join('password');
  writeFileSync(file, vault.user.password);
  const env = { COFFER_PASSWORD_FILE: file };
  await coffer.json(['login', vault.user.invite, '--keystore', 'password', '--device-name', 'full'], { env });
  return {
    json: (args) => coffer.json(args, { env }),
    run: (args) => coffer.run(args, { env }),
  };
}

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

async function lastReceived(device: Device, path: string): Promise<string> {
  const [newest] = await device.json<Versioned[]>(['versions', path]);
  return newest?.receivedAt ?? '';
}

async function stateOf(device: Device, path: string): Promise<string[]> {
  return (await device.json<Versioned[]>(['versions', path])).map(({ state }) => state);
}

async function paths(device: Device, args: readonly string[]): Promise<string[]> {
  return (await device.json<Listed[]>(args)).map(({ path }) => path).toSorted();
}

async function cat(device: Device, path: string): Promise<string> {
  return (await device.run(['cat', path])).stdout;
}
