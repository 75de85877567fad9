import { expect, jest, test } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Coffer, startVault } from '../src/index.ts';
import type { Credentials, Vault } from '../src/index.ts';

jest.setTimeout(300_000);

interface Status {
  readonly generation: number;
  readonly tasks: readonly { readonly task: string; readonly last: { readonly status: string } | null }[];
  readonly backups: { readonly count: number; readonly newestMs: number | null };
  readonly accounts: { readonly count: number; readonly storedBytes: number };
}

/** The administrator on a machine of their own, with the keys of a full device. */
async function logIn(vault: Vault, { username, password, invite }: Credentials) {
  const home = await vault.folder.folder(`${username}-full`);
  const coffer = new Coffer(home);
  const secret = join(home, 'password');
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const env = { COFFER_PASSWORD_FILE: secret };
  expect((await coffer.run(['login', invite], { env })).exitCode).toBe(0);
  return (args: readonly string[]) => coffer.run([...args, '--json'], { env });
}

/** The daemon takes them into its log when it looks. */
async function untilLogged(vault: Vault, event: string, count: number): Promise<void> {
  while (linesHere(vault, event).length < count) await setTimeout(200);
}

/** Lines of the security log about what was done on the server itself. */
function linesHere(vault: Vault, event: string): string[] {
  const files = readdirSync(vault.logs).filter((name) => name.startsWith('admin.'));
  const lines = files.flatMap((name) => readFileSync(join(vault.logs, name), 'utf8').trim().split('\n'));
  return lines
    .map((line) => JSON.parse(line) as Record<string, string>)
    .filter((line) => line['event'] === event && line['address'] === 'local')
    .map((line) => `${line['phase']} ${line['status']}`);
}

test('an administrator looks after the server from afar and on it; nobody else does', async () => {
  await using vault = await startVault();
  const source = await vault.folder.folder('source');
  writeFileSync(join(source, 'a.bin'), Buffer.alloc(50_000, 'a'));
  await vault.user.device.json(['sync', source, '/s']);
  const admin = await logIn(vault, vault.admin);
  const env = { COFFER_QUOTA_DEFAULT: '3MiB' };
  const here = (args: readonly string[]) => vault.machine.run([...args, '--storage', vault.storage, '--json'], { env });

  for (const run of [admin, here]) {
    const backup = await run(['admin', 'backup']);
    expect(backup).toMatchObject({ exitCode: 0, json: { verified: true, accounts: 2 } });
    const status = (await run(['admin', 'status'])).json as Status;
    expect(status).toMatchObject({ generation: 1, accounts: { count: 2 } });
    expect(status.accounts.storedBytes).toBeGreaterThan(0);
    expect(status.tasks.map(({ task }) => task)).toEqual(['collect', 'accountsBackup', 'scrub']);
    expect((await run(['admin', 'user', 'list'])).json).toMatchObject([{ username: 'admin' }, { username: 'user' }]);
  }
  expect(await admin(['admin', 'collect'])).toMatchObject({ exitCode: 0, json: { chunks: 0 } });
  expect(await admin(['admin', 'scrub'])).toMatchObject({ exitCode: 0, json: { clean: true } });
  expect(await admin(['admin', 'recount'])).toMatchObject({ exitCode: 0, json: [] });
  expect(await here(['admin', 'collect'])).toMatchObject({ exitCode: 5, error: { code: 'LOCKED' } });

  // In force at once, and lifted at once.
  expect((await admin(['admin', 'user', 'quota', 'user', '10KiB'])).exitCode).toBe(0);
  writeFileSync(join(source, 'b.bin'), crypto.getRandomValues(new Uint8Array(60_000)));
  expect((await vault.user.device.run(['put', join(source, 'b.bin'), '/b', '--json'])).exitCode).toBe(7);
  expect((await here(['admin', 'user', 'quota', 'user', 'none', '--largest-file', '1KiB'])).exitCode).toBe(0);
  expect((await vault.user.device.run(['put', join(source, 'b.bin'), '/b', '--json'])).exitCode).not.toBe(0);
  expect((await here(['admin', 'user', 'quota', 'user', 'none', '--largest-file', 'none'])).exitCode).toBe(0);
  expect((await vault.user.device.run(['put', join(source, 'b.bin'), '/b', '--json'])).exitCode).toBe(0);

  // What is done on the server itself leaves its lines too.
  const provision = ['--certs', vault.certs, '--host', '127.0.0.1', '--port', '1', '--generate'];
  expect((await here(['admin', 'user', 'add', 'third', ...provision])).exitCode).toBe(0);
  expect((await here(['admin', 'user', 'add', 'fourth', '--quota', 'none', ...provision])).exitCode).toBe(0);
  const users = (await here(['admin', 'user', 'list'])).json as readonly { readonly quotaBytes: number | null }[];
  expect(users.map(({ quotaBytes }) => quotaBytes)).toEqual([null, null, 3 * 1024 * 1024, null]);
  // These two, and the user that the scenario began with.
  await untilLogged(vault, 'admin.userAdd', 6);
  expect(linesHere(vault, 'admin.userAdd')).toEqual([1, 2, 3].flatMap(() => ['start OK', 'end OK']));
  expect(linesHere(vault, 'admin.userQuota')).toHaveLength(4);
  expect(linesHere(vault, 'admin.collect')).toEqual([]);

  const user = await logIn(vault, vault.user);
  expect(await user(['admin', 'status'])).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
  // An unattended machine of an administrator.
  expect(await vault.admin.device.run(['admin', 'status', '--json'])).toMatchObject({ exitCode: 6 });
});

test('an administrator sees who shares with whom, and what an account did', async () => {
  await using vault = await startVault();
  const [alice, bob] = [await vault.addPerson('alice'), await vault.addPerson('bob')];
  await alice.device.json(['mkdir', '/docs']);
  const file = vault.folder.join('plan.bin');
  writeFileSync(file, crypto.getRandomValues(new Uint8Array(60_000)));
  await alice.device.json(['put', file, '/docs']);
  const admin = await logIn(vault, vault.admin);
  expect((await admin(['admin', 'shares'])).json).toEqual([]);
  await alice.device.json(['share', '/docs', 'bob', '--write']);

  const shares = [{ owner: 'alice', username: 'bob', role: 'write', kind: 'share' }];
  expect((await admin(['admin', 'shares'])).json).toMatchObject(shares);
  expect((await admin(['admin', 'shares', 'alice'])).json).toMatchObject(shares);
  expect((await admin(['admin', 'shares', 'bob'])).json).toEqual([]);
  expect(await admin(['admin', 'shares', 'nobody'])).toMatchObject({ exitCode: 4 });
  expect(await alice.device.run(['admin', 'shares', 'alice', '--json'])).toMatchObject({ exitCode: 6 });

  const here = ['--storage', vault.storage, '--logs', vault.logs];
  for (const place of [[], here]) {
    const activity = await admin(['admin', 'activity', 'alice', ...place]);
    expect(activity).toMatchObject({ exitCode: 0, json: { username: 'alice', addresses: ['127.0.0.1'] } });
    const { days } = activity.json as { days: { sentBytes: number; sharing: number; denied: number }[] };
    // Two days when it is about midnight.
    const sum = (of: keyof (typeof days)[number]) => days.reduce((all, day) => all + day[of], 0);
    expect([sum('sharing'), sum('denied')]).toEqual([1, 1]);
    expect(sum('sentBytes')).toBeGreaterThan(60_000);
  }
  expect((await admin(['admin', 'activity', 'bob', '--since', '2999-01-01'])).json).toMatchObject({ days: [] });
  expect(await admin(['admin', 'activity', 'nobody'])).toMatchObject({ exitCode: 4 });
  expect(await bob.device.run(['admin', 'activity', 'bob', '--json'])).toMatchObject({ exitCode: 6 });
});
