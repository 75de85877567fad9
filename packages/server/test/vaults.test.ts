import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, jest, test } from '@jest/globals';
import { concatBytes, idKey, newEntryId, systemClock, systemRandom } from '@coffer/core';
import { parseCommit } from '@coffer/journal';
import { filePut, TestAccount, TestVault, type TestDevice } from '@coffer/journal/testing';
import {
  collect,
  dial,
  enrol,
  frames,
  open,
  prove,
  TestDaemon,
  TestSite,
  untilTrue,
  type Greeted,
} from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

let site: TestSite;
let server: TestDaemon;
let ann: { account: TestAccount; device: TestDevice };
let bob: { account: TestAccount; device: TestDevice };
let stack: AsyncDisposableStack;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 1);
  bob = await site.addAccount('bob', 2);
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

async function session(device = ann.device, role: 'control' | 'bulk' = 'control'): Promise<Greeted> {
  return stack.use(await open(server.port, device, role));
}

async function putChunks({ connection }: Greeted, vault: Uint8Array, count: number) {
  const chunks = Array.from({ length: count }, () => ({
    id: systemRandom.bytes(32),
    payload: systemRandom.bytes(3000),
  }));
  const data = frames(...chunks.map(({ id, payload }) => [id, payload]));
  const { response } = await connection.request('chunk.put', { vault, kind: 'chunk' }, { data });
  return { chunks, response };
}

describe('a vault over the wire', () => {
  let vault: TestVault;

  beforeAll(async () => {
    vault = new TestVault({ owner: ann.account });
    await using greeted = await open(server.port, ann.device);
    await greeted.connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
  });

  test('the server computes the id of a new vault itself', async () => {
    const { connection } = await session();
    const { vaults } = (await connection.request('vault.list', {})).response;
    const mine = vaults.find(({ kind }) => kind === 'home');
    expect(mine).toMatchObject({
      vault: vault.id,
      owner: ann.account.account,
      role: 'owner',
      seq: 1,
      head: vault.genesis.hash,
    });
  });

  test('chunks go up, a commit refers to them, another connection hears of it, pulls it and gets the chunks', async () => {
    const [writer, watcher] = [await session(), await session()];
    await watcher.connection.request('vault.watch', { vaults: [vault.id] });
    await writer.connection.request('vault.watch', { vaults: [vault.id] });
    const { chunks, response } = await putChunks(writer, vault.id, 5);
    expect(response).toEqual({ stored: 5, duplicates: 0, bytes: 15_000 });
    const ids = concatBytes(...chunks.map(({ id }) => id));
    const has = await writer.connection.request('chunk.has', {
      vault: vault.id,
      ids: concatBytes(ids, new Uint8Array(32)),
    });
    expect([...has.response.present]).toEqual([0b11111]);

    const file = filePut({
      entry: newEntryId(systemClock, systemRandom),
      name: 'a.txt',
      uploader: ann.account.account,
      ids: chunks.map(({ id }) => id),
    });
    const commit = vault.append({ by: ann.device, refs: [file.ref], operations: [file.operation] });
    const ack = await writer.connection.request('vault.append', { vault: vault.id }, { data: frames(commit.bytes) });
    expect(ack.response).toMatchObject({ seq: vault.state.seq, head: vault.state.head });
    await untilTrue(() => watcher.events.length > 0);
    expect(watcher.events).toEqual([{ name: 'vault.advanced', message: { vault: vault.id, seq: vault.state.seq } }]);
    expect(writer.events).toEqual([]);

    const pulled = await watcher.connection.request('vault.pull', { vault: vault.id, after: vault.state.seq - 1 });
    expect(pulled.response.seq).toBe(vault.state.seq);
    const [record = new Uint8Array(0)] = await collect(pulled.data);
    expect(idKey(parseCommit(record.subarray(8)).hash)).toBe(idKey(commit.hash));

    const asked = { vault: vault.id, uploader: ann.account.account, ids };
    const got = await collect((await watcher.connection.request('chunk.get', asked)).data);
    expect(got.map((payload) => idKey(payload))).toEqual(
      chunks.map(({ id, payload }) => idKey(concatBytes(id, payload))),
    );
    const usage = await watcher.connection.request('usage.show', {});
    expect(usage.response).toMatchObject({ files: 1, versions: 1, quotaBytes: null });
  });

  test('an append on an old head is CONFLICT with the position, and the writer goes on after a pull', async () => {
    const { connection } = await session();
    const stale = vault.make({ by: ann.device, header: { seq: vault.state.seq } });
    const refused = connection.request('vault.append', { vault: vault.id }, { data: frames(stale.bytes) });
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT', details: { seq: vault.state.seq } });
    const commit = vault.append({ by: ann.device });
    await connection.request('vault.append', { vault: vault.id }, { data: frames(commit.bytes) });
    const { response } = await connection.request('vault.head', { vault: vault.id });
    expect(response.seq).toBe(vault.state.seq);
  });

  test('a commit that refers to chunks which are not there says which', async () => {
    const { connection } = await session();
    const id = systemRandom.bytes(32);
    const file = filePut({
      entry: newEntryId(systemClock, systemRandom),
      name: 'gone',
      uploader: ann.account.account,
      ids: [id],
    });
    const commit = vault.make({ by: ann.device, refs: [file.ref], operations: [file.operation] });
    const refused = connection.request('vault.append', { vault: vault.id }, { data: frames(commit.bytes) });
    const details = { count: 1, missing: Buffer.from(id).toString('base64') };
    await expect(refused).rejects.toMatchObject({ code: 'MISSING_CHUNKS', details });
  });

  test('a commit of another author is not taken, whoever sends it', async () => {
    const other = new TestAccount(77, site.server);
    const foreign = new TestVault({ owner: other });
    const { connection } = await session();
    const created = connection.request('vault.create', {}, { data: frames(foreign.genesis.bytes) });
    await expect(created).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const second = { ...ann.device, device: new Uint8Array(16).fill(3) };
    const commit = vault.make({ by: second });
    const appended = connection.request('vault.append', { vault: vault.id }, { data: frames(commit.bytes) });
    await expect(appended).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  });

  test('a stranger is told that there is no such vault, for every operation on it', async () => {
    const { connection } = await session(bob.device);
    const ids = systemRandom.bytes(32);
    const noData = frames();
    const tries = [
      connection.request('vault.head', { vault: vault.id }),
      connection.request('vault.pull', { vault: vault.id, after: 0 }),
      connection.request('vault.watch', { vaults: [vault.id] }),
      connection.request('chunk.has', { vault: vault.id, ids }),
      connection.request('chunk.get', { vault: vault.id, uploader: ann.account.account, ids }),
      connection.request('chunk.put', { vault: vault.id, kind: 'chunk' }, { data: noData }),
      connection.request('vault.append', { vault: vault.id }, { data: frames() }),
      connection.request('vault.head', { vault: systemRandom.bytes(32) }),
    ];
    for (const refused of await Promise.allSettled(tries)) {
      expect(refused).toMatchObject({
        status: 'rejected',
        reason: { code: 'NOT_FOUND', message: 'there is no such vault' },
      });
    }
    expect((await connection.request('vault.list', {})).response.vaults).toEqual([]);
  });

  test('a missing chunk is NOT_FOUND naming it, after the ones found', async () => {
    const { connection } = await session();
    const absent = new Uint8Array(32).fill(5);
    const { data } = await connection.request('chunk.get', {
      vault: vault.id,
      uploader: ann.account.account,
      ids: absent,
    });
    await expect(collect(data)).rejects.toMatchObject({ code: 'NOT_FOUND', details: { id: idKey(absent) } });
  });

  test('a revoked device is cut off at once; the one that revoked it goes on', async () => {
    const doomed = ann.account.enroll({ name: 'old phone' });
    const keeper = await session();
    await enrol(server.port, 'ann', ann.account.statements.slice(-1));
    const old = await session(doomed);
    ann.account.revoke(doomed.device);
    await keeper.connection.request('account.appendIdentity', {
      statement: ann.account.statements.at(-1) ?? new Uint8Array(0),
    });
    await old.connection.closed;
    await expect(old.connection.request('vault.list', {})).rejects.toMatchObject({ code: 'REFUSED' });
    const again = stack.use(await dial(server.port));
    await expect(prove(again, doomed)).rejects.toMatchObject({ code: 'REFUSED' });
    await expect(keeper.connection.request('vault.head', { vault: vault.id })).resolves.toBeDefined();
  });

  test('a worker is kept to its vaults', async () => {
    const other = new TestVault({ owner: ann.account, kind: 'share' });
    const keeper = await session();
    await keeper.connection.request('vault.create', {}, { data: frames(other.genesis.bytes) });
    const worker = ann.account.enroll({ name: 'nightly', scope: 'worker', vaults: [vault.id] });
    await enrol(server.port, 'ann', ann.account.statements.slice(-1));
    const { connection } = await session(worker);
    await expect(connection.request('vault.head', { vault: vault.id })).resolves.toBeDefined();
    await expect(connection.request('vault.head', { vault: other.id })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect((await connection.request('vault.list', {})).response.vaults).toHaveLength(1);
  });

  test('the security log holds ids, codes and counts', () => {
    const append = server.audit.find(({ event }) => event.event === 'vault.append')?.event;
    expect(append).toMatchObject({
      status: 'OK',
      operation: 0x0405,
      account: ann.account.account,
      counts: { commits: 1 },
    });
    const refused = server.audit.filter(({ event }) => event.event === 'vault.append').map(({ event }) => event.status);
    expect(refused).toEqual(expect.arrayContaining(['CONFLICT', 'MISSING_CHUNKS', 'NOT_ALLOWED']));
    const gets = server.audit.filter(({ event }) => event.event === 'chunk.get').map(({ event }) => event.status);
    expect(gets).toEqual(expect.arrayContaining(['OK', 'NOT_FOUND']));
    expect(server.audit.some(({ category, event }) => category === 'auth' && event.event === 'session.prove')).toBe(
      true,
    );
    expect(JSON.stringify(server.audit)).not.toContain('a.txt');
  });
});
