import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { MiB } from '@coffer/core';
import { makeTestCertificate, writeTestCertificates } from '@coffer/server/testing';
import { Accounts } from '@coffer/storage';
import { Coffer, freePort, startVault, TemporaryFolder } from '../src/index.ts';
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

/** Starts one more daemon, which is expected to end by itself. */
function serving({ machine, storage, certs, folder }: Vault, port: number) {
  const where = ['--storage', storage, '--certs', certs, '--logs', folder.join('logs2'), '--port', String(port)];
  return (...args: string[]) => machine.run(['serve', ...where, ...args]);
}

test('a server whose storage, port or folder is not to be had says so in one line with a hint, and leaves nothing behind', async () => {
  await using vault = await startVault();
  const port = await freePort();
  const serve = serving(vault, port);

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

  await vault.daemon.restart();
  expect((await vault.user.device.run(['ls', '/'])).exitCode).toBe(0);
});

test('a server with certificates or settings of no use says what is wrong with them', async () => {
  await using vault = await startVault();
  await vault.daemon.stop();
  const serve = serving(vault, vault.daemon.port);
  const bad = vault.folder.join('bad-certs');
  cpSync(vault.certs, bad, { recursive: true });
  writeFileSync(`${bad}/server.pem`, 'garbage');
  expect(await serve('--certs', bad)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });
  cpSync(`${vault.certs}/server.pem`, `${bad}/server.pem`);
  cpSync(`${vault.certs}/ca.key`, `${bad}/server.key`);
  expect(await serve('--certs', bad)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });
  rmSync(`${bad}/server.pem`);
  expect(await serve('--certs', bad)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });
  // Not even root reads a folder.
  mkdirSync(`${bad}/server.pem`);
  expect(await serve('--certs', bad)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });
  rmSync(bad, { recursive: true });
  await writeTestCertificates(bad, { notAfter: yesterday() });
  const expired = await serve('--certs', bad);
  expect(expired).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(oneLineAndHint) });
  expect(expired.stderr).toContain('expired');

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

function yesterday(): Date {
  return new Date(Date.now() - 24 * 60 * 60 * 1000);
}

async function startOther(_vault: Vault, port: number) {
  const { createServer } = await import('node:net');
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Exit code and code of the error of a command. */
function running(device: Coffer) {
  return async (...args: string[]) => {
    const { exitCode, error } = await device.run([...args, '--json']);
    return [exitCode, error?.code];
  };
}

test('a client says what is missing or not possible, with the exit code of its kind', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const run = running(device);
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
  expect(await run('sync', vault.folder.path, '/', '--mode', 'both')).toEqual([2, 'INVALID']);
  expect(await run('conflicts', 'resolve', '/a')).toEqual([2, 'INVALID']);
  expect(await run('conflicts', 'resolve', '/a', '--keep', 'mine')).toEqual([4, 'NOT_FOUND']);
});

test('a client that cannot reach its server says so, and what needs no server works', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const run = running(device);
  await vault.daemon.stop();
  expect(await run('ls', '/')).toEqual([8, 'UNREACHABLE']);
  expect(await run('sync', vault.folder.join('server'), '/x')).toEqual([8, 'UNREACHABLE']);
  expect(await run('whoami')).toEqual([0, undefined]);
  expect((await device.run(['ls', '/'])).stderr).toMatch(oneLineAndHint);
});

test('a server with an expired certificate is not logged in to, and nothing is left of the try', async () => {
  await using folder = await TemporaryFolder.open();
  const { certificatePem: cert, keyPem: key } = makeTestCertificate({ notAfter: yesterday() });
  const server = createTlsServer({ cert, key, ALPNProtocols: ['coffer/1'] }).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => undefined);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const args = ['login', `user@127.0.0.1:${port}`, '--trust-first-use', '--password-stdin', '--quiet'];
    const refused = await new Coffer(folder.join('home')).run(args, { input: 'a password\n' });
    expect(refused).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(oneLineAndHint) });
    expect(refused.stderr).toContain('expired');
    expect(existsSync(folder.join('home', 'default', 'keystore'))).toBe(false);
  } finally {
    server.close();
  }
});

test('a full disk of the server: the upload stops with 7, reading and removing go on, nothing is half-done', async () => {
  // Nobody else may mount the small disk that is filled.
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  await using vault = await startVault();
  const { device } = vault.user;
  const source = await vault.folder.folder('source');
  await vault.daemon.stop();
  using _disk = mountSmallDisk(vault);
  await vault.daemon.restart();
  writeFileSync(`${source}/fits.bin`, randomBytes(2 * MiB));
  await device.json(['sync', source, '/s']);
  writeFileSync(`${source}/too-much.bin`, randomBytes(60 * MiB));
  const refused = await device.run(['sync', source, '/s', '--quiet']);
  expect(refused).toMatchObject({ exitCode: 7, stdout: '', stderr: expect.stringMatching(oneLineAndHint) });
  expect((await device.json<{ name: string }[]>(['ls', '/s'])).map(({ name }) => name)).toEqual(['fits.bin']);
  await device.json(['get', '/s/fits.bin', vault.folder.join('back.bin')]);
  expect(readFileSync(vault.folder.join('back.bin')).equals(readFileSync(`${source}/fits.bin`))).toBe(true);
  await device.json(['rm', '/s/fits.bin']);
  await vault.daemon.restart();
  expect(await device.json(['ls', '/s'])).toEqual([]);
  const check = await vault.machine.json(['admin', 'check', '--read-data', '--storage', vault.storage]);
  expect(check).toMatchObject({ clean: true });
  await vault.daemon.stop();
});

/** Puts the storage on a disk of 48 MiB; nothing may run on it. */
function mountSmallDisk({ storage, folder }: Vault): Disposable {
  const aside = folder.join('storage aside');
  cpSync(storage, aside, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'tmpfs', storage]);
  cpSync(aside, storage, { recursive: true });
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', storage]) };
}

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
  writeFileSync(`${source}/fits.bin`, randomBytes(2 * MiB));
  await small.device.json(['sync', source, '/s']);
  writeFileSync(`${source}/too-much.bin`, randomBytes(60 * MiB));
  const refused = await small.device.run(['sync', source, '/s', '--json']);
  expect(refused).toMatchObject({ exitCode: 7, error: { code: 'QUOTA' } });
  expect((await small.device.run(['cat', '/s/fits.bin'])).exitCode).toBe(0);
  expect((await small.device.run(['rm', '/s/fits.bin'])).exitCode).toBe(0);
  expect(await small.device.json(['usage'])).toMatchObject({ quotaBytes: 40 * MiB });
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
