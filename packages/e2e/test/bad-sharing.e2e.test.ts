import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startVault } from '../src/index.ts';
import type { Coffer, CofferResult, Person, Vault } from '../src/index.ts';

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
