import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AtTerminal, Coffer, startVault } from '../src/index.ts';
import type { AtTerminalOptions, Vault } from '../src/index.ts';

let vault: Vault;
let admin: Coffer;
beforeAll(async () => {
  vault = await startVault();
  admin = await vault.ownDevice(vault.admin);
});
afterAll(async () => {
  await vault[Symbol.asyncDispose]();
});

function ui({ home }: Coffer, options: AtTerminalOptions = {}): AtTerminal {
  return new AtTerminal(['ui'], home, { cols: 110, ...options, env: { COFFER_PASSWORD_FILE: `${home}.password` } });
}

test('an administrator approves what somebody asks for, and sees it come', async () => {
  const { device } = await vault.addPerson('asker');
  // The first change replaces what an administrator chose, and nobody decides upon it.
  expect(await changePassword(device, 'the first passphrase of my own')).toBe('in-force');
  await using person = ui(admin);
  await person.shows(/online[^]*Administration/);
  person.type('8\t');
  await person.shows(/\[Requests\][^]*nobody asked for anything/);
  expect(await changePassword(device, 'a second and quite long passphrase')).toBe('requested');
  await person.shows(/> \* asker: a new password +waits/);
  person.type('A');
  await person.shows(/it is in force at once/);
  person.type('y');
  await person.shows(/the new password of asker is in force/);
  await person.shows(/asker: a new password +done/);
  expect((await device.run(['password', 'requests', '--json'])).json).toMatchObject([{ state: 'done' }]);
});

test('a session is ended, an account suspended, limited, and removed once its name was typed', async () => {
  const { device } = await vault.addUser('guest');
  await using guest = new AtTerminal(['ui'], device.home);
  await guest.shows(/online/);
  await using person = ui(admin);
  await person.shows(/online/);
  person.type('8');
  await person.shows(/\[Users\][^]*guest/);
  person.type('\t\t');
  await person.shows(/\[Sessions\][^]*guest on guest-/);
  const rows = await person.rows();
  const steps = rows
    .filter((row) => / on \S+ +(control|transfers)/.test(row))
    .findIndex((row) => row.includes('guest on'));
  person.type('j'.repeat(steps));
  await person.shows(/> guest on/);
  person.type('d');
  await person.shows(/End a session of guest/);
  person.type('y');
  await person.shows(/ended; guest-[0-9a-f]+ may come back/);
  await guest.shows(/an administrator ended this session/);
  await guest.shows(/● online/);
  person.type('hh');
  await person.shows(/\[Users\]/);
  person.type('G');
  const users = await vaultUsers(person);
  for (let row = users.length - 1; row > users.indexOf('guest'); row -= 1) person.type('k');
  await person.shows(/> guest/);
  person.type('Q');
  await person.shows(/How much may guest store/);
  person.type('\u00155 MiB\r');
  await person.shows(/Until now: no limit\. From now on: 5\.0 MiB/);
  person.type('y');
  await person.shows(/guest +\S+ \S+ of 5\.0 MiB/);
  person.type('s');
  await person.shows(/Every session ends now/);
  person.type('y');
  await person.shows(/SUSPENDED/);
  expect((await device.run(['usage', '--json'])).exitCode).toBe(3);
  person.type('D');
  await person.shows(/Remove guest for good[^]*type guest to remove it for good/);
  person.type('guest\r');
  await person.shows(/guest is removed; the name is free/);
  expect((await admin.run(['admin', 'user', 'show', 'guest', '--json'])).exitCode).toBe(4);
});

test('an invite is made and shown once on a line of its own', async () => {
  await using person = ui(admin);
  await person.shows(/online/);
  person.type('8a');
  await person.shows(/Invite whom/);
  person.type('newcomer\r');
  await person.shows(/As what/);
  person.type('\r');
  await person.shows(/How much may it store/);
  person.type('\r');
  await person.reads(/coffer1-[\w-]+[^]*Enter goes back/);
  const [invite = ''] = /coffer1-[\w-]+/.exec(person.seen) ?? [];
  person.type('\r');
  await person.shows(/\[Users\]/);
  person.type('hhh');
  await person.shows(/\[Invites\][^]*newcomer +until/);
  const home = await vault.folder.folder('newcomer');
  const registered = await new Coffer(home).run(['register', invite, '--generate', '--json']);
  expect(registered.json).toMatchObject({ username: 'newcomer' });
  await person.shows(/newcomer +used/);
});

test('the server tells how it is, does what it is asked, and its log is seen as it is written', async () => {
  await using person = ui(admin, { cols: 60, rows: 15 });
  await person.shows(/online/);
  person.type('8hh');
  await person.shows(/\[Server\][^]*space +\S+ \S+ free/);
  person.type('G');
  await person.shows(/> audit log/);
  person.type('\r');
  await person.shows(/Reads the whole audit log/);
  person.type('y');
  await person.shows(/the log is whole/);
  person.type('\t');
  await person.shows(/\[Log\]/);
  person.type('c');
  await person.shows(/Lines about what/);
  person.type('backup\r');
  await person.shows(/Log \(backup/);
  await vault.user.device.run(['mkdir', '/seen-by-nobody']);
  person.type('/');
  await person.shows(/Lines about whom/);
  person.type('user\rc');
  await person.shows(/Lines about what/);
  person.type('all\r');
  await person.shows(/Log \(all, of user/);
  await vault.user.device.run(['mkdir', '/seen']);
  await person.shows(/auth +\S+ +user/);
  expect((await person.rows()).join('\n')).not.toMatch(/seen-by-nobody/);
});

test('who is no administrator has no such screen', async () => {
  await using person = new AtTerminal(['ui'], vault.user.device.home);
  await person.shows(/online/);
  person.type('8');
  await person.shows(/this is for administrators/);
  person.type(':admin');
  await person.shows(/nothing fits/);
  expect(await person.rows()).not.toContain('Administration');
});

/** What became of a new password, which the machine opens its keys with from then on. */
async function changePassword(device: Coffer, password: string): Promise<unknown> {
  const secret = `${device.home}.new-password`;
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const env = { COFFER_NEW_PASSWORD_FILE: secret };
  const { json } = await device.run(['password', 'change', '--json'], { env });
  writeFileSync(`${device.home}.password`, `${password}\n`);
  return (json as { readonly state: string }).state;
}

/** Names of the accounts in sight. */
async function vaultUsers(person: AtTerminal): Promise<string[]> {
  await person.settles();
  const names = (await person.rows()).map((row) => /^│[> ] (\S+) .*[KMG]?i?B/.exec(row)?.[1]);
  return names.filter((name) => name !== undefined);
}
