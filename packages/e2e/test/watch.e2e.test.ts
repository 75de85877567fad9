import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { watchChurn } from '../faults/watch/watch-churn.ts';
import { AtTerminal, Child, cleanEnvironment, cofferCommand, startVault, until, Watching } from '../src/index.ts';

const patienceMs = 60_000;

test('two devices watch one path: what one does the other has; a server that is killed and comes back loses nothing', async () => {
  await using vault = await startVault();
  const laptop = await vault.device();
  await using here = new Watching(vault, { coffer: vault.user.device, name: 'here' });
  await using there = new Watching(vault, { coffer: laptop, name: 'there' });
  for (const one of [here, there]) await one.says(({ state }) => state === 'up to date', 'first run');

  writeFileSync(here.at('a.txt'), 'first');
  await until(() => there.read('a.txt') === 'first', 'a new file');
  writeFileSync(there.at('a.txt'), 'second');
  await until(() => here.read('a.txt') === 'second', 'a change the other way');
  mkdirSync(here.at('deep/er'), { recursive: true });
  for (let index = 0; index < 300; index += 1) writeFileSync(here.at(`deep/er/${index}`), `content ${index}`);
  await until(() => there.read('deep/er/299') === 'content 299' && there.read('deep/er/0') === 'content 0', 'many');

  await vault.daemon.kill9();
  writeFileSync(here.at('offline.txt'), 'written while the server was away');
  for (const one of [here, there])
    await one.says(({ event, state }) => event === 'trouble' && state === 'offline', 'offline');
  renameSync(there.at('deep'), there.at('renamed'));
  await vault.daemon.restart();
  await until(() => there.read('offline.txt') !== undefined, 'after the server came back');
  await until(() => here.read('renamed/er/7') === 'content 7' && !existsSync(here.at('deep')), 'a rename');
  for (const one of [here, there]) await one.says(({ event }) => event === 'over', 'online again');
  rmSync(here.at('a.txt'));
  await until(() => there.read('a.txt') === undefined, 'a removal');
  rmSync(here.at('renamed'), { recursive: true });
  await here.says(({ code }) => code === 'TOO_MANY_DELETIONS', 'too many removals');
  expect(there.read('renamed/er/7')).toBe('content 7');

  for (const one of [here, there]) one.child.kill('SIGINT');
  expect((await here.child.finished).exitCode).toBe(0);
  expect((await there.child.finished).exitCode).toBe(0);
}, 240_000);

test('signals: pause, resume, look at everything, stop; what is in flight is not lost', async () => {
  await using vault = await startVault();
  await using one = new Watching(vault, { coffer: vault.user.device, name: 'here', args: ['--bwlimit', '256KiB'] });
  await one.says(({ state }) => state === 'up to date', 'first run');
  one.child.kill('SIGUSR1');
  await one.says(({ state }) => state === 'paused', 'paused');
  writeFileSync(one.at('large'), randomBytes(4 * 1024 * 1024));
  one.child.kill('SIGHUP');
  await setTimeout(3000);
  expect(await vault.user.device.json(['ls', '/docs'])).toEqual([]);
  const before = one.lines.length;
  one.child.kill('SIGUSR2');
  await until(() => one.lines.slice(before).some(({ state }) => state === 'transferring'), 'resumed');
  expect(one.lines.slice(before).map(({ state }) => state)).toContain('scanning');
  // 4 MiB at 256 KiB a second take 16 s: it is in the middle of it.
  one.child.kill('SIGTERM');
  expect(await one.child.finished).toMatchObject({ exitCode: 0, stderr: '' });
  const logs = readdirSync(vault.logs, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /backup[^/]*$/.test(name),
  );
  const ends = logs.flatMap((name) => readFileSync(join(vault.logs, name), 'utf8').split('\n'));
  expect(ends.filter((line) => line.includes('job.end') && line.includes('interrupted'))).toHaveLength(1);
  const again = await vault.user.device.json<{ sent: number }>(['sync', one.folder, '/docs', '--mode', 'two-way']);
  expect(again).toMatchObject({ sent: 1, failed: 0 });
}, 240_000);

test('a second job on the same folder, or on one inside it, is refused and names the other', async () => {
  await using vault = await startVault();
  await using one = new Watching(vault, { coffer: vault.user.device, name: 'here' });
  mkdirSync(one.at('inner'));
  await one.says(({ state }) => state === 'up to date', 'first run');
  for (const folder of [one.folder, one.at('inner')]) {
    const refused = await vault.user.device.run(['sync', folder, '/other', '--json']);
    expect({ exitCode: refused.exitCode, error: refused.error }).toMatchObject({
      exitCode: 5,
      error: { code: 'LOCKED', message: expect.stringContaining(`${one.folder} with /docs in the vault`) },
    });
  }
  const usage = await vault.user.device.run(['sync', one.folder, '--watch', '--dry-run', '--json']);
  expect(usage.exitCode).toBe(2);
}, 240_000);

test('on a terminal one line says what goes on; Ctrl-C ends it with 0', async () => {
  await using vault = await startVault();
  const folder = vault.folder.join('here');
  mkdirSync(folder);
  await using person = new AtTerminal(['sync', folder, '/docs', '--watch'], vault.user.device.home);
  await person.reads(/up to date/);
  writeFileSync(join(folder, 'a.txt'), 'seen');
  await person.reads(/settling/);
  await person.reads(/up to date {2}\(.*sent: 1/);
  person.type('\u0003');
  expect(await person.exitCode).toBe(0);
}, 240_000);

test('a folder that is churned on both sides ends equal, and memory stays what it is', async () => {
  const result = await watchChurn({ seed: 20_261_127, files: 300, minutes: 0.2 }, new AbortController().signal);
  expect(result.changes).toBeGreaterThan(100);
  expect(result.runs).toBeGreaterThan(2);
}, 600_000);

// A limit of its own needs a namespace of its own, which not every machine allows.
const limited = spawnSync('unshare', ['-Ur', 'true']).status === 0 ? describe : describe.skip;

limited('a limit of watches', () => {
  test('where the system watches no more folders that is said by name, and the folder is polled', async () => {
    await using vault = await startVault();
    const folder = vault.folder.join('here');
    for (const name of ['a/b', 'c/d']) mkdirSync(join(folder, name), { recursive: true });
    const { home } = vault.user.device;
    const command = cofferCommand(['sync', folder, '/docs', '--watch', '--json', '--home', home]);
    const script = 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"';
    await using child = new Child(['unshare', '-Ur', 'sh', '-c', script, 'sh', ...command], {
      env: cleanEnvironment(home),
    });
    const { 0: line } = await child.line(/.*"state":"polling".*/, { timeoutMs: patienceMs });
    expect(JSON.parse(line)).toMatchObject({ code: 'LIMIT', message: expect.stringContaining('max_user_watches') });
    await child.line(/"state":"up to date"/, { timeoutMs: patienceMs });
    writeFileSync(join(folder, 'a/b/file'), 'found by looking');
    await child.line(/"event":"run".*"sent":1,/, { timeoutMs: 2 * patienceMs });
  }, 240_000);
});
