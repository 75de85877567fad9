import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Coffer, startVault } from '../src/index.ts';
import type { CofferResult, Person, Vault } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
jest.setTimeout(600_000);

let vault: Vault;
let alice: Person;
let bob: Person;
let admin: Coffer;

beforeAll(async () => {
  vault = await startVault();
  [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
  admin = await vault.ownDevice(vault.admin);
  await alice.device.json(['mkdir', '-p', '/docs/deep']);
  await put(alice.device, '/docs/plan.txt', 'the plan');
  await alice.device.json(['mkdir', '/other']);
});

afterAll(() => vault?.[Symbol.asyncDispose]());

const put = (device: Coffer, path: string, text: string): Promise<CofferResult> =>
  device.run(['put', '-', path, '--json'], { input: text });

/** What happened in one line, and what to do in another. */
async function expectRefused(
  device: Coffer,
  args: readonly string[],
  { code, exitCode, input }: { code: string; exitCode: number; input?: string },
): Promise<void> {
  const { error, ...ended } = await device.run([...args, '--json'], input === undefined ? {} : { input });
  expect({ args, code: error?.code, exitCode: ended.exitCode }).toEqual({ args, code, exitCode });
  expect(error?.message).toMatch(/^[^\n]+$/);
  expect(error?.hint).toMatch(/^[^\n]+$/);
  // Also on a terminal nothing of what was typed is a command to it.
  expect(error?.message).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
}

const state = async (): Promise<unknown> => ({
  shares: await alice.device.json(['shares']),
  files: await alice.device.json(['ls', '-R', '/']),
});

test('sharing what or with whom is not possible', async () => {
  const before = await state();
  const share = (...args: readonly string[]) => ['share', ...args];
  const cases = [
    [share('/docs', 'nobody'), 'NOT_FOUND', 4],
    [share('/docs', 'alice'), 'INVALID', 2],
    [share('/docs', 'team:nobody'), 'NOT_FOUND', 4],
    [share('/', 'bob'), 'INVALID', 2],
    [share('/gone', 'bob'), 'NOT_FOUND', 4],
    [share('/docs/gone.txt', 'bob'), 'NOT_FOUND', 4],
    [share('/Shared', 'bob'), 'INVALID', 2],
    [share('/docs', 'b\u043Eb'), 'NOT_FOUND', 4],
    [share('/docs', 'bob\u202E'), 'INVALID', 2],
    [share('/docs', 'bob\u001b[2J'), 'INVALID', 2],
    [['unshare', '/docs', 'bob'], 'NOT_FOUND', 4],
    [['verify-person', 'nobody'], 'NOT_FOUND', 4],
    [['verify-person', 'alice'], 'INVALID', 2],
  ] as const;
  for (const [args, code, exitCode] of cases) await expectRefused(alice.device, args, { code, exitCode });
  expect(await state()).toEqual(before);
});

test('twice, a path inside a share, somebody else’s share, and what a share does not allow', async () => {
  await alice.device.json(['share', '/docs', 'bob']);
  const before = await state();
  await expectRefused(alice.device, ['share', '/docs', 'bob'], { code: 'EXISTS', exitCode: 5 });
  await expectRefused(alice.device, ['share', '/docs/deep', 'bob'], { code: 'INVALID', exitCode: 2 });
  await expectRefused(bob.device, ['share', '/Shared/alice/docs', 'admin'], { code: 'INVALID', exitCode: 2 });
  await expectRefused(bob.device, ['put', '-', '/Shared/alice/docs/x'], {
    code: 'NOT_ALLOWED',
    exitCode: 6,
    input: 'x',
  });
  await expectRefused(bob.device, ['rm', '/Shared/alice/docs/plan.txt'], { code: 'NOT_ALLOWED', exitCode: 6 });
  await expectRefused(bob.device, ['mkdir', '/Shared/alice/new'], { code: 'INVALID', exitCode: 2 });
  expect(await state()).toEqual(before);
});

test('a member who writes beyond the quota of the owner', async () => {
  await alice.device.json(['share', '/docs', 'bob', '--write']);
  await admin.json(['admin', 'user', 'quota', 'alice', '1KiB']);
  const before = await state();
  await expectRefused(bob.device, ['put', '-', '/Shared/alice/docs/big.bin'], {
    code: 'QUOTA',
    exitCode: 7,
    input: 'much '.repeat(100_000),
  });
  await put(alice.device, '/other/note.txt', 'beyond as well');
  expect(await state()).toEqual(before);
  await admin.json(['admin', 'user', 'quota', 'alice', 'none']);
  expect(await put(bob.device, '/Shared/alice/docs/big.bin', 'room again')).toMatchObject({ exitCode: 0 });
});

test('the last administrator stays one', async () => {
  const users = await admin.json(['admin', 'user', 'list']);
  for (const args of [
    ['remove', 'admin', '--yes'],
    ['suspend', 'admin'],
    ['role', 'admin', 'user'],
  ])
    await expectRefused(admin, ['admin', 'user', ...args], { code: 'NOT_ALLOWED', exitCode: 6 });
  expect(await admin.json(['admin', 'user', 'list'])).toEqual(users);
});

test('a request that was decided, withdrawn, or is too old, and one that is none', async () => {
  // The first change replaces what an administrator chose.
  await changePassword('three lamps under seven bridges');
  await changePassword('eleven kites above the harbour');
  const id = await waiting();
  await admin.json(['admin', 'requests', 'reject', id]);
  await expectRefused(admin, ['admin', 'requests', 'approve', id], { code: 'CONFLICT', exitCode: 5 });
  await expectRefused(admin, ['admin', 'requests', 'reject', id], { code: 'CONFLICT', exitCode: 5 });
  await changePassword('eleven kites above the harbour');
  const withdrawn = await waiting();
  await bob.device.json(['password', 'cancel']);
  await expectRefused(admin, ['admin', 'requests', 'approve', withdrawn], { code: 'CONFLICT', exitCode: 5 });
  await changePassword('eleven kites above the harbour');
  const old = await waiting();
  inDatabase(`UPDATE requests SET expires_at_ms = 1 WHERE state = 'open'`);
  await expectRefused(admin, ['admin', 'requests', 'approve', old], { code: 'EXPIRED', exitCode: 4 });
  await expectRefused(admin, ['admin', 'requests', 'approve', 'f'.repeat(32)], { code: 'NOT_FOUND', exitCode: 4 });
  // The password is the first one still.
  expect(await bob.device.run(['ls', '/'])).toMatchObject({ exitCode: 0 });
});

test('an invite that was used, has expired, was withdrawn, or is none; names that read like others', async () => {
  const { invite } = await admin.json<{ invite: string }>(['admin', 'invite']);
  const fresh = async (): Promise<Coffer> =>
    new Coffer(await vault.folder.folder('devices', `fresh-${crypto.randomUUID()}`));
  const register = async (token: string, name: string, refusal: { code: string; exitCode: number }): Promise<void> => {
    const args = ['register', token, '--username', name, '--password-stdin'];
    await expectRefused(await fresh(), args, { ...refusal, input: 'twelve boats on one river\n' });
  };
  const users = await admin.json(['admin', 'user', 'list']);
  for (const name of ['al\u0456ce', 'ali\u200Dce', 'al\u202Eice', 'al\u001bice', ' alice', 'a/b', '..'])
    await register(invite, name, { code: 'INVALID', exitCode: 2 });
  for (const name of ['alice', 'ALICE', '\uFF41lice']) await register(invite, name, { code: 'EXISTS', exitCode: 5 });
  await register(`${invite.slice(0, -3)}AAA`, 'dora', { code: 'INVALID', exitCode: 2 });
  expect(await admin.json(['admin', 'user', 'list'])).toEqual(users);
  const args = ['register', invite, '--username', 'dora', '--password-stdin', '--json'];
  expect(await (await fresh()).run(args, { input: 'twelve boats on one river\n' })).toMatchObject({ exitCode: 0 });
  await register(invite, 'emil', { code: 'EXPIRED', exitCode: 4 });
  const second = await admin.json<{ invite: string; id: string }>(['admin', 'invite', '--valid', '1h']);
  inDatabase('UPDATE invites SET expires_at_ms = created_at_ms');
  await register(second.invite, 'emil', { code: 'EXPIRED', exitCode: 4 });
  const third = await admin.json<{ invite: string; id: string }>(['admin', 'invite']);
  await admin.json(['admin', 'invites', 'revoke', third.id]);
  await register(third.invite, 'emil', { code: 'EXPIRED', exitCode: 4 });
  expect(await admin.json<unknown[]>(['admin', 'user', 'list'])).toHaveLength((users as unknown[]).length + 1);
});

/** Beside the daemon, as time passes. */
function inDatabase(statement: string): void {
  const database = new DatabaseSync(join(vault.storage, 'accounts.db'));
  database.exec(statement);
  database.close();
}

/** Bob asks for another password. */
async function changePassword(next: string): Promise<void> {
  const { exitCode, stderr, json } = await bob.device.run(['password', 'change', '--password-stdin', '--json'], {
    input: `${next}\n`,
  });
  if (exitCode !== 0) throw new Error(stderr);
  const { state: became } = json as { readonly state: string };
  if (became === 'in-force') writeFileSync(`${bob.device.home}.password`, `${next}\n`);
}

async function waiting(): Promise<string> {
  const requests = await admin.json<{ request: string; state: string }[]>(['admin', 'requests']);
  return requests.find((one) => one.state === 'open')?.request ?? '';
}
