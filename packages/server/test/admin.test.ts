import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { idKey, systemRandom } from '@coffer/core';
import { TestVault, type TestAccount, type TestDevice } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import { collect, frames, open, TestDaemon, TestSite, untilTrue, type Greeted } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

interface Person {
  readonly account: TestAccount;
  readonly device: TestDevice;
}

let site: TestSite;
let server: TestDaemon;
let root: Person;
let ann: Person;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  root = await site.addAccount('root', 1);
  ann = await site.addAccount('ann', 2);
  await setRole(root, 'admin');
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

/** As a command beside the daemon does it. */
async function setRole({ account }: Person, role: 'user' | 'admin'): Promise<void> {
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.setRole(account.account, role);
}

async function session({ device }: Person): Promise<Greeted> {
  return stack.use(await open(server.port, device));
}

const linesOf = (category: string, event: string) =>
  server.audit.filter((line) => line.category === category && line.event.event === event).map((line) => line.event);

describe('administration from afar', () => {
  test('shows how the server is', async () => {
    const { connection } = await session(root);
    await untilTrue(async () => {
      const { response } = await connection.request('admin.status', {});
      return response.tasks.every(({ last, running }) => last?.status === 'OK' && running === null);
    });
    const { response } = await connection.request('admin.status', {});
    expect(response).toMatchObject({
      server: site.server,
      generation: 1,
      space: { writable: true },
      clock: { paused: false },
      scrub: { count: 0, first: [] },
      backups: { count: 1 },
      accounts: { count: 2 },
    });
    expect(response.tasks.map(({ task }) => task)).toEqual(['collect', 'accountsBackup', 'scrub']);
  });

  test('backs up, collects, scrubs and recounts, each with its line in the log', async () => {
    const { connection } = await session(root);
    const { response: backup } = await connection.request('admin.backup', {});
    expect(backup.accounts).toBe(2);
    expect(existsSync(backup.path)).toBe(true);
    expect((await connection.request('admin.collect', { acceptClock: true })).response.counts).toMatchObject({
      chunks: 0,
    });
    expect((await connection.request('admin.scrub', {})).response).toEqual({ count: 0, first: [] });
    expect((await connection.request('admin.recount', {})).response).toEqual({ accounts: [], more: false });
    expect(linesOf('backup', 'admin.backup')).toMatchObject([
      { phase: 'start', account: root.account.account },
      { phase: 'end', status: 'OK', counts: { accounts: 2 } },
    ]);
    for (const event of ['admin.acceptClock', 'admin.collect', 'admin.scrub', 'admin.recount'])
      expect(linesOf('admin', event).map(({ phase, status }) => `${phase} ${status}`)).toEqual(['start OK', 'end OK']);
  });

  test('makes no backup of an older state that was put in the place of accounts.db', async () => {
    const mark = join(site.storagePath, 'accounts.mark');
    const { connection } = await session(root);
    const before = readFileSync(mark);
    const digits = '0000000009999999';
    writeFileSync(mark, `${digits} ${crc32(digits).toString(16).padStart(8, '0')}\n`);
    try {
      await expect(connection.request('admin.backup', {})).rejects.toMatchObject({ code: 'DAMAGED' });
    } finally {
      writeFileSync(mark, before);
    }
  });

  test('a quota is in force for sessions that run already', async () => {
    const admin = await session(root);
    const user = await session(ann);
    const vault = new TestVault({ owner: ann.account });
    await user.connection.request('vault.create', {}, { data: frames([vault.genesis.bytes]) });
    const put = async (bytes: number) => {
      const data = frames([Buffer.concat([systemRandom.bytes(32), systemRandom.bytes(bytes)])]);
      const request = { vault: vault.id, kind: 'chunk' } as const;
      return await user.connection.request('chunk.put', request, { data }).then(
        () => 'stored',
        (error: { code: string }) => error.code,
      );
    };
    expect(await put(100_000)).toBe('stored');
    const change = { username: 'ANN', quotaBytes: 50_000, largestFileBytes: 1000 };
    await admin.connection.request('admin.userQuota', change);
    expect(await put(1000)).toBe('QUOTA');
    const { users, more } = (await admin.connection.request('admin.userList', { skip: 0 })).response;
    expect([users.map(({ username }) => username), more]).toEqual([['ann', 'root'], false]);
    expect(users[0]).toMatchObject({ quotaBytes: 50_000, largestFileBytes: 1000, role: 'user', state: 'active' });
    expect(users[0]?.storedBytes).toBeGreaterThan(100_000);
    await admin.connection.request('admin.userQuota', { username: 'ann', quotaBytes: null, largestFileBytes: 'keep' });
    expect(await put(1000)).toBe('stored');
    const after = (await admin.connection.request('admin.userList', { skip: 0 })).response.users[0];
    expect(after).toMatchObject({ quotaBytes: null, largestFileBytes: 1000 });
    expect(linesOf('admin', 'admin.userQuota').at(-1)).toMatchObject({ subject: ann.account.account, status: 'OK' });
    const nobody = admin.connection.request('admin.userQuota', { ...change, username: 'nobody' });
    await expect(nobody).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('nobody else may, and the attempt is told; who is demoted loses it at once', async () => {
    const stranger = await session(ann);
    for (const op of ['admin.status', 'admin.backup', 'admin.recount'] as const)
      await expect(stranger.connection.request(op, {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const denied = linesOf('admin', 'admin.backup');
    expect(denied).toMatchObject([{ status: 'NOT_ALLOWED', note: 'denied', account: ann.account.account }]);
    expect(linesOf('anomaly', 'admin.backup')).toEqual(denied);
    // Who asks a thousand times must not push the other lines out of the log.
    for (let n = 0; n < 200; n += 1)
      await expect(stranger.connection.request('admin.scrub', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect(linesOf('anomaly', 'admin.scrub').length).toBeLessThan(100);
    const { connection } = await session(root);
    await connection.request('admin.status', {});
    // The last one could not be.
    await setRole(await site.addAccount('spare', 3), 'admin');
    await setRole(root, 'user');
    await expect(connection.request('admin.status', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await setRole(root, 'admin');
    await connection.request('admin.status', {});
  });

  test('a restored server shows what its authority signed, in pieces', async () => {
    const { connection } = await session(ann);
    const unknown = connection.request('session.generation', { generation: 2 });
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const statement = systemRandom.bytes(300_000);
    await using accounts = await Accounts.open(site.storagePath);
    await accounts.setSetting('generation.2', statement);
    const { data } = await connection.request('session.generation', { generation: 2 });
    const pieces = (await collect(data)).map((piece) => Uint8Array.from(piece));
    expect(idKey(Buffer.concat(pieces))).toBe(idKey(statement));
  });
});
