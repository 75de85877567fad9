import { expect, test } from '@jest/globals';
import { AtTerminal, makeTree, startVault } from '../src/index.ts';

test('a password is asked for without being shown, corrected with backspace, and the next command asks again', async () => {
  await using vault = await startVault();
  const home = vault.folder.join('desk');
  const { invite, password } = vault.user;
  {
    await using person = new AtTerminal(['login', invite, '--device-name', 'desk'], home);
    await person.reads(/Password of user at 127\.0\.0\.1: /);
    person.type(`${password.slice(0, -1)}xy\u007f\u007f${password.slice(-1)}\r`);
    // The administrator knows it: another one is chosen before anything else, and an offered one is taken with Enter.
    await person.reads(/An administrator chose this password[^]*\n {4}[a-z]+(?:-[a-z]+){5}[^]*New password: /);
    person.type('\r');
    expect(await person.exitCode).toBe(0);
    expect(person.seen).not.toContain(password.slice(0, 6));
    expect((await person.screen()).at(-1)).toMatch(/^signed in as user at 127\.0\.0\.1:\d+; this device is "desk"$/);
  }
  {
    await using person = new AtTerminal(['ls', '/'], home);
    await person.reads(/Password: /);
    person.type('certainly wrong\r');
    expect(await person.exitCode).not.toBe(0);
    expect((await person.screen()).join('\n')).toMatch(/^error: /m);
  }
  {
    await using person = new AtTerminal(['whoami'], home);
    expect(await person.exitCode).toBe(0);
  }
});

test('who chooses no password of their own is not signed in', async () => {
  await using vault = await startVault();
  const home = vault.folder.join('desk');
  {
    await using person = new AtTerminal(['login', vault.user.invite], home);
    await person.reads(/Password of/);
    person.type(`${vault.user.password}\r`);
    await person.reads(/New password: /);
    person.type('\u0003');
    expect(await person.exitCode).toBe(130);
  }
  {
    await using person = new AtTerminal(['whoami'], home);
    expect(await person.exitCode).toBe(3);
  }
});

test('Ctrl-C at the prompt ends with 130 and leaves the terminal as it was', async () => {
  await using vault = await startVault();
  const home = vault.folder.join('desk');
  await using person = new AtTerminal(['login', vault.user.invite], home);
  await person.reads(/Password of/);
  person.type('half a pass\u0003');
  expect(await person.exitCode).toBe(130);
});

test('a long upload draws one line of progress, and takes it away at the end', async () => {
  await using vault = await startVault();
  const source = vault.folder.join('source');
  makeTree({ target: source, files: 600, oddities: 'none' });
  await using person = new AtTerminal(['sync', source, '/s'], vault.user.device.home);
  expect(await person.exitCode).toBe(0);
  expect(person.seen).toMatch(/\d+\/\d+ files/);
  const shown = await person.screen();
  expect(shown).toHaveLength(2);
  expect(shown[0]).toBe('sent: 600');
});
