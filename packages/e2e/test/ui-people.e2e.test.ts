import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AtTerminal, startVault } from '../src/index.ts';
import type { AtTerminalOptions, Coffer, Person, Vault } from '../src/index.ts';

let vault: Vault;
beforeAll(async () => {
  vault = await startVault();
});
afterAll(async () => {
  await vault[Symbol.asyncDispose]();
});

/** The terminal UI on a machine that holds the keys of the account, whose password lies in a file. */
function uiOf({ device }: Person, options: AtTerminalOptions = {}): AtTerminal {
  const env = { COFFER_PASSWORD_FILE: `${device.home}.password`, ...options.env };
  return new AtTerminal(['ui'], device.home, { cols: 120, ...options, env });
}

test('a folder is shared from Files, received, and taken back; both see it at once', async () => {
  const [owner, member] = await Promise.all([vault.addPerson('owner'), vault.addPerson('member')]);
  const source = await vault.folder.folder('docs');
  writeFileSync(`${source}/plan.txt`, 'the plan');
  await owner.device.run(['put', source, '/']);
  const local = await vault.folder.folder('received');
  await using receiving = uiOf(member, { cwd: local });
  await receiving.shows(/online/);
  receiving.type('4');
  await receiving.shows(/nothing is shared/);
  await using sharing = uiOf(owner);
  await sharing.shows(/> +docs\//);
  sharing.type('m');
  await sharing.shows(/Share \/docs with whom/);
  sharing.type('member\r');
  await sharing.shows(/What may member do/);
  sharing.type('\r');
  await sharing.shows(/member may read it\. They find it under \/Shared\/owner\.[^]*In all: 1 file/);
  sharing.type('y');
  await sharing.shows(/docs: member may read it/);
  await receiving.shows(/> ↓ from owner: docs +you read/);
  receiving.type('s');
  await receiving.shows(/Save docs to/);
  receiving.type('\r2');
  await receiving.shows(/✓ done/);
  expect(readFileSync(`${local}/docs/plan.txt`, 'utf8')).toBe('the plan');
  sharing.type('4');
  await sharing.shows(/> ↑ to member: \/docs +reads/);
  sharing.type('r');
  await sharing.shows(/member may change it from now on; until now: may read it/);
  sharing.type('y');
  await sharing.shows(/to member: \/docs +writes/);
  sharing.type('d');
  await sharing.shows(/Take \/docs back from member[^]*Nobody else has it then/);
  sharing.type('y');
  await sharing.shows(/nothing is shared/);
  receiving.type('4');
  await receiving.shows(/nothing is shared/);
});

test('what is shared is gone into from both sides: seen, read, changed and brought back, each at once', async () => {
  const [host, visitor] = await Promise.all([vault.addPerson('host'), vault.addPerson('visitor')]);
  const source = await vault.folder.folder('garden');
  writeFileSync(`${source}/plants.txt`, 'roses and thyme');
  await host.device.run(['put', source, '/']);
  await host.device.run(['share', '/garden', 'visitor', '--write']);
  await using visiting = uiOf(visitor);
  await visiting.shows(/online/);
  visiting.type('\tj');
  await visiting.shows(/> Shared/);
  visiting.type('\r');
  await visiting.shows(/What others share with you[^]*> \/Shared\/host\/garden +you may change it/);
  visiting.type('\r');
  await visiting.shows(/Home › Shared › host › garden[^]*> +plants\.txt[^]*roses and thyme/);
  await using hosting = uiOf(host);
  await hosting.shows(/> +garden\/ +shared [^]*visitor writes/);
  hosting.type('\r');
  await hosting.shows(/Home › garden[^]*> +plants\.txt/);
  visiting.type('r');
  await visiting.shows(/Rename plants\.txt/);
  visiting.type('\u0015herbs.txt\r');
  await visiting.shows(/renamed plants\.txt to herbs\.txt/);
  await hosting.shows(/> +herbs\.txt/);
  hosting.type('d');
  await hosting.shows(/Move to the trash/);
  hosting.type('y');
  await visiting.shows(/empty: u uploads/);
  hosting.type('z');
  await visiting.shows(/> +herbs\.txt/);
  visiting.type('H');
  await visiting.shows(/herbs\.txt \(1 version\)[^]*current/);
  visiting.type('qh');
  await visiting.shows(/coffer +Home +●[^]*┌ Home \(0\)/);
  hosting.type('h4');
  await hosting.shows(/to visitor: \/garden/);
  expect((await visitor.device.run(['cat', '/Shared/host/garden/herbs.txt'])).stdout).toBe('roses and thyme');
});

test('a team is made and shared with, somebody is taken in and out again, and both see it at once', async () => {
  const [head, singer] = await Promise.all([vault.addPerson('head'), vault.addPerson('singer')]);
  await head.device.run(['mkdir', '/scores']);
  await using managing = uiOf(head);
  await managing.shows(/> +scores\//);
  managing.type('4');
  await managing.shows(/nothing is shared/);
  managing.type('t');
  await managing.shows(/What is the new team called/);
  managing.type('choir\r');
  await managing.shows(/> team choir +yours, 1 person/);
  managing.type('m');
  await managing.shows(/Share what/);
  managing.type('\u0015/scores\r');
  await managing.shows(/Share \/scores with whom\?[^]*> team:choir/);
  managing.type('\r');
  await managing.shows(/What may team:choir do/);
  managing.type('\r');
  await managing.shows(/team:choir may read it\. They find it under/);
  managing.type('y');
  await managing.shows(/to team:choir: \/scores +reads/);
  await using singing = uiOf(singer);
  await singing.shows(/online/);
  singing.type('4');
  await singing.shows(/nothing is shared/);
  managing.type('G');
  await managing.shows(/> team choir/);
  managing.type('a');
  await managing.shows(/Take whom into choir/);
  managing.type('singer\r');
  await managing.shows(/singer gets what is shared with the team, now and later: 1 share\./);
  managing.type('y');
  await managing.shows(/team choir +yours, 2 people/);
  await singing.shows(/from head: scores[^]*team choir +of head, 2 people/);
  managing.type('\r');
  await managing.shows(/head, you +manages it[^]*singer +is in it/);
  managing.type('G');
  await managing.shows(/> +singer/);
  managing.type('d');
  await managing.shows(/Take singer out of choir/);
  managing.type('y');
  await managing.shows(/singer is no longer in choir/);
  await singing.shows(/nothing is shared/);
  expect((await head.device.run(['team', 'show', 'choir', '--json'])).json).toMatchObject({
    members: [{ member: 'head' }],
    shares: [{ path: '/scores', state: 'active' }],
  });
});

test('two people compare the same twelve words, and one leaves what was shared', async () => {
  const [giver, taker] = await Promise.all([vault.addPerson('giver'), vault.addPerson('taker')]);
  await giver.device.run(['mkdir', '/talk']);
  await giver.device.run(['share', '/talk', 'taker']);
  await using giving = uiOf(giver, { env: { NO_COLOR: '1' }, cols: 60, rows: 15 });
  await using taking = uiOf(taker);
  const words: string[] = [];
  for (const [person, name] of [
    [giving, 'taker'],
    [taking, 'giver'],
  ] as const) {
    await person.shows(/online/);
    person.type('4');
    await person.shows(new RegExp(`(to|from) ${name}`));
    person.type('w');
    await person.shows(/Compare words with whom/);
    person.type('\r');
    await person.shows(/Is it really/);
    words.push(await wordsOn(person));
    person.type('y');
    await person.shows(new RegExp(`${name} is verified on this device`));
  }
  expect(words[0]?.split(' ')).toHaveLength(12);
  expect(words[0]).toBe(words[1]);
  taking.type('d');
  await taking.shows(/Leave \/Shared\/giver\/talk/);
  taking.type('y');
  await taking.shows(/you no longer have what giver shared there/);
  await taking.shows(/nothing is shared/);
});

/** The words that stand on the screen, four in a row. */
async function wordsOn(person: AtTerminal): Promise<string> {
  const rows = (await person.rows()).filter((row) => /^│ +(?:[a-z]+ +){4}│$/.test(row));
  return rows.map((row) => row.replaceAll(/[│\s]+/g, ' ').trim()).join(' ');
}

test('a lost device is revoked, the keys are changed, and the program goes on with the new ones', async () => {
  const careful = await vault.addPerson('careful');
  const lost = await vault.ownDevice(careful);
  await careful.device.run(['mkdir', '/kept']);
  await using person = uiOf(careful);
  await person.shows(/> +kept\//);
  person.type('7');
  await person.shows(/device careful-[0-9a-f]{8} +this one/);
  const name = await lostName(careful.device, lost);
  const rows = (await person.rows()).filter((row) => /^│[> ] /.test(row));
  person.type('j'.repeat(rows.findIndex((row) => row.includes(name))));
  await person.shows(new RegExp(`> device ${name} +seen`));
  person.type('d');
  await person.shows(/all of them are changed/);
  person.type(`${name}\r`);
  await person.shows(/Password/);
  person.type(`${careful.password}\r`);
  await person.shows(new RegExp(`${name} is revoked; the account has new keys`));
  await person.shows(new RegExp(`device ${name} +revoked`));
  person.type('1a');
  await person.shows(/New file, or folder/);
  person.type('after/\r');
  await person.shows(/after\/[^]*kept\//);
  expect((await lost.run(['ls', '/', '--json'])).exitCode).toBe(3);
  expect((await careful.device.run(['ls', '/', '--json'])).json).toMatchObject([{ name: 'after' }, { name: 'kept' }]);
});

/** The name of a machine as another device of the account sees it. */
async function lostName(device: Coffer, lost: Coffer): Promise<string> {
  const devices = await device.json<readonly { readonly name: string }[]>(['device', 'list']);
  return devices.find(({ name }) => lost.home.endsWith(name))?.name ?? '';
}
