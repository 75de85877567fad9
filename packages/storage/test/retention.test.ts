import type { ChunkId, EntryId } from '@coffer/core';
import { dayMs, hourMs, randomUnit } from '@coffer/core';
import { encodeSegment, segmentId } from '@coffer/journal';
import { putRef, testRandom, TestVault } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Client, collect, newEntry, newId } from './support/client.ts';
import { withCode } from './support/expect-code.ts';
import { FactsHook } from './support/facts-hook.ts';
import { indexTables } from './support/index-tables.ts';
import type { BenchOptions } from './support/storage-bench.ts';
import { StorageBench } from './support/storage-bench.ts';
import { TestClock } from './support/test-clock.ts';

const yearMs = 365 * dayMs;

interface Bench extends AsyncDisposable {
  readonly bench: StorageBench;
  readonly client: Client;
  readonly clock: TestClock;
  restart(): Promise<void>;
}

async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const clock = new TestClock();
  const bench = await StorageBench.open({ ...options, clock });
  return {
    bench,
    client: new Client(bench),
    clock,
    async restart() {
      await bench.stop();
      clock.restart();
      await bench.start();
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** Puts versions of one file, an hour apart, each of one chunk. */
async function putVersions({ client, clock }: Bench, count: number, entry: EntryId = newEntry()) {
  const ids: ChunkId[] = [];
  for (let index = 0; index < count; index += 1) {
    const [id = new Uint8Array(32)] = await client.upload(new Uint8Array(100 + index));
    await client.append(client.put([id], entry));
    ids.push(id);
    clock.advance(hourMs);
  }
  return { entry, ids };
}

async function isReadable({ bench, client }: Bench, id: ChunkId): Promise<boolean> {
  const read = collect(bench.storage.readChunks({ ...client.scope, ids: id }));
  return read.then(
    () => true,
    (error: unknown) => (expect(error).toMatchObject({ code: 'NOT_FOUND' }), false),
  );
}

/** The versions of an entry that are kept, and those that expired. */
async function seqsOf({ bench, client }: Bench, entry: EntryId) {
  const { kept, expired } = await bench.storage.versionsOf(client.vault.id, entry);
  return { kept: kept.map(({ seq }) => seq), expired: expired.map(({ seq, cause }) => `${seq} ${cause}`) };
}

describe('the rules', () => {
  test('keep the newest five and what is younger than ninety days; the rest goes with its chunks', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { entry, ids } = await putVersions(world, 8);
    const before = await bench.storage.usage(bench.owner.account);
    clock.advance(89 * dayMs);
    expect(await bench.storage.expire()).toEqual({ vaults: 0, versions: 0, storedBytes: 0, paused: false });
    clock.advance(dayMs);
    expect((await bench.storage.retentionOf(client.vault.id)).expiring).toMatchObject({ versions: 3 });
    expect(await bench.storage.expire()).toMatchObject({ vaults: 1, versions: 3, storedBytes: 3 * 204 + 3 });
    expect(await seqsOf(world, entry)).toEqual({
      kept: [5, 6, 7, 8, 9],
      expired: ['2 rules', '3 rules', '4 rules'],
    });
    for (const [index, id] of ids.entries()) expect([index, await isReadable(world, id)]).toEqual([index, index > 2]);
    const after = await bench.storage.usage(bench.owner.account);
    expect(after).toMatchObject({ files: 1, versions: before.versions - 3, uncommittedBytes: 3 * 204 + 3 });
    expect(await client.findings()).toEqual([]);
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
  });

  test('of the trash: thirty days for all versions of a removed file', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { entry } = await putVersions(world, 2);
    await client.append({ kind: 'drop', entries: [entry], reason: 'removed' });
    clock.advance(30 * dayMs - 1);
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
    clock.advance(1);
    expect(await bench.storage.expire()).toMatchObject({ versions: 2 });
    expect(await bench.storage.usage(bench.owner.account)).toMatchObject({ files: 0, versions: 0, trashBytes: 0 });
    expect(await client.findings()).toEqual([]);
  });

  test('a flood of junk pushes nothing out that is younger than the days', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { entry } = await putVersions(world, 1);
    for (let count = 0; count < 300; count += 1) await client.append(client.put([], entry));
    clock.advance(90 * dayMs - 1);
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
    clock.advance(1);
    expect(await bench.storage.expire()).toMatchObject({ versions: 296 });
  });

  test('the default is the server’s, a shorter policy waits seven days, a longer one does not', async () => {
    await using world = await openBench({ retention: { versions: 2, days: 3, trashDays: 4 } });
    const { bench, client, clock } = world;
    const { entry } = await putVersions(world, 4);
    const { vault } = client.scope;
    expect((await bench.storage.retentionOf(vault)).policy).toEqual({ versions: 2, days: 3, trashDays: 4 });
    const policy = { versions: 3, days: 1, trashDays: 4 };
    await client.append({ kind: 'policy', policy });
    const status = await bench.storage.retentionOf(vault);
    expect(status.policy).toEqual({ versions: 3, days: 3, trashDays: 4 });
    expect(status.pending).toEqual({ policy, fromMs: clock.nowMs() + 7 * dayMs });
    clock.advance(3 * dayMs);
    expect(await bench.storage.expire()).toMatchObject({ versions: 1 });
    clock.advance(4 * dayMs);
    expect(await bench.storage.retentionOf(vault)).toMatchObject({ policy, pending: null });
    expect(await seqsOf(world, entry)).toMatchObject({ kept: [3, 4, 5] });
  });

  test('what would go under another policy is told before it is set', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    await putVersions(world, 4);
    clock.advance(2 * dayMs);
    const harsh = { versions: 1, days: 1, trashDays: 1 };
    const { expiring } = await bench.storage.retentionOf(client.vault.id, { policy: harsh });
    expect(expiring).toEqual({ versions: 3, storedBytes: 3 * 204 + 3 });
  });
});

describe('a purge', () => {
  test('takes seven days, spares what is current then, and can be cancelled', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { entry } = await putVersions(world, 3);
    await client.append({ kind: 'purge', entry, seqs: [2, 4] });
    const { kept } = await bench.storage.versionsOf(client.vault.id, entry);
    expect(kept.map(({ purgeAtMs }) => purgeAtMs)).toEqual([clock.nowMs() + 7 * dayMs, null, null]);
    clock.advance(6 * dayMs);
    await client.append({ kind: 'purge', entry, seqs: [] });
    clock.advance(dayMs);
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
    await client.append({ kind: 'purge', entry, seqs: [2, 4] });
    clock.advance(7 * dayMs + 1);
    // It ends only now: it was current when the purge was due.
    await client.append(client.put([], entry));
    clock.advance(2 * dayMs);
    expect(await bench.storage.expire()).toMatchObject({ versions: 1 });
    expect(await seqsOf(world, entry)).toEqual({ kept: [3, 4, 8], expired: ['2 purge'] });
    expect(await client.findings()).toEqual([]);
  });
});

describe('a hold', () => {
  test('stops everything at once, and for seven days after it was taken off', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { account } = bench.owner;
    await putVersions(world, 8);
    clock.advance(yearMs);
    await bench.storage.setHold(account, { on: true, by: 'account', reason: 'audit' });
    const since = clock.nowMs();
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
    expect((await bench.storage.retentionOf(client.vault.id)).expiring.versions).toBe(3);
    clock.advance(dayMs);
    const off = await bench.storage.setHold(account, { on: false, by: 'account', reason: 'over' });
    expect(off).toEqual({ on: true, sinceMs: since, reason: 'over', endsAtMs: clock.nowMs() + 7 * dayMs });
    clock.advance(6 * dayMs);
    await bench.storage.setHold(account, { on: false, by: 'account', reason: 'again' });
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
    clock.advance(dayMs);
    expect(await bench.storage.expire()).toMatchObject({ versions: 3 });
    expect((await bench.storage.retentionOf(client.vault.id)).hold).toMatchObject({ on: false });
  });

  test('refuses purges, whose seven days would pass unseen; a purge may be cancelled', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { account } = bench.owner;
    const { entry } = await putVersions(world, 3);
    await client.append({ kind: 'purge', entry, seqs: [2] });
    await bench.storage.setHold(account, { on: true, by: 'account', reason: 'audit' });
    await expect(client.append({ kind: 'purge', entry, seqs: [2, 3] })).rejects.toThrow(withCode('NOT_ALLOWED'));
    await client.append({ kind: 'purge', entry, seqs: [] });
    await bench.storage.setHold(account, { on: false, by: 'account', reason: '' });
    clock.advance(7 * dayMs - 1);
    await expect(client.append({ kind: 'purge', entry, seqs: [2, 3] })).rejects.toThrow(withCode('NOT_ALLOWED'));
    clock.advance(2);
    expect(await bench.storage.expire()).toMatchObject({ versions: 0 });
    await client.append({ kind: 'purge', entry, seqs: [2, 3] });
  });

  test('of the administrator is not the account’s to take off', async () => {
    await using world = await openBench();
    const { bench, clock } = world;
    const { account } = bench.owner;
    await bench.storage.setHold(account, { on: true, by: 'admin', reason: 'case 7' });
    await bench.storage.setHold(account, { on: true, by: 'account', reason: 'mine' });
    clock.advance(dayMs);
    await bench.storage.setHold(account, { on: false, by: 'account', reason: '' });
    clock.advance(8 * dayMs);
    await world.restart();
    expect(await bench.storage.setHold(account, { on: false, by: 'account', reason: '' })).toMatchObject({
      on: true,
      reason: 'case 7',
      endsAtMs: null,
    });
  });
});

describe('an expired version', () => {
  test('cannot be kept again nor referred to; a chunk that another version uses stays readable', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const [shared = newId(), gone = newId()] = await client.upload(new Uint8Array(50), new Uint8Array(60));
    const entry = newEntry();
    await client.append(client.put([shared, gone], entry));
    await client.append(client.put([shared]));
    await client.append({ kind: 'drop', entries: [entry], reason: 'removed' });
    clock.advance(30 * dayMs);
    expect(await bench.storage.expire()).toMatchObject({ versions: 1 });
    await expect(client.append({ kind: 'keep', entry, seq: 2 })).rejects.toThrow(withCode('EXPIRED'));
    await expect(client.append({ kind: 'keep', entry, seq: 3 })).rejects.toThrow(withCode('INVALID'));
    expect([await isReadable(world, shared), await isReadable(world, gone)]).toEqual([true, false]);
  });

  test('of segments counts down the segments, not what they hold', async () => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const ids = await client.upload(new Uint8Array(10), new Uint8Array(20));
    const { chunks } = putRef(newEntry(), { uploader: bench.owner.account, ids });
    const segment = encodeSegment({ chunks, list: { uploader: bench.owner.account, id: ids[0] ?? newId() } });
    const writer = await bench.storage.putChunks({ ...client.scope, kind: 'segment' });
    await writer.put(segmentId(segment), segment);
    await writer.finish();
    const entry = newEntry();
    await client.append({ kind: 'put', entry, chunks: [], segments: segmentId(segment) });
    await client.append({ kind: 'drop', entries: [entry], reason: 'moved' });
    clock.advance(90 * dayMs);
    expect(await bench.storage.expire()).toMatchObject({ versions: 1 });
    const { uncommittedBytes } = await bench.storage.usage(bench.owner.account);
    expect(uncommittedBytes).toBe(104 + segment.byteLength);
    expect(await client.findings()).toEqual([]);
  });
});

test('what would go is counted for one who asks at a time, and not for who has left', async () => {
  const hook = new FactsHook('policies');
  await using world = await openBench({ openFacts: hook.openFacts });
  const { storage } = world.bench;
  const { id } = world.client.vault;
  const left = new AbortController();
  const others: Promise<unknown>[] = [];
  hook.once(async () => {
    others.push(storage.retentionOf(id), storage.retentionOf(id, { signal: left.signal }).catch(String));
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    expect(hook.calls).toBe(1);
    left.abort(new Error('left'));
  });
  expect(await storage.retentionOf(id)).toMatchObject({ pending: null });
  expect(await Promise.all(others)).toMatchObject([{ pending: null }, 'Error: left']);
  expect(hook.calls).toBe(2);
});

describe('the clock', () => {
  test.each([10 * yearMs, -10 * yearMs])('jumps by %i ms, and nothing expires early or is lost', async (jumpMs) => {
    await using world = await openBench();
    const { bench, client, clock } = world;
    const { entry } = await putVersions(world, 8);
    for (const restarted of [false, true]) {
      clock.jump(jumpMs);
      if (restarted) await world.restart();
      expect(bench.storage.clock.paused).toBe(true);
      expect(await bench.storage.expire()).toEqual({ vaults: 0, versions: 0, storedBytes: 0, paused: true });
      await client.append(client.put([], entry));
      clock.jump(-jumpMs);
      if (restarted) await world.restart();
      expect(bench.storage.clock.paused).toBe(false);
      expect(await bench.storage.expire()).toMatchObject({ versions: 0, paused: false });
    }
    expect((await seqsOf(world, entry)).kept).toHaveLength(10);
    expect(await client.findings()).toEqual([]);
  });

  test('is accepted by an administrator, and goes on from there after a restart', async () => {
    await using world = await openBench();
    const { bench, clock } = world;
    await putVersions(world, 8);
    clock.jump(10 * yearMs);
    await world.restart();
    clock.advance(20 * 60_000);
    expect(bench.storage.clock).toMatchObject({ paused: true, wallMs: clock.nowMs() });
    expect(bench.storage.clock.nowMs).toBe(clock.nowMs() - 10 * yearMs);
    await bench.storage.acceptClock();
    await world.restart();
    expect(bench.storage.clock).toEqual({ paused: false, nowMs: clock.nowMs(), wallMs: clock.nowMs() });
    expect(await bench.storage.expire()).toMatchObject({ versions: 3, paused: false });
  });

  test('takes no more than a day from a restart', async () => {
    await using world = await openBench();
    const { bench, clock } = world;
    await bench.stop();
    clock.advance(dayMs);
    await bench.start();
    expect(bench.storage.clock).toMatchObject({ nowMs: clock.nowMs(), paused: false });
    const before = bench.storage.clock.nowMs;
    await bench.stop();
    clock.advance(dayMs + 1);
    await bench.start();
    expect(bench.storage.clock).toMatchObject({ nowMs: before, paused: true });
  });

  test('goes on while the machine sleeps, night after night', async () => {
    await using world = await openBench();
    const { bench, clock } = world;
    for (let night = 0; night < 30; night += 1) {
      clock.suspend(10 * hourMs);
      expect(bench.storage.clock).toEqual({ paused: false, nowMs: clock.nowMs(), wallMs: clock.nowMs() });
      clock.advance(14 * hourMs);
    }
    expect(bench.storage.clock).toEqual({ paused: false, nowMs: clock.nowMs(), wallMs: clock.nowMs() });
  });

  test('takes a sleep of more than a day, and one in which only the wall clock went on, for a jump', async () => {
    await using world = await openBench();
    const { bench, clock } = world;
    const before = bench.storage.clock.nowMs;
    clock.suspend(dayMs + 1);
    expect(bench.storage.clock).toMatchObject({ nowMs: before, paused: true });
    await bench.storage.acceptClock();
    const accepted = bench.storage.clock.nowMs;
    clock.suspend(hourMs);
    clock.jump(9 * hourMs);
    expect(bench.storage.clock).toMatchObject({ nowMs: accepted + hourMs, paused: false });
  });

  test('does not run with a wall clock that runs too fast, nor lose time by being asked often', async () => {
    await using world = await openBench();
    const { bench, clock } = world;
    const before = bench.storage.clock.nowMs;
    for (let count = 0; count < 1000; count += 1) {
      clock.advance(0.5);
      clock.jump(hourMs);
      expect(bench.storage.clock.nowMs - before).toBe(Math.floor((count + 1) * 0.5));
    }
  });
});

test('an index made anew from the packs agrees with the one that lived through it', async () => {
  await using world = await openBench();
  const { bench, client, clock } = world;
  const random = testRandom(7);
  const luck = (below: number): number => Math.floor(randomUnit(random) * below);
  const entries = [newEntry(), newEntry(), newEntry()];
  const share = new TestVault({ owner: bench.owner, kind: 'share' });
  await bench.storage.createVault(share.genesis);
  const other = new Client(bench, share);
  const ids = await client.upload(new Uint8Array(10), new Uint8Array(20), new Uint8Array(30));
  for (let step = 0; step < 150; step += 1) {
    const entry = entries[luck(3)] ?? newEntry();
    const into = luck(3) === 0 ? other : client;
    const seq = 1 + luck(into.vault.state.seq);
    const what = luck(10);
    if (what < 5) await into.append(into.put([ids[luck(3)] ?? newId()], entry));
    else if (what === 5) await into.append({ kind: 'drop', entries: [entry], reason: luck(2) ? 'removed' : 'moved' });
    else if (what === 6) await into.append({ kind: 'keep', entry, seq }).catch(refused);
    else if (what === 7) await into.append({ kind: 'purge', entry, seqs: luck(3) ? [seq] : [] }).catch(refused);
    else if (what === 8)
      await into.append({ kind: 'policy', policy: { versions: 1 + luck(3), days: luck(9), trashDays: 1 + luck(9) } });
    else await bench.storage.setHold(bench.owner.account, { on: luck(2) === 0, by: 'admin', reason: `${step}` });
    clock.advance(luck(2 * dayMs));
    await bench.storage.expire();
  }
  await bench.stop();
  const live = indexTables(join(bench.path, 'index.db'));
  expect(live['tombstones']?.length).toBeGreaterThan(5);
  await bench.removeIndex();
  await bench.start();
  expect(await client.findings()).toEqual([]);
  await bench.stop();
  expect(indexTables(join(bench.path, 'index.db'))).toEqual(live);
});

function refused(error: unknown): void {
  expect(['EXPIRED', 'INVALID', 'NOT_ALLOWED']).toContain((error as { code?: string }).code);
}
