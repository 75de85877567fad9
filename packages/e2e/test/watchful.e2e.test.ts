import { expect, jest, test } from '@jest/globals';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { Coffer, startVault } from '../src/index.ts';
import type { Child, CofferResult, Credentials, Vault } from '../src/index.ts';

jest.setTimeout(300_000);

type Run = (args: readonly string[]) => Promise<CofferResult>;

interface FullDevice {
  readonly run: Run;
  readonly start: (args: readonly string[]) => Child;
}

/** A machine of the person's own: its keys lie under their password. */
async function fullDevice(
  vault: Vault,
  { username, password, invite }: Credentials,
  name: string,
): Promise<FullDevice> {
  const home = await vault.folder.folder(`${username}-${name}`);
  const coffer = new Coffer(home);
  const secret = join(home, 'password');
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const env = { COFFER_PASSWORD_FILE: secret };
  const logged = await coffer.run(['login', invite, '--device-name', name, '--json'], { env });
  expect(logged).toMatchObject({ exitCode: 0 });
  return {
    run: (args) => coffer.run([...args, '--json'], { env }),
    start: (args) => coffer.start([...args, '--json'], { env }),
  };
}

interface Told {
  readonly id: number;
  readonly kind: string;
  readonly text: string;
  readonly read: boolean;
}

const told = async ({ run }: FullDevice): Promise<readonly Told[]> => (await run(['notifications'])).json as Told[];

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

interface Verified {
  readonly whole: boolean;
  readonly categories: readonly { readonly category: string; readonly problem: { readonly kind: string } | null }[];
}

const problemsOf = ({ json }: CofferResult) =>
  (json as Verified).categories.flatMap(({ category, problem }) => (problem ? [`${category} ${problem.kind}`] : []));

const logFile = (vault: Vault, category: string): string => {
  const names = readdirSync(vault.logs).filter((name) => name.startsWith(`${category}.`));
  return join(vault.logs, names.toSorted().at(-1) ?? '');
};

test('what happens to an account is told on all its devices, and to the administrator what happens to the server', async () => {
  await using vault = await startVault();
  const admin = await fullDevice(vault, vault.admin, 'desk');
  const laptop = await fullDevice(vault, vault.user, 'laptop');
  await fullDevice(vault, vault.user, 'phone');

  // Every device that signs in is told to the others, by the name that the identity chain certifies.
  expect((await told(laptop)).map(({ kind, text, read }) => [kind, text, read]).slice(0, 2)).toEqual([
    ['new-device', 'a new device signed in: phone', false],
    ['new-device', 'a new device signed in: laptop', false],
  ]);
  const [newest] = await told(laptop);
  expect((await laptop.run(['notifications', 'read', String(newest?.id)])).exitCode).toBe(0);
  expect((await told(laptop)).map(({ read }) => read).slice(0, 2)).toEqual([true, false]);
  expect((await laptop.run(['notifications', 'read', 'all'])).exitCode).toBe(0);
  expect((await told(laptop)).every(({ read }) => read)).toBe(true);
  expect(await laptop.run(['notifications', 'read', '4711'])).toMatchObject({ exitCode: 4 });
  expect(await laptop.run(['notifications', 'read'])).toMatchObject({ exitCode: 2 });
  // An unattended machine has none.
  expect(await vault.user.device.run(['notifications', '--json'])).toMatchObject({ exitCode: 6 });

  // Somebody guesses at the password.
  const stranger = new Coffer(await vault.folder.folder('stranger'));
  for (let n = 0; n < 3; n += 1) {
    const guess = ['login', vault.user.invite, '--password-stdin', '--json'];
    expect((await stranger.run(guess, { input: 'not the password\n' })).exitCode).toBe(3);
  }
  await setTimeout(3000);
  expect((await told(laptop))[0]).toMatchObject({ kind: 'failed-logins', read: false });
  expect((await told(admin)).map(({ kind }) => kind)).toContain('alert');
  const alerts = (await admin.run(['admin', 'alerts'])).json as { id: number; kind: string; username: string }[];
  expect(alerts.map(({ kind, username }) => [kind, username])).toContainEqual(['failed-logins', 'user']);
  expect((await admin.run(['admin', 'alerts', 'ack', String(alerts[0]?.id)])).exitCode).toBe(0);
  const [first] = (await admin.run(['admin', 'alerts'])).json as unknown[];
  expect(first).toMatchObject({ id: alerts[0]?.id, acknowledged: { by: 'admin' } });
  expect(await laptop.run(['admin', 'alerts'])).toMatchObject({ exitCode: 6 });

  // Who is connected, and out with them.
  await using following = admin.start(['admin', 'logs', '--follow']);
  await following.line(/session\.prove/, { timeoutMs: 30_000 });
  const sessions = (await admin.run(['admin', 'sessions'])).json as { id: string }[];
  expect(sessions[0]).toMatchObject({ username: 'admin', device: 'desk', kind: 'control' });
  expect((await admin.run(['admin', 'sessions', 'end', sessions[0]?.id ?? ''])).exitCode).toBe(0);
  expect(await following.finished).toMatchObject({ exitCode: 3 });
  expect(await admin.run(['admin', 'sessions', 'end', sessions[0]?.id ?? ''])).toMatchObject({ exitCode: 4 });
});

test('the audit log: read, followed, verified; cut, rewritten and taken back, each is found', async () => {
  await using vault = await startVault();
  const admin = await fullDevice(vault, vault.admin, 'desk');
  const here = (args: readonly string[]) =>
    vault.machine.run([...args, '--storage', vault.storage, '--logs', vault.logs, '--json']);

  // The same lines from afar and on the server, in the order of time.
  const afar = linesOf((await admin.run(['admin', 'logs', '--since', '1h', '--account', 'user'])).stdout);
  expect(afar.map(({ event }) => event)).toEqual(expect.arrayContaining(['session.loginFinish', 'device.enroll']));
  const times = afar.map(({ time }) => Date.parse(time as string));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  // By the account, or to it: that it was made is a line of the server's machine.
  const [user] = afar.flatMap(({ account: by }) => (typeof by === 'string' ? [by] : []));
  expect(afar.every(({ account: by, subject }) => by === user || subject === user)).toBe(true);
  const local = linesOf((await here(['admin', 'logs', '--account', 'user'])).stdout);
  expect(local.slice(0, afar.length)).toEqual(afar);
  const account = linesOf((await admin.run(['admin', 'logs', '--category', 'account'])).stdout);
  expect(new Set(account.map(({ category }) => category))).toEqual(new Set(['account']));
  expect(await admin.run(['admin', 'logs', '--account', 'nobody'])).toMatchObject({ exitCode: 4 });

  // Whoever follows sees what comes.
  await using following = admin.start(['admin', 'logs', '--follow', '--category', 'transfer']);
  await setTimeout(1000);
  const file = await vault.folder.folder('files');
  writeFileSync(join(file, 'a'), 'content');
  await vault.user.device.json(['put', join(file, 'a'), '/a']);
  await following.line(/vault\.append/, { timeoutMs: 30_000 });

  for (const run of [admin.run, here]) {
    const verified = await run(['admin', 'verify-audit']);
    expect([verified.exitCode, problemsOf(verified)]).toEqual([0, []]);
  }

  // Killed between a line and its head, with a line half written: nothing is wrong with that.
  await vault.user.device.json(['put', join(file, 'a'), '/b']);
  await vault.daemon.kill9();
  appendFileSync(logFile(vault, 'auth'), '{"time":"20');
  expect(await here(['admin', 'verify-audit'])).toMatchObject({ exitCode: 0 });
  await vault.daemon.restart();
  expect(await admin.run(['admin', 'verify-audit'])).toMatchObject({ exitCode: 0 });

  // A stopped server's log and heads, put back later: whole to the server, not to the administrator's device.
  await vault.daemon.stop();
  const backup = {
    auth: readFileSync(logFile(vault, 'auth')),
    accounts: readFileSync(join(vault.storage, 'accounts.db')),
    mark: readFileSync(join(vault.storage, 'accounts.mark')),
  };
  await vault.daemon.restart();
  await vault.user.device.json(['ls', '/']);
  expect(await admin.run(['admin', 'verify-audit'])).toMatchObject({ exitCode: 0 });
  await vault.daemon.stop();
  writeFileSync(logFile(vault, 'auth'), backup.auth);
  writeFileSync(join(vault.storage, 'accounts.db'), backup.accounts);
  writeFileSync(join(vault.storage, 'accounts.mark'), backup.mark);
  expect(await here(['admin', 'verify-audit'])).toMatchObject({ exitCode: 0 });
  await vault.daemon.restart();
  const takenBack = await admin.run(['admin', 'verify-audit']);
  expect([takenBack.exitCode, (takenBack.json as { categories: object[] }).categories]).toEqual([
    9,
    expect.arrayContaining([expect.objectContaining({ category: 'auth', known: 'other', problem: null })]),
  ]);
  expect(await admin.run(['admin', 'verify-audit', '--accept'])).toMatchObject({ exitCode: 9 });
  expect(await admin.run(['admin', 'verify-audit'])).toMatchObject({ exitCode: 0 });

  // One word in the middle; and an end that was cut off while no daemon ran, which the server notices by itself.
  await vault.daemon.stop();
  const text = readFileSync(logFile(vault, 'account'), 'utf8');
  writeFileSync(logFile(vault, 'account'), text.replace('127.0.0.1', '127.0.0.2'));
  const auth = readFileSync(logFile(vault, 'auth'), 'utf8');
  writeFileSync(logFile(vault, 'auth'), `${auth.split('\n').slice(0, -3).join('\n')}\n`);
  expect(problemsOf(await here(['admin', 'verify-audit']))).toEqual(['auth truncated', 'account altered']);
  await vault.daemon.restart();
  const found = await admin.run(['admin', 'verify-audit']);
  expect([found.exitCode, problemsOf(found)]).toEqual([9, ['auth missing', 'account altered']]);
  const alerts = (await admin.run(['admin', 'alerts'])).json as { kind: string }[];
  expect(alerts.map(({ kind }) => kind)).toContain('audit-changed');
});
