import { expect, test } from '@jest/globals';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Accounts } from '@coffer/storage';
import { Coffer, freePort, startVault } from '../src/index.ts';
import type { Vault } from '../src/index.ts';

/** One line that says what, one hint. */
const oneLineAndHint = /^error: [^\n]+\nhint: [^\n]+\n$/;

test('a wrong password, an unknown user and a suspended account are refused alike', async () => {
  await using vault = await startVault();
  const suspended = await vault.addUser('suspended');
  await suspend(vault, suspended.username);
  const login = (name: string, password: string) =>
    new Coffer(vault.folder.join('nobody')).run(
      ['login', `${name}@127.0.0.1:${vault.daemon.port}`, '--trust-first-use', '--password-stdin', '--quiet'],
      { input: `${password}\n` },
    );
  const results = [
    await login('user', 'not the right password'),
    await login('nobody-of-that-name', 'not the right password'),
    await login('suspended', suspended.password),
  ];
  for (const { exitCode, stderr } of results) {
    expect(exitCode).toBe(3);
    expect(stderr).toBe(results[0]?.stderr);
  }
  expect(results[0]?.stderr).toMatch(oneLineAndHint);
  expect(existsSync(vault.folder.join('nobody', 'default', 'keystore'))).toBe(false);
  // What is signed in already is refused as well from now on, and its files are not touched.
  const afterwards = await suspended.device.run(['ls', '/']);
  expect(afterwards.exitCode).toBe(3);
});

async function suspend(vault: Vault, username: string): Promise<void> {
  await using accounts = await Accounts.open(vault.storage);
  const record = await accounts.byName(username);
  if (record === undefined) throw new Error('no such account');
  await accounts.setState(record.account, 'suspended');
}

test('a server that cannot start says why in one line with a hint, and leaves nothing behind', async () => {
  await using vault = await startVault();
  const port = await freePort();
  const serve = (...args: string[]) =>
    vault.machine.run([
      'serve',
      '--storage',
      vault.storage,
      '--certs',
      vault.certs,
      '--logs',
      vault.folder.join('logs2'),
      '--port',
      String(port),
      ...args,
    ]);

  const locked = await serve();
  expect(locked).toMatchObject({ exitCode: 5, stdout: '' });
  expect(locked.stderr).toMatch(oneLineAndHint);

  await vault.daemon.stop();
  const other = await startOther(vault, port);
  try {
    const taken = await serve();
    expect(taken).toMatchObject({ exitCode: 5, stdout: '' });
    expect(taken.stderr).toMatch(oneLineAndHint);
    expect(taken.stderr).toContain(String(port));
  } finally {
    other.close();
  }

  const missing = await vault.machine.run([
    'serve',
    '--storage',
    vault.folder.join('nowhere'),
    '--certs',
    vault.certs,
    '--port',
    String(port),
  ]);
  expect(missing).toMatchObject({ exitCode: 4 });
  expect(existsSync(vault.folder.join('nowhere'))).toBe(false);

  const bad = vault.folder.join('bad-certs');
  cpSync(vault.certs, bad, { recursive: true });
  writeFileSync(`${bad}/server.pem`, 'garbage');
  expect(await serve('--certs', bad)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });
  cpSync(`${vault.certs}/server.pem`, `${bad}/server.pem`);
  cpSync(`${vault.certs}/ca.key`, `${bad}/server.key`);
  expect(await serve('--certs', bad)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });

  const config = vault.folder.join('coffer.yaml');
  writeFileSync(config, 'listen:\n  prot: 7443\n');
  const misspelt = await serve('--config', config);
  expect(misspelt).toMatchObject({ exitCode: 2 });
  expect(misspelt.stderr).toContain('listen.port');
  writeFileSync(config, 'listen: [');
  expect(await serve('--config', config)).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(oneLineAndHint) });

  await vault.daemon.restart();
  expect((await vault.user.device.run(['ls', '/'])).exitCode).toBe(0);
});

async function startOther(_vault: Vault, port: number) {
  const { createServer } = await import('node:net');
  const { once } = await import('node:events');
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('a client says what is missing or unreachable, with the exit code of its kind', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const run = async (...args: string[]) => {
    const result = await device.run([...args, '--json']);
    return [result.exitCode, result.error?.code];
  };
  expect(await run('sync', vault.folder.join('no such folder'), '/x')).toEqual([4, 'NOT_FOUND']);
  expect(await run('put', vault.folder.join('no such file'), '/')).toEqual([4, 'NOT_FOUND']);
  expect(await run('cat', '/none')).toEqual([4, 'NOT_FOUND']);
  expect(await run('ls', '/none')).toEqual([4, 'NOT_FOUND']);
  expect(await run('mkdir', '/a/b')).toEqual([4, 'NOT_FOUND']);
  expect(await run('mkdir', '/..')).toEqual([2, 'INVALID']);
  expect(await run('rm', '/')).toEqual([2, 'INVALID']);
  expect(await run('mkdir', '/a')).toEqual([0, undefined]);
  expect(await run('mkdir', '/a')).toEqual([5, 'EXISTS']);
  expect(await run('mv', '/a', '/a/b')).toEqual([2, 'INVALID']);
  expect(await run('versions', '/a')).toEqual([2, 'INVALID']);
  expect(await run('sync', vault.folder.path, '/', '--mode', 'two-way')).toEqual([2, 'INVALID']);
  await vault.daemon.stop();
  expect(await run('ls', '/')).toEqual([8, 'UNREACHABLE']);
  expect(await run('sync', vault.folder.join('server'), '/x')).toEqual([8, 'UNREACHABLE']);
  expect(await run('whoami')).toEqual([0, undefined]);
});

test('a file that cannot be read is told, the rest goes on, and the run ends with 10', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const source = await vault.folder.folder('source');
  writeFileSync(`${source}/good.txt`, 'good');
  writeFileSync(`${source}/huge.bin`, Buffer.alloc(64 * 1024));
  // Root reads everything: a name that no vault can hold fails for everybody.
  writeFileSync(`${source}/new\nline`, 'bad name');
  const report = await device.run(['sync', source, '/s', '--max-file-size', '32KiB', '--json']);
  expect(report.exitCode).toBe(10);
  expect(report.json).toMatchObject({
    sent: 1,
    failed: 1,
    errors: expect.arrayContaining([expect.objectContaining({ code: 'INVALID' })]),
  });
  const listed = await device.json<{ name: string }[]>(['ls', '/s']);
  expect(listed.map(({ name }) => name)).toEqual(['good.txt']);
});

test('a quota is kept: the upload stops with 7, what was there stays, removing still works', async () => {
  await using vault = await startVault();
  const small = await vault.addUser('small', ['--quota', '40MiB']);
  const source = await vault.folder.folder('source');
  writeFileSync(`${source}/fits.bin`, randomBytes(2 * 1024 * 1024));
  await small.device.json(['sync', source, '/s']);
  writeFileSync(`${source}/too-much.bin`, randomBytes(60 * 1024 * 1024));
  const refused = await small.device.run(['sync', source, '/s', '--json']);
  expect(refused).toMatchObject({ exitCode: 7, error: { code: 'QUOTA' } });
  expect((await small.device.run(['cat', '/s/fits.bin'])).exitCode).toBe(0);
  expect((await small.device.run(['rm', '/s/fits.bin'])).exitCode).toBe(0);
  expect(await small.device.json(['usage'])).toMatchObject({ quotaBytes: 40 * 1024 * 1024 });
});

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  return bytes;
}

test('logging out takes the keys away, and the server forgets the device', async () => {
  await using vault = await startVault();
  const device = await vault.device();
  await device.json(['ls', '/']);
  cpSync(device.home, vault.folder.join('stolen'), { recursive: true });
  // A worker has no identity key: it cannot revoke itself, and says so.
  const out = await device.run(['logout', '--json']);
  expect(out.exitCode).toBe(0);
  expect(readdirSync(device.home)).toEqual([]);
  expect((await device.run(['ls', '/'])).exitCode).toBe(3);
});

test('keys and state are readable by their owner alone; a profile that others can read is refused', async () => {
  await using vault = await startVault();
  const device = await vault.device();
  const listed = readdirSync(device.home, { recursive: true, withFileTypes: true });
  const { statSync } = await import('node:fs');
  for (const entry of listed) {
    const mode = statSync(`${entry.parentPath}/${entry.name}`).mode & 0o777;
    expect([entry.name, mode & 0o077]).toEqual([entry.name, 0]);
  }
  chmodSync(`${device.home}/default/keystore`, 0o644);
  const refused = await device.run(['ls', '/']);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toMatch(/hint: /);
  chmodSync(`${device.home}/default/keystore`, 0o600);
  writeFileSync(`${device.home}/default/keystore`, readFileSync(`${device.home}/default/keystore`).subarray(0, 100));
  expect((await device.run(['ls', '/'])).stderr).toMatch(/^error: [^\n]+\n(hint: [^\n]+\n)?$/);
  rmSync(`${device.home}/default`, { recursive: true });
  expect((await device.run(['ls', '/'])).exitCode).toBe(3);
});
