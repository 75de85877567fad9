import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AtTerminal, startVault } from '../src/index.ts';
import type { Vault } from '../src/index.ts';

let vault: Vault;
beforeAll(async () => {
  vault = await startVault();
});
afterAll(async () => {
  await vault[Symbol.asyncDispose]();
});

/** An editor that needs nobody: a script that is given the file. */
async function editor(name: string, script: string): Promise<string> {
  const path = `${await vault.folder.folder('editors')}/${name}`;
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

test('a file is edited in the editor of the person, with the terminal handed over, and comes back as a new version', async () => {
  const { device } = vault.user;
  await device.run(['put', '-', '/letter.txt'], { input: 'Dear all,\n' });
  const EDITOR = await editor('writes', 'echo "the editor has the terminal"; echo "see you" >> "$1"');
  await using person = new AtTerminal(['ui'], device.home, { env: { EDITOR } });
  await person.shows(/> +letter\.txt/);
  person.type('e');
  await person.reads(/\?1049l[^]*the editor has the terminal/);
  await person.shows(/stored a new version of letter\.txt/);
  await person.shows(/version +v2 of 2/);
  expect((await device.run(['cat', '/letter.txt'])).stdout).toBe('Dear all,\nsee you\n');
});

test('what is typed into an editor that fails is kept, and where it is is said', async () => {
  const { device } = vault.user;
  await device.run(['put', '-', '/letter.txt'], { input: 'Dear all,\n' });
  const EDITOR = await editor('fails', 'echo "hours of work" >> "$1"; exit 3');
  await using person = new AtTerminal(['ui'], device.home, { cols: 200, env: { EDITOR } });
  await person.shows(/> +letter\.txt/);
  person.type('e');
  await person.shows(/letter\.txt is not stored[^]*the editor ended with 3/);
  const [, kept = ''] = /kept in (\/\S+\.txt)/.exec((await person.rows()).join('\n')) ?? [];
  expect(readFileSync(kept, 'utf8')).toBe('Dear all,\nhours of work\n');
  person.type('\r');
  await person.hides(/is not stored/);
  expect((await device.run(['cat', '/letter.txt'])).stdout).toBe('Dear all,\n');
});

test('a plan is seen before anything is done, and done when it is agreed to', async () => {
  const { device } = vault.user;
  const local = await vault.folder.folder('planned');
  writeFileSync(`${local}/one.txt`, '1');
  await device.run(['sync', local, '/planned']);
  writeFileSync(`${local}/two.txt`, '2');
  await using person = new AtTerminal(['ui'], device.home, { cols: 120 });
  await person.shows(/online/);
  person.type('5!');
  await person.shows(/Plan of \S+planned[^]*In all: .*1[^]*two\.txt/);
  person.type('n');
  await person.hides(/Plan of/);
  expect((await device.json<readonly unknown[]>(['ls', '/planned'])).length).toBe(1);
  person.type('!');
  await person.shows(/Plan of/);
  person.type('y');
  await person.shows(/✓ today[^]*sent 1/);
  expect((await device.json<readonly unknown[]>(['ls', '/planned'])).length).toBe(2);
});

test('for a screen reader one pane is written without boxes, the cursor on its row', async () => {
  const { device } = vault.user;
  await device.run(['mkdir', '/aloud']);
  await using person = new AtTerminal(['ui', '--screen-reader'], device.home);
  await person.shows(/^ coffer +Home +online[^]*\nHome \(\d+\)[^]*\n>/);
  expect(person.seen).not.toMatch(/[┌│└●]/);
  person.type('j');
  await person.settles();
  const { x, y } = await person.cursor();
  expect((await person.rows())[y]?.slice(x)).toMatch(/^>/);
});

test('with NO_COLOR nothing is coloured, without UTF-8 nothing is beyond ASCII', async () => {
  const { device } = vault.user;
  await device.run(['mkdir', '/über-日本']);
  await using person = new AtTerminal(['ui'], device.home, { env: { NO_COLOR: '1', LC_ALL: 'C' } });
  await person.shows(/online[^]*\?ber-\?\?\?\?\//);
  expect(person.seen).not.toMatch(/\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9\d)(?:;[\d;]*)?m/);
  expect(Buffer.byteLength(person.seen)).toBe(person.seen.length);
});
