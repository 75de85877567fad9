import { expect, jest, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coffer, startVault } from '../src/index.ts';
import type { CofferResult, RunOptions, Vault } from '../src/index.ts';

jest.setTimeout(600_000);

type Run = (args: readonly string[], options?: RunOptions) => Promise<CofferResult>;

/** A machine whose keys are sealed under a password that lies in a file of it. */
async function machine(vault: Vault, name: string, password: string): Promise<{ coffer: Coffer; run: Run }> {
  const home = await vault.folder.folder(name);
  const coffer = new Coffer(home);
  const secret = join(home, 'password');
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const run: Run = (args, options = {}) =>
    coffer.run([...args, '--json'], { ...options, env: { COFFER_PASSWORD_FILE: secret, ...options.env } });
  return { coffer, run };
}

async function adminOf(vault: Vault): Promise<Run> {
  const { run } = await machine(vault, 'admin-full', vault.admin.password ?? '');
  expect((await run(['login', vault.admin.invite])).exitCode).toBe(0);
  return run;
}

const good = 'three lamps under seven bridges';
const better = 'eleven kites above the harbour';

test('sync without a folder takes the one that the account is meant for, with a yes, to push it, below the home', async () => {
  await using vault = await startVault();
  const { device } = await vault.addPerson('alice', ['--folder', '~/papers']);
  const home = await vault.folder.folder('her home');
  const sync = (...args: readonly string[]) => device.run(['sync', ...args, '--json'], { env: { HOME: home } });
  expect(await sync('--yes')).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });
  mkdirSync(join(home, 'papers'));
  writeFileSync(join(home, 'papers', 'deed.txt'), 'the deed');
  expect(await sync()).toMatchObject({ error: { code: 'CANCELLED' } });
  expect(await sync('--yes', '--mode', 'two-way')).toMatchObject({ exitCode: 2, error: { code: 'INVALID' } });
  expect(await sync('--yes')).toMatchObject({ exitCode: 0, json: { sent: 1 } });
  expect((await device.run(['cat', '/papers/deed.txt'])).stdout).toBe('the deed');
  expect(await vault.user.device.run(['sync', '--json'])).toMatchObject({ exitCode: 2, error: { code: 'INVALID' } });
  const outside = await vault.addPerson('bob', ['--folder', '/etc']);
  const refused = await outside.device.run(['sync', '--yes', '--json']);
  expect(refused).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
});

test('somebody registers with an invite, once, under a name of their own', async () => {
  await using vault = await startVault();
  const admin = await adminOf(vault);
  const alice = await machine(vault, 'alice', good);

  const made = await admin(['admin', 'invite', '--quota', '1GiB']);
  const { invite, id } = made.json as { invite: string; id: string };
  expect(await alice.run(['login', invite])).toMatchObject({ exitCode: 2, error: { code: 'INVALID' } });
  expect(await alice.run(['register', invite])).toMatchObject({ exitCode: 2 });
  for (const [name, code, exitCode] of [
    ['user', 'EXISTS', 5],
    ['USER', 'EXISTS', 5],
    ['us\u0435r', 'INVALID', 2],
    ['al\u200Dice', 'INVALID', 2],
    ['al ice', 'INVALID', 2],
  ] as const)
    expect(await alice.run(['register', invite, '--username', name])).toMatchObject({ exitCode, error: { code } });
  expect((await admin(['admin', 'invites'])).json).toMatchObject([{ id, state: 'open' }]);

  const registered = await alice.run(['register', invite, '--username', 'Alice', '--device-name', 'laptop']);
  expect(registered).toMatchObject({ exitCode: 0, json: { username: 'Alice', role: 'user', recovery: true } });
  expect((await alice.run(['usage'])).json).toMatchObject({ quotaBytes: 1024 ** 3 });
  expect((await admin(['admin', 'invites'])).json).toMatchObject([{ id, state: 'used' }]);
  const bob = await machine(vault, 'bob', good);
  expect(await bob.run(['register', invite, '--username', 'bob'])).toMatchObject({
    exitCode: 4,
    error: { code: 'EXPIRED' },
  });

  // What she stores she reads on another machine, with the password that only she knows.
  writeFileSync(join(alice.coffer.home, 'a.txt'), 'hers');
  expect((await alice.run(['put', join(alice.coffer.home, 'a.txt'), '/a.txt'])).exitCode).toBe(0);
  const named = (await admin(['admin', 'invite', '--username', 'carol', '--valid', '1h'])).json as { invite: string };
  expect(await bob.run(['register', named.invite, '--username', 'bob'])).toMatchObject({ exitCode: 6 });
  const [one, two] = await Promise.all([
    bob.run(['register', named.invite]),
    (await machine(vault, 'carol-2', better)).run(['register', named.invite]),
  ]);
  expect([one.exitCode, two.exitCode].toSorted((a, b) => a - b)).toEqual([0, 4]);

  const withdrawn = (await admin(['admin', 'invite'])).json as { invite: string; id: string };
  expect((await admin(['admin', 'invites', 'revoke', withdrawn.id])).exitCode).toBe(0);
  const dave = await machine(vault, 'dave', good);
  expect(await dave.run(['register', withdrawn.invite, '--username', 'dave'])).toMatchObject({ exitCode: 4 });
  expect(await dave.run(['register', invite.replace('coffer1-', 'coffer1-A'), '--username', 'dave'])).toMatchObject({
    exitCode: 2,
  });
});

test('names, roles and states of accounts change from afar and beside the daemon', async () => {
  await using vault = await startVault();
  const admin = await adminOf(vault);
  const here: Run = (args) => vault.machine.run([...args, '--storage', vault.storage, '--json']);
  const user = await machine(vault, 'user-full', vault.user.password ?? '');
  const login = await user.run(['login', vault.user.invite, '--device-name', 'desk']);
  expect(login).toMatchObject({ exitCode: 0, json: { mustChange: true } });

  expect(await user.run(['username', 'change', 'Ursula'])).toMatchObject({ exitCode: 0 });
  expect((await user.run(['status'])).exitCode).toBe(0);
  expect((await user.run(['whoami'])).json).toMatchObject({ username: 'Ursula' });
  expect(await vault.user.device.run(['username', 'change', 'x', '--json'])).toMatchObject({ exitCode: 6 });
  expect(await user.run(['username', 'change', 'ADMIN'])).toMatchObject({ exitCode: 5 });

  for (const run of [admin, here]) {
    expect(await run(['admin', 'user', 'show', 'ursula'])).toMatchObject({
      exitCode: 0,
      json: { username: 'Ursula', state: 'active', mustChange: true, devices: [{}, { name: 'desk' }] },
    });
    expect((await run(['admin', 'user', 'suspend', 'ursula'])).exitCode).toBe(0);
    expect(await user.run(['ls'])).toMatchObject({ exitCode: 3 });
    expect((await run(['admin', 'user', 'resume', 'ursula'])).exitCode).toBe(0);
    expect((await user.run(['ls'])).exitCode).toBe(0);
    expect((await run(['admin', 'user', 'role', 'ursula', 'admin'])).exitCode).toBe(0);
    expect((await run(['admin', 'user', 'role', 'ursula', 'user'])).exitCode).toBe(0);
    expect(await run(['admin', 'user', 'role', 'admin', 'user'])).toMatchObject({
      exitCode: 6,
      error: { code: 'NOT_ALLOWED', message: 'this is the last administrator' },
    });
    expect(await run(['admin', 'user', 'show', 'nobody'])).toMatchObject({ exitCode: 4 });
    expect(await run(['admin', 'user', 'remove', 'ursula'])).toMatchObject({ exitCode: 130 });
  }
  expect((await user.run(['ls'])).exitCode).toBe(0);
  expect((await admin(['admin', 'user', 'remove', 'ursula', '--yes'])).exitCode).toBe(0);
  expect(await user.run(['ls'])).toMatchObject({ exitCode: 3 });
  expect(await user.run(['login', vault.user.invite, '--profile', 'again'])).toMatchObject({ exitCode: 3 });
  expect((await admin(['admin', 'user', 'list'])).json).toMatchObject([{ username: 'admin' }]);
  // Nothing in the logs but ids.
  const logs = readFileSync(join(vault.logs, logFileOf(vault)), 'utf8');
  expect(logs).not.toMatch(/ursula/i);
});

function logFileOf(vault: Vault): string {
  return readdirSync(vault.logs).find((name) => name.startsWith('admin')) ?? 'admin';
}

test('a password is changed at once when an administrator had chosen it, then with an approval', async () => {
  await using vault = await startVault();
  const admin = await adminOf(vault);
  const user = await machine(vault, 'user-full', vault.user.password ?? '');
  expect((await user.run(['login', vault.user.invite])).exitCode).toBe(0);
  writeFileSync(join(user.coffer.home, 'a.txt'), 'kept');
  expect((await user.run(['put', join(user.coffer.home, 'a.txt'), '/a.txt'])).exitCode).toBe(0);

  const change = (password: string, old: string) => {
    writeFileSync(join(user.coffer.home, 'password'), `${old}\n`);
    return user.run(['password', 'change', '--password-stdin'], { input: `${password}\n` });
  };
  expect(await change('short', vault.user.password ?? '')).toMatchObject({ exitCode: 2 });
  expect(await change(good, vault.user.password ?? '')).toMatchObject({
    exitCode: 0,
    json: { state: 'in-force', recovery: true },
  });
  expect(await user.run(['ls'])).toMatchObject({ exitCode: 3 });
  expect(await change(better, good)).toMatchObject({ exitCode: 0, json: { state: 'requested' } });
  const again = (password: string, profile: string) =>
    user.coffer.run(['login', vault.user.invite, '--profile', profile, '--password-stdin', '--json'], {
      input: `${password}\n`,
    });
  expect(await again(better, 'early')).toMatchObject({ exitCode: 3, error: { code: 'REFUSED' } });

  const waiting = (await admin(['admin', 'requests'])).json as { request: string; username: string; kind: string }[];
  expect(waiting).toMatchObject([{ username: 'user', kind: 'password-change', state: 'open' }]);
  const [first] = waiting;
  expect(await user.run(['admin', 'requests'])).toMatchObject({ exitCode: 6 });
  expect((await admin(['admin', 'requests', 'reject', first?.request ?? '', '--reason', 'call me'])).exitCode).toBe(0);
  expect(await admin(['admin', 'requests', 'approve', first?.request ?? ''])).toMatchObject({ exitCode: 5 });
  expect((await user.run(['password', 'requests'])).json).toMatchObject([{ state: 'rejected', reason: 'call me' }]);

  expect(await change(better, good)).toMatchObject({ exitCode: 0, json: { state: 'requested' } });
  const [second] = (await admin(['admin', 'requests'])).json as { request: string }[];
  const both = await Promise.all([
    admin(['admin', 'requests', 'approve', second?.request ?? '']),
    vault.machine.run(['admin', 'requests', 'approve', second?.request ?? '', '--storage', vault.storage, '--json']),
  ]);
  expect(both.map(({ exitCode }) => exitCode).toSorted((a, b) => a - b)).toEqual([0, 5]);
  expect(await again(good, 'late')).toMatchObject({ exitCode: 3 });
  const other = await again(better, 'new');
  expect(other).toMatchObject({ exitCode: 0, json: { mustChange: false } });
  // The keys of this device open with either until the new one was used.
  expect((await user.run(['cat', '/a.txt'])).stdout).toBe('kept');
  writeFileSync(join(user.coffer.home, 'password'), `${better}\n`);
  expect((await user.run(['cat', '/a.txt'])).stdout).toBe('kept');
  writeFileSync(join(user.coffer.home, 'password'), `${good}\n`);
  expect(await user.run(['cat', '/a.txt'])).toMatchObject({ exitCode: 3 });
});

test('a lost password is replaced with the recovery key, and the data is what it was', async () => {
  await using vault = await startVault();
  const here: Run = (args) => vault.machine.run([...args, '--storage', vault.storage, '--json']);
  const old = await machine(vault, 'old', vault.user.password ?? '');
  expect((await old.run(['login', vault.user.invite])).exitCode).toBe(0);
  writeFileSync(join(old.coffer.home, 'a.txt'), 'kept');
  expect((await old.run(['put', join(old.coffer.home, 'a.txt'), '/a.txt'])).exitCode).toBe(0);

  const found = await machine(vault, 'found', better);
  const ask = () => found.run(['password', 'reset-request', vault.user.invite]);
  expect(await found.run(['password', 'reset'])).toMatchObject({ exitCode: 4 });
  expect(
    await found.run(['password', 'reset-request', `user@127.0.0.1:${vault.daemon.port}`, '--trust-first-use']),
  ).toMatchObject({
    exitCode: 9,
    error: { code: 'UNTRUSTED_SERVER' },
  });
  const asked = (await ask()).json as { words: string[] };
  expect(asked.words).toHaveLength(12);
  expect((await ask()).json).toEqual(asked);
  expect((await found.run(['password', 'reset'])).json).toMatchObject({ state: 'open', words: asked.words });

  // The administrator away from the authority's keys can only reject.
  const admin = await adminOf(vault);
  const [first] = (await admin(['admin', 'requests'])).json as { request: string }[];
  const id = first?.request ?? '';
  expect(await admin(['admin', 'requests', 'approve', id, '--yes'])).toMatchObject({
    exitCode: 4,
    error: { code: 'NOT_FOUND' },
  });
  expect(await here(['admin', 'requests', 'approve', id])).toMatchObject({
    exitCode: 6,
    error: { message: 'nothing was approved' },
  });
  expect(await here(['admin', 'requests', 'approve', id, '--yes'])).toMatchObject({
    exitCode: 0,
    json: { state: 'approved', words: asked.words },
  });
  expect(await found.run(['password', 'reset'])).toMatchObject({ exitCode: 0, json: { state: 'approved' } });
  expect((await old.run(['notifications'])).json).toContainEqual(expect.objectContaining({ kind: 'recovery-started' }));
  // An unattended device may be a thief's: it keeps nobody from a new password.
  expect(await vault.user.device.run(['password', 'cancel', '--json'])).toMatchObject({ exitCode: 6 });
  expect((await old.run(['password', 'cancel'])).json).toEqual({ cancelled: 1 });
  expect(await found.run(['password', 'reset'])).toMatchObject({ exitCode: 5 });
  expect(await here(['admin', 'requests', 'approve', id.slice(0, 8), '--yes'])).toMatchObject({ exitCode: 5 });

  const again = (await ask()).json as { words: string[] };
  expect(again.words).not.toEqual(asked.words);
  const waiting = (await here(['admin', 'requests'])).json as { request: string; state: string }[];
  const open = waiting.filter(({ state }) => state === 'open');
  expect(open).toHaveLength(1);
  const approve = ['admin', 'requests', 'approve', open[0]?.request ?? '', '--verified-in-person', '--yes'];
  expect(await here(approve)).toMatchObject({ exitCode: 0, json: { words: again.words } });
  const set = await found.run(['password', 'reset', '--password-stdin'], { input: `${better}\n` });
  expect(set).toMatchObject({ exitCode: 0, json: { state: 'done', username: 'user', recovery: true } });
  expect(await found.run(['cat', '/a.txt'])).toMatchObject({ stdout: 'kept', stderr: '' });
  const late = await old.coffer.run(['login', vault.user.invite, '--profile', 'late', '--password-stdin', '--json'], {
    input: `${vault.user.password}\n`,
  });
  expect(late).toMatchObject({ exitCode: 3 });
  const logs = readdirSync(vault.logs)
    .map((name) => readFileSync(join(vault.logs, name), 'utf8'))
    .join('');
  for (const secret of [better, vault.user.password ?? '-', again.words.join(' ')]) expect(logs).not.toContain(secret);
});
