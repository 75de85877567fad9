import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Profile } from '@coffer/client';
import { newEntryId, systemClock, systemRandom } from '@coffer/core';
import { noIds } from '@coffer/journal';
import { commitOf, directory, file, impossibleNames, link } from '../faults/hostile/mischief.ts';
import type { StoredFile } from '../faults/hostile/rogue-device.ts';
import { RogueDevice } from '../faults/hostile/rogue-device.ts';
import { AtTerminal, startVault } from '../src/index.ts';
import type { Coffer, Person, Vault } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
jest.setTimeout(600_000);

/** What moves a cursor, begins a line, or reorders or hides what is read. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u00AD\u180E\u200B\u2060-\u2064\uFEFF]/u;

const mtime = [1_700_000_000, 1];
const ours = '/docs';
const theirs = '/Shared/alice/docs';

let vault: Vault;
let alice: Person;
let bob: Person;
let carol: Person;
/** Bob's machine, in the hands of somebody who writes what it likes. */
let rogue: RogueDevice;
let deviceName = '';
/** The file of hers that bob's machine saw last. */
let plan: StoredFile;

beforeAll(async () => {
  vault = await startVault();
  const add = (name: string): Promise<Person> => vault.addPerson(name);
  [alice, bob, carol] = await Promise.all([add('alice'), add('bob'), add('carol')]);
  await alice.device.json(['mkdir', ours]);
  await put(alice.device, { text: 'the plan', path: `${ours}/plan.txt` });
  await alice.device.json(['share', ours, 'bob', '--write']);
  await alice.device.json(['share', ours, 'carol']);
  await put(bob.device, { text: 'honest', path: `${theirs}/bob.txt` });
  await put(alice.device, { text: 'the plan, better', path: `${ours}/plan.txt` });
  rogue = await RogueDevice.openMember(bob.device, { owner: 'alice', name: 'docs', password: bob.password });
  ({ deviceName } = rogue);
  plan = await rogue.lastStoredFile();
});

afterAll(async () => {
  await rogue?.[Symbol.asyncDispose]();
  await vault?.[Symbol.asyncDispose]();
});

async function put(device: Coffer, { text, path }: { text: string; path: string }): Promise<void> {
  const { exitCode, stderr } = await device.run(['put', '-', path], { input: text });
  if (exitCode !== 0) throw new Error(stderr);
}

const textAt = async (device: Coffer, path: string): Promise<string> => (await device.run(['cat', path])).stdout;

/** Names that a person sees, and that both of them find the folder as it should be. */
async function seen(): Promise<readonly string[]> {
  const [hers, carols] = await Promise.all([
    alice.device.json<{ name: string }[]>(['ls', ours]),
    carol.device.json<{ name: string }[]>(['ls', theirs]),
  ]);
  expect(carols.map(({ name }) => name)).toEqual(hers.map(({ name }) => name));
  return hers.map(({ name }) => name).toSorted();
}

test('what nobody can use counts for nothing: the folder is as it was, and everybody is told whose it is', async () => {
  const { top: parent } = rogue;
  const before = await seen();
  const names = impossibleNames.filter(([, name]) => name !== 'Shared');
  for (const [, name] of names) {
    await rogue.append(commitOf(file(name, { parent }), directory(name, { parent })));
    await rogue.append(commitOf(link(name, '../outside', { parent })));
  }
  await rogue.append({ body: systemRandom.bytes(400) });
  await rogue.append({ ...commitOf(directory('misplaced', { parent })), misplaced: true });
  // Operations and references that do not match, either way.
  const named = newEntryId(systemClock, systemRandom);
  await rogue.append({ operations: [file('unnamed', { parent }).operation] });
  await rogue.append({ refs: [{ kind: 'put', entry: named, chunks: [], segments: noIds }] });
  await rogue.append({ refs: [{ kind: 'drop', entries: [parent], reason: 'removed' }] });
  await rogue.append({ operations: [['remove', [parent]]] });
  const trap = newEntryId(systemClock, systemRandom);
  await rogue.append({
    operations: [['put', trap, parent, 'trap', 'mount', 0, mtime, 0o755, [], systemRandom.bytes(32)]],
  });
  const voids = 2 * names.length + 7;

  for (const [device, path] of [
    [alice.device, ours],
    [carol.device, theirs],
  ] as const) {
    const { exitCode, stderr } = await device.run(['ls', path]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`${voids} commits of "${deviceName}" of bob could not be used: ignored`);
  }
  expect(await seen()).toEqual(before);
  expect(await textAt(alice.device, `${ours}/plan.txt`)).toBe('the plan, better');
  expect(await textAt(carol.device, `${theirs}/plan.txt`)).toBe('the plan, better');
  await put(alice.device, { text: 'goes on', path: `${ours}/after.txt` });
  expect(await textAt(carol.device, `${theirs}/after.txt`)).toBe('goes on');
});

test('hostile names are shown harmlessly, and laid down inside the folder as they are', async () => {
  const { top: parent } = rogue;
  await rogue.append(commitOf(...oddNames.map((name) => file(name, { parent }))));
  for (const [device, path] of [
    [alice.device, ours],
    [carol.device, theirs],
  ] as const) {
    for (const command of [['ls'], ['ls', '-l'], ['ls', '-R'], ['find', '*'], ['du']]) {
      const args = command[0] === 'find' ? command : [...command, path];
      const { exitCode, stdout, stderr } = await device.run(args);
      expect(exitCode).toBe(0);
      expect(unsafe.exec((stdout + stderr).replaceAll('\n', ''))).toBeNull();
    }
  }
  const listed = (await alice.device.run(['ls', ours])).stdout;
  expect(listed).toContain('invoice\\u{202e}fdp.exe');

  const folder = vault.folder.join('desk');
  for (const [device, path, name] of [
    [alice.device, ours, 'hers'],
    [carol.device, theirs, 'carols'],
  ] as const) {
    const copy = `${folder}/${name}`;
    const { exitCode, stdout, stderr } = await device.run(['sync', copy, path, '--mode', 'pull', '-v']);
    expect(exitCode).toBe(0);
    expect(unsafe.exec((stdout + stderr).replaceAll('\n', ''))).toBeNull();
    const found = readdirSync(copy, { encoding: 'buffer' }).map((one) => one.toString('hex'));
    const honest = ['plan.txt', 'bob.txt', 'after.txt'];
    const expected = [...honest, ...oddNames].map((one) => Buffer.from(one).toString('hex'));
    expect(found.toSorted()).toEqual(expected.toSorted());
  }
  expect(readdirSync(folder).toSorted()).toEqual(['carols', 'hers']);
});

test('a folder with a hostile name is shared: the terminal UI shows it harmlessly, with whose it is', async () => {
  const name = 'photo\u202Egnp\u200B';
  await bob.device.json(['mkdir', `/${name}`]);
  await bob.device.json(['share', `/${name}`, 'carol']);
  const { env, home } = { env: { ...carol.device.environment }, home: carol.device.home };
  await using person = new AtTerminal(['ui'], home, { env, cols: 120 });
  await person.shows(/online/);
  person.type('4');
  await person.shows(/from bob: photo\\u\{202e\}gnp\\u\{200b\}/);
  expect(person.seen).not.toMatch(/[\u200B\u202E]/u);
});

test('a version of junk loses nothing: it is told, its author named, and the one before comes back', async () => {
  await put(alice.device, { text: 'the plan, best', path: `${ours}/plan.txt` });
  const { operation, ref } = plan;
  const [, entry, parent, name] = operation;
  const [hash, id, key] = [systemRandom.bytes(32), systemRandom.bytes(32), systemRandom.bytes(32)];
  const sealed = systemRandom.bytes(90);
  sealed[0] = 1;
  await rogue.putChunk(id, sealed);
  await rogue.append({
    operations: [
      ['put', entry, parent, name, 'file', 5, mtime, 0o644, [[hash, 5, sealed.byteLength, rogue.account, id, key]]],
    ],
    refs: [{ ...ref, entry, chunks: [{ uploader: rogue.account, ids: id }] }],
  });

  for (const [device, path] of [
    [alice.device, ours],
    [carol.device, theirs],
  ] as const) {
    expect(await device.run(['cat', `${path}/plan.txt`, '--json'])).toMatchObject({
      exitCode: 9,
      error: { code: 'INTEGRITY' },
    });
    expect(await textAt(device, `${path}/bob.txt`)).toBe('honest');
  }
  const copy = vault.folder.join('desk', 'hers');
  const pulled = await alice.device.run(['sync', copy, ours, '--mode', 'pull', '--json']);
  expect(pulled).toMatchObject({
    exitCode: 9,
    json: { failed: 1, errors: [{ path: 'plan.txt', code: 'INTEGRITY' }] },
  });
  expect(readFileSync(`${copy}/plan.txt`, 'utf8')).toBe('the plan, better');
  const versions = await alice.device.json<{ version: number; author: string }[]>(['versions', `${ours}/plan.txt`]);
  expect(versions[0]).toMatchObject({ current: true, device: deviceName, author: 'bob' });
  expect(versions[1]).toMatchObject({ current: false, author: 'alice' });
  const good = versions[1]?.version ?? 0;
  await alice.device.json(['restore', `${ours}/plan.txt`, '--version', `${good}`]);
  for (const [device, path] of [
    [alice.device, ours],
    [carol.device, theirs],
  ] as const)
    expect(await textAt(device, `${path}/plan.txt`)).toBe('the plan, best');
});

test("somebody else's chunk ids open nothing: the server takes no reference to them", async () => {
  await put(alice.device, { text: 'mine alone', path: '/diary.txt' });
  const { top: parent } = rogue;
  const entry = newEntryId(systemClock, systemRandom);
  const ids = systemRandom.bytes(32);
  const { account } = Profile.open({ home: alice.device.home, name: 'default' }).requireRecord();
  const tuple = [systemRandom.bytes(32), 5, 90, account, ids, systemRandom.bytes(32)];
  const taken = rogue.append({
    operations: [['put', entry, parent, 'stolen', 'file', 5, mtime, 0o644, [tuple]]],
    refs: [{ kind: 'put', entry, chunks: [{ uploader: account, ids }], segments: noIds }],
  });
  await expect(taken).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  expect(await seen()).not.toContain('stolen');
});

/** What the rules allow, and only somebody with bad intent, or another system, calls a file. */
const oddNames: readonly (string | Uint8Array)[] = [
  'invoice\u202Efdp.exe',
  'plan\u200B.txt',
  '\uFEFFplan.txt',
  'line\u2028break',
  '\u2066left\u2069',
  'README',
  'readme',
  'Readme',
  'caf\u00E9',
  'cafe\u0301',
  'x'.repeat(255),
  'CON',
  'nul.txt',
  'trailing ',
  'trailing.',
  '-rf',
  '--help',
  '~',
  '...',
  '$(touch planted)',
  '`touch planted`',
  'a;touch planted',
  '*',
  '%s%n',
  '..\\..\\planted',
  '%2e%2e%2fplanted',
  'Shared',
  Uint8Array.of(0xff, 0xfe),
  Uint8Array.of(0xc0, 0xae, 0xc0, 0xae),
];
