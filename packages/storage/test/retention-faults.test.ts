import type { EntryId } from '@coffer/core';
import { dayMs, randomUnit } from '@coffer/core';
import type { Ref } from '@coffer/journal';
import { putRef, testRandom, TestVault } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { Facts } from '../src/facts/facts.ts';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import type { Storage } from '../src/index.ts';
import type { Disk } from '../src/packs/disk.ts';
import { LocalPacks } from '../src/packs/local-packs.ts';
import { nodeDisk } from '../src/packs/node-disk.ts';
import { recordKinds } from '../src/packs/pack-format.ts';
import { scanRange } from '../src/recovery/index-pack.ts';
import { decodeStatement } from '../src/statement.ts';
import { relocate } from '../src/testing/fault-bench.ts';
import { failingCalls, FaultBench } from '../src/testing/index.ts';
import { Client, newEntry } from './support/client.ts';
import { indexTables } from './support/index-tables.ts';
import { StorageBench } from './support/storage-bench.ts';
import { TestClock } from './support/test-clock.ts';

/** States played; a longer run is asked for in the environment. */
const states = Number(process.env['COFFER_EXPIRY_CUTS'] ?? 40);

/** The versions that whole expiry statements in the packs name, as `entry seq`. */
async function namedInPacks(path: string, disk: Disk = nodeDisk): Promise<string[]> {
  const deps = { disk, clock: new TestClock(), random: testRandom(1) };
  await using packs = new LocalPacks({ path, packBytes: 1 << 20 }, deps);
  const named = new Set<string>();
  for await (const pack of packs.list()) {
    if (pack.kind !== 'journal') continue;
    for await (const scanned of scanRange(packs, { pack, from: 0, to: pack.bytes })) {
      if (scanned.type !== 'record' || scanned.header.kind !== recordKinds.statement) continue;
      const statement = decodeStatement(Uint8Array.from(scanned.payload));
      if (statement?.type === 'expiry')
        for (const [entry, seq] of statement.versions) named.add(`${entry.toHex()} ${seq}`);
    }
  }
  return [...named].toSorted();
}

/** The versions that are gone according to an index, as `entry seq`. */
function goneIn(path: string): string[] {
  const rows = indexTables(join(path, 'index.db'))['tombstones'] ?? [];
  return rows.map((row) => row.split(' ').slice(1, 3).join(' ')).toSorted();
}

test.each([1, 2, 3])('a process that ends at expiry %i completes it when it starts again', async (count) => {
  const clock = new TestClock();
  await using bench = await StorageBench.open({ clock });
  const share = new TestVault({ owner: bench.owner, kind: 'share' });
  await bench.storage.createVault(share.genesis);
  for (const client of [new Client(bench), new Client(bench, share)]) {
    const entry = newEntry();
    for (let version = 0; version < 9; version += 1)
      await client.append(client.put(await client.upload(new Uint8Array(100)), entry));
    await client.append({ kind: 'purge', entry, seqs: [6, 7] });
  }
  await bench.stop();
  clock.advance(7 * dayMs);
  await bench.stop();
  // The statement is durable, its effect is not.
  const fault = { methods: ['expireVersions'], at: count, code: 'IO' } as const;
  const openFacts = async (path: string): Promise<Facts> =>
    failingCalls<Facts>(await SqliteFacts.open(path, { thread: 'same' }), fault);
  await bench.start({ openFacts });
  await bench.storage.acceptClock();
  if (count === 3) clock.advance(90 * dayMs);
  await expect(bench.storage.expire()).rejects.toMatchObject({ code: 'IO' });
  expect(bench.fatal).toHaveLength(1);
  await expect(bench.storage.expire()).rejects.toMatchObject({ code: 'IO' });
  await bench.stop();
  const named = await namedInPacks(bench.path);
  expect(goneIn(bench.path).length).toBeLessThan(named.length);
  await bench.start({ openFacts: (path) => SqliteFacts.open(path, { thread: 'same' }) });
  expect(await new Client(bench).findings()).toEqual([]);
  await bench.stop();
  expect(goneIn(bench.path)).toEqual(named);
  const live = indexTables(join(bench.path, 'index.db'));
  await bench.removeIndex();
  await bench.start();
  await bench.stop();
  expect(indexTables(join(bench.path, 'index.db'))).toEqual(live);
});

/** Versions of three files, one of them removed, and later the expiry of some of them. */
async function passDays(bench: FaultBench, clock: TestClock, storage: Storage): Promise<void> {
  const { workload } = bench;
  await workload.begin(storage);
  const entries: EntryId[] = [newEntry(), newEntry(), newEntry()];
  for (let version = 0; version < 24; version += 1) {
    const writer = await storage.putChunks({ vault: workload.vault.id, uploader: workload.account, kind: 'chunk' });
    const id = testRandom(version + 500).bytes(32);
    await writer.put(id, new Uint8Array(300 + version));
    await writer.finish();
    const entry = entries[version % 3] ?? newEntry();
    await append(bench, storage, putRef(entry, { uploader: workload.account, ids: [id] }));
  }
  await append(bench, storage, { kind: 'drop', entries: entries.slice(0, 1), reason: 'removed' });
  clock.advance(91 * dayMs);
}

async function append(bench: FaultBench, storage: Storage, ref: Ref): Promise<void> {
  const { vault, device } = bench.workload;
  const commit = vault.make({ by: device, refs: [ref] });
  await storage.append(vault.id, [commit]);
  vault.add(commit);
}

test('no power cut lets go what no statement names, nor keeps what one does', async () => {
  const clock = new TestClock();
  await using bench = await FaultBench.open(3);
  const snapshots = [];
  {
    await using storage = await bench.start({ clock });
    await passDays(bench, clock, storage);
    snapshots.push(await bench.snapshot());
    expect(await storage.expire()).toMatchObject({ versions: 8 + 6 });
    snapshots.push(await bench.snapshot());
    await append(bench, storage, { kind: 'policy', policy: { versions: 1, days: 0, trashDays: 1 } });
    clock.advance(8 * dayMs);
    expect(await storage.expire()).toMatchObject({ versions: 8 });
    snapshots.push(await bench.snapshot());
  }
  const [first] = snapshots;
  const seen = new Set<number>();
  for (let seed = 0; seed < states; seed += 1) {
    const random = testRandom(seed);
    const begin = first?.events ?? 0;
    const events = begin + Math.floor(randomUnit(random) * (bench.disk.events.length - begin + 1));
    const before = snapshots.filter((snapshot) => snapshot.events <= events);
    const found = before[Math.floor(randomUnit(random) * before.length)];
    if (!found) throw new TypeError('no snapshot');
    const disk = bench.disk.afterPowerCut(random, events);
    const path = await bench.fork(found, { index: randomUnit(random) > 0.1 });
    {
      await using storage = await bench.start({ disk, path, clock });
      expect((await storage.head(bench.workload.vault.id))?.seq).toBeGreaterThanOrEqual(26);
    }
    const named = await namedInPacks(path, relocate(disk, path, bench.path));
    expect(goneIn(path)).toEqual(named);
    seen.add(named.length);
    const damage = (await bench.check(disk, path)).filter(({ kind }) => kind !== 'record' && kind !== 'pack');
    expect(damage).toEqual([]);
  }
  expect(seen.size).toBeGreaterThan(1);
}, 600_000);
