import type { ChunkId } from '@coffer/core';
import { concatBytes } from '@coffer/core';
import { segmentId } from '@coffer/journal';
import { equal, rejects } from 'node:assert/strict';
import type { Facts } from '../facts/facts.ts';
import type { ContractCase } from './contract.ts';
import { entry, FactsBench, testId } from './facts-bench.ts';

/** The pack that `FactsBench` stores chunks in, and a time after the grace of all of them. */
const pack = 'c'.repeat(32);
const other = 'e'.repeat(32);
const later = { after: 0, nowMs: 5000 };

/** What every `Facts` promises about collection. */
export const collectionContract: readonly ContractCase<Facts>[] = [
  {
    name: 'what nothing refers to is swept when its grace is over',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna } = bench;
      const ids = await bench.store(3);
      await bench.append([bench.put(1, ids.slice(0, 1))]);
      equal((await facts.sweepChunks({ after: 0, nowMs: 1000 })).chunks, 0);
      const { chunks, bytes, segments, next } = await facts.sweepChunks(later);
      alike([chunks, bytes, segments.length, next], [2, 1000, 0, undefined]);
      const usage = await facts.usage(anna.account);
      alike([usage.chunkBytes, usage.uncommittedBytes], [500, 0]);
      alike(await claim(bench, ids), [true, false, false]);
      equal((await facts.sweepChunks(later)).chunks, 0);
    },
  },
  {
    name: 'what is claimed again stays for the new grace',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const ids = await bench.store(2);
      await claim(bench, ids.slice(1), 10_000_000);
      equal((await bench.facts.sweepChunks(later)).chunks, 1);
      alike(await claim(bench, ids), [false, true]);
    },
  },
  {
    name: 'a prepared append pins its chunks until it is cancelled',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const ids = await bench.store(1);
      const commit = bench.home.make({ by: bench.device, refs: [bench.put(1, ids)] });
      equal((await bench.prepare(commit)).status, 'ready');
      equal((await bench.facts.sweepChunks(later)).chunks, 0);
      await bench.facts.cancelAppend(bench.token);
      equal((await bench.facts.sweepChunks(later)).chunks, 1);
      equal((await bench.prepare(commit)).status, 'missing');
    },
  },
  {
    name: 'a garbage segment gives back what it referred to, in every vault',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna } = bench;
      const payload = await bench.storeSegment(2);
      const swept = await facts.sweepChunks(later);
      alike([swept.chunks, swept.segments.map(({ bytes }) => bytes)], [0, [700]]);
      const owner = anna.account;
      equal((await facts.collectSegments({ owner, payloads: [payload], nowMs: 1000 })).chunks, 0);
      alike(await facts.collectSegments({ owner, payloads: [payload], nowMs: 5000 }), { chunks: 1, bytes: 700 });
      equal((await facts.usage(owner)).uncommittedBytes, 1000);
      equal((await facts.sweepChunks(later)).chunks, 2);
      alike((await facts.usage(owner)).chunkBytes, 0);
    },
  },
  {
    name: 'a segment that is referred to is not collected, whoever says so',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna } = bench;
      const payload = await bench.storeSegment(2);
      await bench.append([{ kind: 'put', entry: entry(1), chunks: [], segments: segmentId(payload) }]);
      const { chunks, segments } = await facts.sweepChunks(later);
      alike([chunks, segments], [0, []]);
      const again = await facts.collectSegments({ owner: anna.account, payloads: [payload], nowMs: 5000 });
      alike(again, { chunks: 0, bytes: 0 });
    },
  },
  {
    name: 'a full pack that is mostly garbage is to be compacted, and goes when it holds nothing',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts } = bench;
      const ids = await bench.store(4, 4000);
      await bench.append([bench.put(1, ids.slice(0, 1))]);
      await facts.sweepChunks(later);
      alike(await facts.packsToCompact(undefined, 10), []);
      await seal(bench, pack);
      const [use] = await facts.packsToCompact(undefined, 10);
      alike([use?.pack, use?.liveBytes], [pack, 4000]);
      alike(await facts.packsToCompact(use, 10), []);
      alike(await facts.emptyPacks(10), []);
      const [record, ...more] = await facts.liveRecords({ pack, after: 0, limit: 10 });
      alike([hex(record?.id), record?.bytes, more.length], [hex(ids[0]), 4000, 0]);
      alike(await facts.liveRecords({ pack, after: record?.offset ?? 0, limit: 10 }), []);
      await facts.forgetPack(pack);
      equal((await facts.packs()).length, 2);
      await move(bench, record?.offset);
      alike(await facts.packsToCompact(undefined, 10), []);
      alike(
        (await facts.emptyPacks(10)).map((empty) => empty.pack),
        [pack],
      );
      const look = { vault: bench.home.id, owner: bench.anna.account, uploader: bench.anna.account };
      const [place] = await facts.readableChunks({ ...look, ids: ids[0] });
      alike([place?.pack, place?.offset, place?.bytes], [other, 12, 4000]);
      await facts.forgetPack(pack);
      alike((await facts.packs()).map((known) => known.pack).toSorted(), ['d'.repeat(32), other]);
    },
  },
  {
    name: 'what was collected while it was copied stays collected',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const [id] = await bench.store(1);
      const offset = await offsetOf(bench, 0);
      await bench.facts.sweepChunks(later);
      await move(bench, offset);
      alike(await claim(bench, [id]), [false]);
      equal((await bench.facts.usage(bench.anna.account)).chunkBytes, 0);
    },
  },
  {
    name: 'a lost chunk is missing for appends, is listed for its vault, and heals when it is sent again',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const ids = await bench.store(2);
      await bench.append([bench.put(1, ids)]);
      await facts.markChunks({ pack, offsets: [await offsetOf(bench, 1)], lost: true });
      const lost = await facts.lostChunks({ vault: home.id, after: undefined, limit: 10 });
      alike(
        lost.map(({ id, uploader, segment }) => [hex(id), hex(uploader), segment]),
        [[hex(ids[1]), hex(anna.account), false]],
      );
      alike(await facts.lostChunks({ vault: home.id, after: ids[1], limit: 10 }), []);
      alike(await facts.lostChunks({ vault: new Uint8Array(32), after: undefined, limit: 10 }), []);
      alike(await claim(bench, ids), [true, false]);
      equal((await bench.prepare(home.make({ by: bench.device, refs: [bench.put(2, ids)] }))).status, 'missing');
      const question = { owner: anna.account, vault: home.id, uploader: anna.account, kind: 'chunk' } as const;
      equal(facts.isStored({ ...question, id: ids[1] ?? testId(0) }), false);
      await bench.index(ids.slice(1), { bytes: 700 });
      alike(await facts.lostChunks({ vault: home.id, after: undefined, limit: 10 }), []);
      const usage = await facts.usage(anna.account);
      alike([usage.chunkBytes, usage.uncommittedBytes], [1200, 0]);
      equal(await facts.hasUnplaced(anna.account), false);
    },
  },
  {
    name: 'a whole pack is lost and found, and a pack with lost chunks is not compacted',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, home } = bench;
      const ids = await bench.store(2, 4000);
      await bench.append([bench.put(1, ids.slice(0, 1))]);
      await seal(bench, pack);
      await facts.markChunks({ pack, lost: true });
      await facts.sweepChunks(later);
      alike(await facts.packsToCompact(undefined, 10), []);
      equal((await facts.lostChunks({ vault: home.id, after: undefined, limit: 10 })).length, 1);
      await facts.markChunks({ pack, offsets: [await offsetOf(bench, 0)], lost: false });
      equal((await facts.packsToCompact(undefined, 10)).length, 1);
    },
  },
  {
    name: 'a lost segment heals without counting its content twice',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const payload = await bench.storeSegment(2);
      await bench.append([{ kind: 'put', entry: entry(1), chunks: [], segments: segmentId(payload) }]);
      await facts.markChunks({ pack, offsets: [await offsetOf(bench, 2)], lost: true });
      const [lost] = await facts.lostChunks({ vault: home.id, after: undefined, limit: 10 });
      alike([hex(lost?.id), hex(lost?.uploader), lost?.segment], [hex(segmentId(payload)), hex(anna.account), true]);
      await bench.indexSegment(payload);
      alike(await facts.lostChunks({ vault: home.id, after: undefined, limit: 10 }), []);
      alike(await facts.recount(), []);
      await facts.sweepChunks(later);
      equal((await facts.usage(anna.account)).chunkBytes, 1700);
    },
  },
  {
    name: 'what a recovery noted as missing has no place until it is sent',
    async run(make) {
      await using bench = await FactsBench.open(make);
      const { facts, anna, home } = bench;
      const commit = home.append({ by: bench.device, refs: [bench.put(1, [testId(90)])] });
      await bench.prepareWith({ recovering: true }, commit);
      await bench.apply(commit);
      equal(await facts.hasUnplaced(anna.account), true);
      equal((await facts.lostChunks({ vault: home.id, after: undefined, limit: 10 })).length, 1);
      equal((await facts.sweepChunks(later)).chunks, 0);
      await bench.index([testId(90)], { bytes: 321 });
      equal(await facts.hasUnplaced(anna.account), false);
      alike(await facts.recount(), []);
    },
  },
  {
    name: 'a recount that is stopped says so',
    async run(make) {
      await using bench = await FactsBench.open(make);
      await bench.store(1);
      await rejects(bench.facts.recount(AbortSignal.abort(new Error('enough'))), /enough/);
    },
  },
];

async function claim(bench: FactsBench, ids: readonly ChunkId[], graceUntilMs = 1): Promise<readonly boolean[]> {
  const { account } = bench.anna;
  const scope = { owner: account, vault: bench.home.id, uploader: account };
  return bench.facts.claimChunks({ ...scope, ids: concatBytes(...ids), graceUntilMs });
}

async function seal({ facts, anna }: FactsBench, name: string): Promise<void> {
  const progress = { owner: anna.account, kind: 'chunks', pack: name, indexedBytes: 26_000, sealed: true } as const;
  await facts.advancePacks([progress]);
}

/** Of the how-manieth record of the pack. */
async function offsetOf({ facts }: FactsBench, index: number): Promise<number> {
  const records = await facts.liveRecords({ pack, after: 0, limit: 10 });
  return records[index]?.offset ?? 0;
}

async function move({ facts, anna }: FactsBench, fromOffset = 0): Promise<void> {
  const { account: owner } = anna;
  await facts.indexChunks({
    owner,
    groups: [],
    moved: [{ owner, from: pack, fromOffsets: [fromOffset], to: other, offsets: [12] }],
    packs: [{ owner, kind: 'chunks', pack: other, indexedBytes: 4012, sealed: false }],
    graceUntilMs: 1,
  });
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

/** Equal as data: what crossed threads or realms is not of the same classes. */
function alike(actual: unknown, expected: unknown): void {
  equal(JSON.stringify(actual), JSON.stringify(expected));
}
