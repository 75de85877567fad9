import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { Daemon, startVault, until, Watching } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';

// Each command is a process that opens a sealed keystore, and the machine may be busy.
jest.setTimeout(400_000);

async function people(vault: Vault): Promise<{ readonly alice: Coffer; readonly bob: Coffer }> {
  const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
  return { alice: alice.device, bob: bob.device };
}

test('two people watch what one shares: live both ways; rights that are taken end it with one line, and nothing is removed', async () => {
  await using vault = await startVault();
  const { alice, bob } = await people(vault);
  const work = vault.folder.join('work');
  mkdirSync(join(work, 'team'), { recursive: true });
  writeFileSync(join(work, 'own.txt'), 'only alice’s');
  writeFileSync(join(work, 'team', 'plan.txt'), 'the plan');
  await alice.json(['sync', work, '/work']);
  await alice.json(['share', '/work/team', 'bob', '--write']);

  // She watches the folder above, and what is shared in it goes along.
  await using hers = new Watching(vault, { coffer: alice, name: 'work', path: '/work' });
  await using his = new Watching(vault, { coffer: bob, name: 'his', path: '/Shared/alice/team' });
  await hers.says(({ below, state }) => below === 'team' && state === 'up to date', 'what is shared is watched');
  await until(() => his.read('plan.txt') === 'the plan', 'the first run');
  writeFileSync(his.at('from-bob.txt'), 'from bob');
  await until(() => hers.read('team/from-bob.txt') === 'from bob', 'from him to her');
  writeFileSync(hers.at('team/from-bob.txt'), 'from alice');
  await until(() => his.read('from-bob.txt') === 'from alice', 'from her to him');
  writeFileSync(hers.at('own.txt'), 'changed');
  await hers.says(
    ({ below, event, ...counts }) =>
      event === 'run' && below === undefined && (counts as { modified?: number }).modified === 1,
    'her own file',
  );

  // What is shared while she watches is watched from then on.
  mkdirSync(hers.at('later'));
  writeFileSync(hers.at('later/a.txt'), 'a');
  await until(() => hers.lines.some(({ sent, below }) => sent === 1 && below === undefined), 'sent');
  await alice.json(['share', '/work/later', 'bob', '--write']);
  await hers.says(({ below, state }) => below === 'later' && state === 'up to date', 'shared later');
  const file = vault.folder.join('b.txt');
  writeFileSync(file, 'b');
  await bob.json(['put', file, '/Shared/alice/later/b.txt']);
  await until(() => hers.read('later/b.txt') === 'b', 'from him into what was shared later');

  // Only to read: a watch that sends ends, one that only fetches goes on.
  await alice.json(['share', '/work/team', 'bob']);
  const ended = await his.child.finished;
  expect(ended.exitCode).toBe(6);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(ended.stderr)).toMatchObject({
    error: {
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('only be read'),
      hint: expect.stringContaining('--mode pull'),
    },
  });
  await using fetching = new Watching(vault, { coffer: bob, name: 'his', path: '/Shared/alice/team', mode: 'pull' });
  await fetching.says(({ state }) => state === 'up to date', 'fetching');
  writeFileSync(hers.at('team/plan.txt'), 'a better plan');
  await until(() => fetching.read('plan.txt') === 'a better plan', 'still fetched');
  await alice.json(['unshare', '/work/team', 'bob']);
  const gone = await fetching.child.finished;
  expect(gone.exitCode).toBe(6);
  expect(gone.stderr.trim().split('\n')).toHaveLength(1);
  expect(gone.stderr).toContain('not shared with you any more');
  expect(readdirSync(fetching.folder).toSorted()).toEqual(['from-bob.txt', 'plan.txt']);
  hers.child.kill('SIGTERM');
  expect(await hers.child.finished).toMatchObject({ exitCode: 0, stderr: '' });
});

test('a path that leads to another share than the last time is refused', async () => {
  await using vault = await startVault();
  const { alice, bob } = await people(vault);
  const work = vault.folder.join('work');
  mkdirSync(join(work, 'team'), { recursive: true });
  writeFileSync(join(work, 'team', 'plan.txt'), 'the plan');
  await alice.json(['sync', work, '/work']);
  await alice.json(['share', '/work/team', 'bob', '--write']);
  // The same folder still, only shared now.
  await alice.json(['sync', join(work, 'team'), '/work/team']);
  await alice.json(['sync', work, '/work']);
  const copy = vault.folder.join('copy');
  await bob.json(['sync', copy, '/Shared/alice/team', '--mode', 'two-way']);
  writeFileSync(join(copy, 'for the first team.txt'), 'secret');

  await alice.json(['unshare', '/work/team', 'bob']);
  await alice.json(['mkdir', '-p', '/other/team']);
  await alice.json(['share', '/other/team', 'bob', '--write']);
  const sync = ['sync', copy, '/Shared/alice/team', '--mode', 'two-way'];
  const refused = await bob.run([...sync, '--json']);
  expect(refused).toMatchObject({ exitCode: 5, error: { code: 'CONFLICT', hint: expect.stringContaining('--force') } });
  await expect(alice.json(['ls', '/other/team'])).resolves.toEqual([]);
  await expect(bob.json([...sync, '--force'])).resolves.toMatchObject({ sent: 2, removed: 0 });
  await expect(bob.json(sync)).resolves.toMatchObject({ sent: 0 });
});

test('a watch goes on when the server comes back older than it was, and sends again what it lost', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  await using here = new Watching(vault, { coffer: device, name: 'here' });
  writeFileSync(here.at('a.txt'), 'a');
  await until(() => here.lines.some(({ sent }) => sent === 1), 'the first file');
  const storage = vault.folder.join('restored');
  await vault.machine.json(['admin', 'backup', '--storage', vault.storage]);
  mkdirSync(storage);
  for (const name of ['users', 'backups']) cpSync(join(vault.storage, name), join(storage, name), { recursive: true });
  writeFileSync(here.at('b.txt'), 'b');
  await until(() => here.lines.filter(({ sent }) => sent === 1).length === 2, 'what the server loses');
  await vault.daemon.kill9();
  await vault.machine.json(['admin', 'restore', '--storage', storage, '--reason', 'the disk broke']);
  await using daemon = await Daemon.start({
    storage,
    certs: vault.certs,
    logs: vault.logs,
    home: vault.machine.home,
    port: vault.daemon.port,
  });
  expect(daemon.running).toBe(true);
  await until(() => here.lines.filter(({ sent }) => sent === 1).length === 3, 'sent again');
  writeFileSync(here.at('c.txt'), 'c');
  await until(() => here.lines.filter(({ sent }) => sent === 1).length === 4, 'the watch goes on');
  expect(['a.txt', 'b.txt', 'c.txt'].every((name) => existsSync(here.at(name)))).toBe(true);
  here.child.kill('SIGTERM');
  const { exitCode, stderr } = await here.child.finished;
  expect(exitCode).toBe(0);
  expect(stderr).toContain('the server began anew');
  rmSync(storage, { recursive: true });
  expect(here.lines.filter(({ event }) => event === 'over')).toHaveLength(1);
});

test('an unattended machine keeps what is shared with its account in step, until that is taken away', async () => {
  await using vault = await startVault();
  const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
  const work = vault.folder.join('work');
  mkdirSync(work);
  writeFileSync(join(work, 'plan.txt'), 'the plan');
  await alice.device.json(['sync', work, '/work']);
  await alice.device.json(['share', '/work', 'bob', '--write']);
  const [shared] = await bob.device.json<{ path: string; id: string }[]>(['shares']);
  expect(shared).toMatchObject({ path: '/Shared/alice/work' });
  const worker = await vault.device(bob, ['--serve', shared?.id.slice(0, 8) ?? '']);

  await using nightly = new Watching(vault, { coffer: worker, name: 'nightly', path: '/Shared/alice/work' });
  await until(() => nightly.read('plan.txt') === 'the plan', 'the first run');
  writeFileSync(nightly.at('report.txt'), 'made at night');
  await until(() => nightly.lines.some(({ sent }) => sent === 1), 'sent');
  expect((await alice.device.run(['cat', '/work/report.txt'])).stdout).toBe('made at night');
  await expect(alice.device.json(['versions', '/work/report.txt'])).resolves.toMatchObject([{ author: 'bob' }]);
  await alice.device.json(['unshare', '/work', 'bob']);
  const ended = await nightly.child.finished;
  expect(ended.exitCode).toBe(6);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(ended.stderr).toContain('not shared with you any more');
  expect(readdirSync(nightly.folder).toSorted()).toEqual(['plan.txt', 'report.txt']);
  const other = await vault.device(bob);
  expect(await other.run(['ls', '/Shared/alice/work', '--json'])).toMatchObject({ exitCode: 4 });
});
