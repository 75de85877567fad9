import { readFileSync, writeFileSync } from 'node:fs';
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

/** As a terminal leaves the other screen: what is drawn after it stands among what the shell had. */
const leavesScreen = '\u001b[?1049l';

test('a person browses, and the terminal is as it was when they leave', async () => {
  const { device } = vault.user;
  await device.run(['mkdir', '-p', '/work/reports']);
  await device.run(['mkdir', '/photos']);
  await using person = new AtTerminal(['ui'], device.home);
  await person.shows(/online +user@127[^]*> +photos\//);
  person.type('j');
  await person.shows(/> +work\//);
  const { x, y, screen } = await person.cursor();
  expect(screen).toBe('alternate');
  expect((await person.rows())[y]?.slice(x)).toMatch(/^> +work\//);
  person.type('\r');
  await person.shows(/Home › work[^]*> +reports\//);
  person.type('h');
  await person.shows(/> +work\//);
  person.type('q');
  expect(await person.exitCode).toBe(0);
  expect(person.seen).toContain(leavesScreen);
  expect(await person.cursor()).toMatchObject({ screen: 'normal' });
});

test('a file goes up, is looked at, renamed, removed, brought back, and comes down', async () => {
  const { device } = vault.user;
  const local = await vault.folder.folder('here');
  writeFileSync(`${local}/notes.txt`, 'the first line\nthe second\n');
  await device.run(['mkdir', '/files']);
  await using person = new AtTerminal(['ui'], device.home, { cols: 120, cwd: local });
  await person.shows(/> +files\//);
  person.type('\r');
  await person.shows(/empty: u uploads/);
  person.type('u');
  await person.shows(/Upload to \/files/);
  person.type('notes\r');
  await person.shows(/notes\.txt[^]*26 B/);
  await person.shows(/the first line/);
  person.type('r');
  await person.shows(/Rename notes\.txt/);
  person.paste('\u0015diary.txt');
  person.type('\u0015diary.txt\r');
  await person.shows(/renamed notes\.txt to diary\.txt/);
  person.type('d');
  await person.shows(/In all: 1 file\./);
  person.type('y');
  await person.shows(/empty: u uploads/);
  person.type('z');
  await person.shows(/undone: moved 1 to the trash/);
  await person.shows(/> +diary\.txt/);
  person.type('s');
  await person.shows(/Save diary\.txt to/);
  person.type(`\u0015${local}/back.txt\r`);
  await person.shows(/saving diary\.txt/);
  person.type('2');
  await person.shows(/2 done\)/);
  expect(readFileSync(`${local}/back.txt`, 'utf8')).toBe('the first line\nthe second\n');
  person.type('q');
  await person.shows(/> +diary\.txt/);
  person.type('q');
  expect(await person.exitCode).toBe(0);
});

test('a picture is drawn, and one that is damaged is said to be one', async () => {
  const { device } = vault.user;
  const local = await vault.folder.folder('pictures');
  const png = Buffer.from(redPng, 'base64');
  writeFileSync(`${local}/a.png`, png);
  writeFileSync(`${local}/b.png`, png.subarray(0, 45));
  await device.run(['put', local, '/']);
  await using person = new AtTerminal(['ui'], device.home, { cols: 120 });
  await person.shows(/online/);
  person.type('/pictures\r\r');
  await person.shows(/> +a\.png[^]*a picture of 1 × 1 pixels/);
  await person.shows(/▀/);
  person.type('j');
  await person.shows(/a PNG picture of 1 × 1[^]*00000000 +89 50 4e 47/);
  expect(await person.rows()).not.toContainEqual(expect.stringContaining('▀'));
});

test('the command draws a picture on a terminal too, and says what it is where there is none', async () => {
  const { device } = vault.user;
  await device.run(['put', '-', '/red.png'], { input: Buffer.from(redPng, 'base64') });
  await using person = new AtTerminal(['preview', '/red.png'], device.home, { env: { COLORTERM: 'truecolor' } });
  expect(await person.exitCode).toBe(0);
  const [said, first] = await person.screen();
  expect([said, first]).toEqual(['a picture of 1 × 1 pixels', expect.stringMatching(/^▀+$/)]);
  expect(person.seen).toMatch(/\[38;2;\d+;\d+;\d+;48;2;/);
  const piped = await device.run(['preview', '/red.png']);
  expect(piped.stdout).toMatch(/^a PNG picture of 1 × 1 pixels\n00000000 {2}89 50 4e 47/);
  expect((await device.run(['preview', '/red.png', '--json'])).json).toMatchObject({ text: false, size: 70 });
});

/** One red pixel. */
const redPng = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

test('what is pasted runs no keys, and hostile names do nothing', async () => {
  const { device } = vault.user;
  await device.run(['mkdir', '/tricks']);
  await device.run(['put', '-', '/tricks/a\u202Egpj.exe'], { input: 'x' });
  await using person = new AtTerminal(['ui'], device.home);
  await person.shows(/tricks\//);
  person.paste('dyq');
  await person.shows(/pasted text runs no keys/);
  person.type('/tricks\r');
  await person.shows(/1 of \d+, filter "tricks"/);
  person.type('\r');
  await person.shows(/a\\u\{202e\}gpj\.exe/);
  expect(person.seen).not.toContain('\u202E');
});

test('an old version is restored, and the past is looked at', async () => {
  const { device } = vault.user;
  await device.run(['put', '-', '/story.txt'], { input: 'first' });
  await device.run(['put', '-', '/story.txt'], { input: 'second and longer' });
  await using person = new AtTerminal(['ui'], device.home, { cols: 120 });
  await person.shows(/story\.txt/);
  person.type('/story\r');
  await person.shows(/filter "story"/);
  person.type('H');
  await person.shows(/> v2 +17 B[^]*current[^]*v1 +5 B[^]*kept/);
  person.type('jR');
  await person.shows(/Version 1 of story\.txt becomes the current one/);
  person.type('y');
  await person.shows(/v3 +5 B[^]*current/);
  expect((await device.run(['cat', '/story.txt'])).stdout).toBe('first');
  person.type('h');
  await person.shows(/as it is now/);
  person.type('[');
  await person.shows(/story\.txt[^]*changed since/);
});

test('another device is seen at once, a lost server is told and comes back by itself', async () => {
  const laptop = await vault.device();
  await using person = new AtTerminal(['ui'], vault.user.device.home);
  await person.shows(/online/);
  await laptop.run(['mkdir', '/from-the-laptop']);
  await person.shows(/from-the-laptop\//);
  await vault.daemon.kill9();
  await person.shows(/offline, trying/);
  person.type('G');
  await person.shows(/> +\w/);
  await vault.daemon.restart();
  await person.shows(/● online/);
  await laptop.run(['mkdir', '/after-the-storm']);
  await person.shows(/after-the-storm\//);
  person.type('q');
  expect(await person.exitCode).toBe(0);
});

test('any size is drawn, a smaller one is told, and a stopped program comes back', async () => {
  await using person = new AtTerminal(['ui'], vault.user.device.home, { cols: 250, rows: 80 });
  await person.shows(/┌ Places[^]*┌ Home[^]*┌ Info/);
  person.resize(100, 24);
  await person.hides(/Places/);
  await person.shows(/┌ Home[^]*┌ Info/);
  person.resize(60, 15);
  await person.hides(/Info/);
  await person.shows(/┌ Home/);
  person.resize(50, 10);
  await person.shows(/coffer needs 60 × 15/);
  person.resize(120, 30);
  await person.shows(/┌ Places[^]*┌ Home[^]*┌ Info/);
  person.seen = '';
  person.type('\u001a');
  await person.reads(/\?1049l/);
  process.kill(person.pid, 'SIGCONT');
  await person.shows(/┌ Places[^]*┌ Home/);
  person.type('\u0003');
  await person.shows(/press \^c again/);
  person.type('\u0003');
  expect(await person.exitCode).toBe(0);
});

test('who comes for the first time is led to a first backup', async () => {
  const { invite, password } = vault.user;
  const home = await vault.folder.folder('new-machine');
  const pictures = await vault.folder.folder('new-machine-files', 'pictures');
  writeFileSync(`${pictures}/one.jpg`, 'not really');
  await using person = new AtTerminal([], home, { env: { HOME: vault.folder.join('new-machine-files') } });
  await person.shows(/Welcome to Coffer[^]*1 of 3/);
  person.paste(invite);
  person.type('\r');
  await person.shows(/2 of 3: password of user/);
  person.type('certainly wrong\r');
  await person.shows(/the login was refused/);
  person.type(`${password}\r`);
  await takeSuggested(person, /An administrator chose this password/);
  await person.shows(/3 of 3: the first folder/);
  expect(person.seen).not.toContain(password);
  person.type('y');
  await person.shows(/Keep which folder in step/);
  person.type('pictures\r');
  await person.shows(/new-machine-files\/pictures[^]*> +\.\/ +this folder with all/);
  person.type('\r');
  await person.shows(/Where in the vault[^]*\/pictures/);
  person.type('\r');
  await person.shows(/push[^]*a backup/);
  person.type('\r');
  await person.shows(/Run it now/);
  person.type('y');
  await person.shows(/Jobs of this device \(1\)[^]*✓ today/);
  expect((await vault.user.device.run(['cat', '/pictures/one.jpg'])).stdout).toBe('not really');
});

test('what was synced by command is a job here too', async () => {
  const { device } = vault.user;
  const local = await vault.folder.folder('by-command');
  writeFileSync(`${local}/a.txt`, 'a');
  await device.run(['sync', local, '/by-command', '--exclude', '*.log']);
  await using person = new AtTerminal(['ui'], device.home, { cols: 140 });
  await person.shows(/online/);
  person.type('5G');
  await person.shows(/by-command -> \/by-command +✓ today[^]*without \*\.log[^]*sent 1/);
  person.type('S');
  await person.shows(/by-command: unchanged 1/);
  expect(await person.rows()).toContainEqual(expect.stringContaining('Jobs of this device'));
});

test('a device and its way to the server are looked at, by command and here', async () => {
  const { device } = vault.user;
  const { exitCode, stdout } = await device.run(['doctor']);
  expect([exitCode, stdout]).toEqual([
    0,
    expect.stringMatching(/server +good +127\.0\.0\.1:\d+ answers[^]*clock +good/),
  ]);
  expect((await device.run(['doctor', '--profile', 'nobody'])).stdout).toMatch(/profile +WARNING +nobody is logged in/);
  await using person = new AtTerminal(['ui'], device.home, { cols: 120 });
  await person.shows(/online/);
  person.type('7Gk');
  await person.shows(/> +check this device/);
  person.type('\r');
  await person.shows(/(Everything is in order|to see to)[^]*server +good +127\.0\.0\.1/);
});

test('without a terminal it says so and what to use instead', async () => {
  const result = await vault.user.device.run(['ui']);
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toMatch(/needs a terminal[^]*hint: /);
  expect((await vault.user.device.run([])).exitCode).toBe(2);
});

test('who is invited makes an account, with a passphrase that is typed once more', async () => {
  const admin = await vault.ownDevice(vault.admin);
  const { invite } = await admin.json<{ readonly invite: string }>(['admin', 'invite']);
  const home = await vault.folder.folder('invited-machine');
  await using person = new AtTerminal([], home, { cols: 100, env: { HOME: home } });
  await person.shows(/1 of 3/);
  person.paste(invite);
  person.type('\r');
  await person.shows(/Do you have an account there/);
  person.type('\r');
  await person.shows(/Your name at 127/);
  person.type('invited\r');
  const passphrase = await takeSuggested(person, /a password for invited/);
  await person.shows(/When the password is lost/);
  person.type('\r');
  await person.shows(/3 of 3: the first folder/);
  person.type('n');
  await person.shows(/online +invited@127/);
  person.type('q');
  expect(await person.exitCode).toBe(0);
  await using again = new AtTerminal(['ui'], home);
  await again.shows(/Password of invited/);
  again.type(`${passphrase}\r`);
  await again.shows(/online/);
});

/** Takes the passphrase that is offered, and types it once more. */
async function takeSuggested(person: AtTerminal, title: RegExp): Promise<string> {
  await person.shows(new RegExp(`${title.source}[^]*> [a-z]+(?:-[a-z]+){5}`));
  const [passphrase = ''] = /[a-z]+(?:-[a-z]+){5}/.exec((await person.rows()).join('\n')) ?? [];
  person.type('\r');
  await person.shows(/Type it once more/);
  person.type(`${passphrase}\r`);
  return passphrase;
}
