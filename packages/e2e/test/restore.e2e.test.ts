import { expect, jest, test } from '@jest/globals';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SyncReport } from '@coffer/sync';
import { Coffer, compareTrees, Daemon, makeTree, startVault } from '../src/index.ts';
import type { Vault } from '../src/index.ts';

// Two servers one after the other, and some twenty commands.
jest.setTimeout(600_000);

/** What a backup tool of the administrator takes while the daemon runs: packs and finished backups, nothing else. */
async function copyAway(vault: Vault, to: string): Promise<void> {
  const backup = await vault.machine.json<{ path: string; verified: boolean }>([
    'admin',
    'backup',
    '--storage',
    vault.storage,
  ]);
  expect(backup).toMatchObject({ verified: true, path: expect.stringContaining('/backups/') });
  mkdirSync(to);
  for (const name of ['users', 'backups']) cpSync(join(vault.storage, name), join(to, name), { recursive: true });
}

function restore(vault: Vault, storage: string, machine: Coffer = vault.machine) {
  return machine.run(['admin', 'restore', '--storage', storage, '--reason', 'the disk broke', '--json']);
}

async function serveFrom(vault: Vault, storage: string): Promise<Daemon> {
  const { certs, logs, machine, daemon } = vault;
  return await Daemon.start({ storage, certs, logs, home: machine.home, port: daemon.port });
}

test('a server comes back from users/ and a backup on an empty machine, and both devices go on', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const laptop = await vault.device();
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  makeTree({ target: source, files: 40, oddities: 'none' });
  await device.json(['sync', source, '/tree']);
  await laptop.json(['sync', copy, '/tree', '--mode', 'pull']);
  const storage = vault.folder.join('restored');
  await copyAway(vault, storage);
  await vault.daemon.kill9();
  rmSync(vault.storage, { recursive: true });

  const stranger = new Coffer(await vault.folder.folder('stranger'));
  const withoutKey = await restore(vault, storage, stranger);
  expect(withoutKey).toMatchObject({
    exitCode: 4,
    error: { code: 'NOT_FOUND', message: expect.stringContaining('authority key') },
  });
  expect((await restore(vault, storage)).json).toMatchObject({
    generation: 2,
    accounts: 2,
    vaults: 2,
    unknownAccounts: 0,
  });
  expect((await stranger.run(['admin', 'check', '--read-data', '--storage', storage])).exitCode).toBe(0);
  await using daemon = await serveFrom(vault, storage);
  expect(daemon.running).toBe(true);

  writeFileSync(join(source, 'after.txt'), 'written after the crash\n');
  const told = await device.run(['sync', source, '/tree']);
  expect(told).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/began anew on .+ UTC.+: the disk broke/) });
  expect(told.stderr).not.toContain('has lost');
  expect((await device.run(['sync', source, '/tree'])).stderr).not.toContain('began anew');
  const down = await laptop.run(['sync', copy, '/tree', '--mode', 'pull']);
  expect(down).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('began anew') });
  expect(compareTrees(source, copy)).toEqual([]);

  // A password is still what it was: the login secret came back from its sealed copy.
  const fresh = await vault.device();
  await fresh.json(['sync', vault.folder.join('fresh'), '/tree', '--mode', 'pull']);
  expect(compareTrees(source, vault.folder.join('fresh'))).toEqual([]);
});

test('packs from an older copy: a device that was ahead says what happened, and sends again what it has', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  const laptop = await vault.device();
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  makeTree({ target: source, files: 20, oddities: 'none' });
  const sync = ['sync', source, '/tree', '--mode', 'two-way'];
  await device.json(sync);
  await laptop.json(['sync', copy, '/tree', '--mode', 'pull']);
  const storage = vault.folder.join('restored');
  await copyAway(vault, storage);
  mkdirSync(join(source, 'later'));
  for (const n of [1, 2, 3]) {
    writeFileSync(join(source, 'later', `${n}.txt`), `lost by the server ${n}\n`);
    await device.json(sync);
  }
  await vault.daemon.kill9();
  expect((await restore(vault, storage)).exitCode).toBe(0);
  await using daemon = await serveFrom(vault, storage);
  expect(daemon.running).toBe(true);

  // Another device is faster, and takes the positions that the first one knows otherwise.
  writeFileSync(join(copy, 'from the laptop.txt'), 'new\n');
  const other = await laptop.run(['sync', copy, '/tree']);
  expect(other).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('began anew') });
  expect(other.stderr).not.toContain('has lost');
  for (const n of [1, 2, 3, 4]) await laptop.json(['mkdir', `/laptop ${n}`]);

  const behind = await device.run([...sync, '--json']);
  expect(behind.stderr).toContain('it has lost the newest changes');
  expect(behind.json).toMatchObject({
    sent: 3,
    received: 1,
    removed: 0,
    receivedRemoved: 0,
    failed: 0,
  } satisfies Partial<SyncReport>);
  const again = await device.run([...sync, '--json']);
  expect(again.json).toMatchObject({ sent: 0, modified: 0, failed: 0 });
  expect(again.stderr).toBe('');
  await laptop.json(['sync', copy, '/tree', '--mode', 'pull']);
  expect(readFileSync(join(copy, 'later', '3.txt'), 'utf8')).toBe('lost by the server 3\n');
});

test('a generation that nobody vouches for is refused, and so is a lower one', async () => {
  await using vault = await startVault();
  const { device } = vault.user;
  await device.json(['mkdir', '/a']);
  const storage = vault.folder.join('restored');
  await copyAway(vault, storage);
  await vault.daemon.kill9();
  await restore(vault, storage);
  const { daemon } = vault;
  const answer = async (generation: number, forge?: (signed: Uint8Array) => Uint8Array) => {
    writeFileSync(join(storage, 'generation'), `${generation}\n`);
    if (forge !== undefined) forgeStatement(storage, { generation, forge });
    await using serving = await serveFrom(vault, storage);
    expect(serving.port).toBe(daemon.port);
    const { exitCode, error } = await device.run(['ls', '/', '--json']).then(async (listed) => {
      const pulled = await device.run(['status', '--json']);
      return listed.exitCode === 0 ? pulled : listed;
    });
    return exitCode === 0 ? 'accepted' : `${exitCode} ${error?.code ?? ''}`;
  };
  expect(await answer(7)).toMatch(/^9/);
  expect(await answer(7, () => new Uint8Array(100))).toMatch(/^9/);
  // The statement of another generation, and one with a byte changed.
  expect(await answer(7, (signed) => signed)).toMatch(/^9/);
  expect(await answer(2, (signed) => signed.with(60, (signed[60] ?? 0) ^ 1))).toMatch(/^9/);
  expect(await answer(2, (signed) => signed.with(60, (signed[60] ?? 0) ^ 1))).toBe('accepted');
  expect(await answer(1)).toMatch(/^9/);
});

function forgeStatement(
  storage: string,
  { generation, forge }: { readonly generation: number; readonly forge: (signed: Uint8Array) => Uint8Array },
): void {
  using db = new DatabaseSync(join(storage, 'accounts.db'));
  const signed = db.prepare("SELECT value FROM settings WHERE key = 'generation.2'").get()?.['value'] as Uint8Array;
  db.prepare('INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)').run(
    `generation.${generation}`,
    forge(signed),
  );
}
