import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { Coffer, compareTrees, makeTree, plantRefusedNames, startVault } from '../src/index.ts';
import type { Credentials } from '../src/index.ts';

interface Report {
  readonly sent: number;
  readonly unchanged: number;
  readonly received: number;
  readonly failed: number;
  readonly bytesSent: number;
}

test('a folder goes up, the daemon dies, and another machine brings the folder down', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  makeTree({ target: source, files: 50, bytes: 1024 * 1024, oddities: 'all' });

  const up = await device.json<Report>(['sync', source, '/saved']);
  expect(up).toMatchObject({ failed: 0, unchanged: 0 });
  const again = await device.json<Report>(['sync', source, '/saved']);
  expect(again).toMatchObject({ sent: 0, failed: 0, unchanged: up.sent, bytesSent: 0 });

  await vault.daemon.kill9();
  const refused = await device.run(['sync', source, '/saved', '--json']);
  expect(refused).toMatchObject({ exitCode: 8, error: { code: 'UNREACHABLE' } });
  await vault.daemon.restart();

  const laptop = await vault.device();
  const down = await laptop.json<Report>(['sync', copy, '/saved', '--mode', 'pull']);
  expect(down).toMatchObject({ received: up.sent, failed: 0 });
  expect(compareTrees(source, copy)).toEqual([]);
  expect(vault.daemon.peakRssBytes).toBeGreaterThan(20 * 1024 * 1024);
});

test('a login says when it made the home vault, and only then', async () => {
  await using vault = await startVault();
  const { storage, certs, daemon } = vault;
  const provision = ['--storage', storage, '--certs', certs, '--port', String(daemon.port), '--host', '127.0.0.1'];
  const add = ['admin', 'user', 'add', 'third', '--generate', ...provision];
  const { invite, password } = await vault.machine.json<Credentials>(add);
  const logIn = (name: string, flags: readonly string[] = []) =>
    new Coffer(vault.folder.join(name)).run(['login', invite, '--password-stdin', ...flags], {
      input: `${password}\n`,
    });
  const texts = [await logIn('first'), await logIn('second')].map(({ stdout }) => stdout.split('\n'));
  expect(texts).toEqual([
    [expect.stringMatching(/^signed in as third/), expect.stringMatching(/^This made the home vault/), ''],
    [expect.stringMatching(/^signed in as third/), ''],
  ]);
  expect((await logIn('third', ['--json'])).json).toMatchObject({ username: 'third', createdHome: false });
});

test('accounts are apart, names that a vault refuses are reported, and everything is gone afterwards', async () => {
  let [folder, pid] = ['', 0];
  {
    await using vault = await startVault();
    [folder, pid] = [vault.folder.path, vault.daemon.pid];
    const other = await vault.addUser('other');
    const [mine, theirs] = await Promise.all([vault.user.device.json(['whoami']), other.device.json(['whoami'])]);
    expect([mine, theirs]).toMatchObject([{ username: 'user' }, { username: 'other' }]);
    await expect(vault.admin.device.json(['whoami'])).resolves.toMatchObject({ role: 'admin' });

    const source = vault.folder.join('source');
    makeTree({ target: source, files: 5, oddities: 'none' });
    const refused = plantRefusedNames(`${source}/refused`);
    const report = await other.device.run(['sync', source, '/saved', '--json']);
    expect(report.exitCode).toBe(10);
    const errors = Array.from({ length: refused }, () => ({ code: 'INVALID' }));
    expect(report.json).toMatchObject({ failed: refused, errors });
  }
  expect(existsSync(folder)).toBe(false);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
