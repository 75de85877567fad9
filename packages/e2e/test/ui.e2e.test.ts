import { expect, test } from '@jest/globals';
import { AtTerminal, startVault } from '../src/index.ts';

test('a person browses, and the terminal is as it was when they leave', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  await device.run(['mkdir', '-p', '/work/reports']);
  await device.run(['mkdir', '/photos']);
  await using person = new AtTerminal(['ui'], device.home);
  await person.shows(/online +user@127[^]*> +photos\//);
  person.type('j');
  await person.shows(/> +work\//);
  person.type('\r');
  await person.shows(/Home › work[^]*> +reports\//);
  expect((await person.cursor()).screen).toBe('alternate');
  person.type('h');
  await person.shows(/> +work\//);
  person.type('q');
  expect(await person.exitCode).toBe(0);
  expect(await person.cursor()).toMatchObject({ screen: 'normal' });
  expect(person.seen.endsWith('\u001b[?2004l') || person.seen.includes('\u001b[?25h')).toBe(true);
});

test('without a terminal it says so and what to use instead', async () => {
  await using vault = await startVault();
  const result = await vault.user.device.run(['ui']);
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toMatch(/needs a terminal[^]*hint: /);
});
