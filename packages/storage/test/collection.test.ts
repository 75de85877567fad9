import { compareBytes, concatBytes, dayMs } from '@coffer/core';
import { encodeSegment, noIds, segmentId } from '@coffer/journal';
import type { Ref } from '@coffer/journal';
import { putRef, TestVault } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readStoredBytes } from '../src/index.ts';
import { Client, collect, newEntry, newId } from './support/client.ts';
import { damagePack } from './support/damage-pack.ts';
import { FactsHook } from './support/facts-hook.ts';
import type { BenchOptions } from './support/storage-bench.ts';
import { StorageBench } from './support/storage-bench.ts';
import { TestClock } from './support/test-clock.ts';

const packBytes = 64 * 1024;

/** A storage whose days pass as the test says. */
async function openBench(
  options: BenchOptions = {},
): Promise<{ bench: StorageBench; client: Client; clock: TestClock }> {
  const clock = new TestClock();
  const bench = await StorageBench.open({ packBytes, clock, ...options });
  return { bench, client: new Client(bench), clock };
}

function payloads(count: number, bytes = 4000): Uint8Array[] {
  return Array.from({ length: count }, () => new Uint8Array(randomBytes(bytes)));
}

async function packsOf(bench: StorageBench): Promise<{ files: number; bytes: number }> {
  const folder = join(bench.path, 'users', bench.owner.account.toHex(), 'chunks');
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

describe('collection', () => {
  test('what no commit refers to goes after a day, and its room comes back', async () => {
    const { bench, client, clock } = await openBench();
    await using _bench = bench;
    const kept = await client.upload(...payloads(3));
    await client.append(client.put(kept));
    await client.upload(...payloads(60));
    expect(await bench.storage.collect()).toMatchObject({ chunks: 0, packsCompacted: 0, bytesFreed: 0 });
    const before = await packsOf(bench);
    clock.advance(dayMs + 1);
    const done = await bench.storage.collect();
    expect(done).toMatchObject({ chunks: 60, bytes: 60 * 4104, packsCompacted: 1, bytesCopied: 3 * 4104 });
    const after = await packsOf(bench);
    expect(before.bytes - after.bytes).toBe(done.bytesFreed - done.bytesCopied);
    expect(after.files).toBeLessThan(before.files);
    expect(await bench.storage.usage(bench.owner.account)).toMatchObject({ uncommittedBytes: 0 });
    const read = await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...kept) }));
    expect(read.map(({ payload }) => payload.byteLength)).toEqual([4000, 4000, 4000]);
    expect(await client.findings()).toEqual([]);
    expect(await bench.storage.collect()).toMatchObject({ chunks: 0, packsCompacted: 0, bytesFreed: 0 });
  });

  test('asking and sending again renew the grace, of segments too', async () => {
    const { bench, client, clock } = await openBench();
    await using _bench = bench;
    const ids = await client.upload(...payloads(2));
    const { chunks } = putRef(newEntry(), { uploader: bench.owner.account, ids });
    const segments = ids.map((id) => encodeSegment({ chunks, list: { uploader: bench.owner.account, id } }));
    const send = async (): Promise<unknown> => {
      const writer = await bench.storage.putChunks({ ...client.scope, kind: 'segment' });
      for (const payload of segments.slice(0, 1)) await writer.put(segmentId(payload), payload);
      return writer.finish();
    };
    await send();
    clock.advance(dayMs / 2);
    await send();
    clock.advance(dayMs * 0.75);
    expect(await bench.storage.collect()).toMatchObject({ chunks: 0 });
    expect(await bench.storage.presentChunks({ ...client.scope, ids: segmentId(segments[0] ?? noIds) })).toEqual(
      Uint8Array.of(1),
    );
    clock.advance(dayMs * 0.75);
    expect(await bench.storage.collect()).toMatchObject({ chunks: 0 });
    clock.advance(dayMs);
    // The segment, and what only it referred to.
    expect(await bench.storage.collect()).toMatchObject({ chunks: 3 });
    expect(await client.findings()).toEqual([]);
  });

  test('an append that meets a collected chunk is told, and the client sends it again', async () => {
    const { bench, client, clock } = await openBench();
    await using _bench = bench;
    const ids = await client.upload(...payloads(2));
    clock.advance(2 * dayMs);
    await bench.storage.collect();
    await expect(client.append(client.put(ids))).rejects.toMatchObject({ code: 'MISSING_CHUNKS' });
    const writer = await bench.storage.putChunks({ ...client.scope, kind: 'chunk' });
    for (const id of ids) expect(await writer.put(id, new Uint8Array(10))).toBe('stored');
    await writer.finish();
    await client.append(client.put(ids));
    expect(await client.findings()).toEqual([]);
  });

  test('a reader whose pack goes away between the question and the read asks again', async () => {
    const hook = new FactsHook('readableChunks');
    const { bench, client, clock } = await openBench({ openFacts: hook.openFacts });
    await using _bench = bench;
    const all = await client.upload(...payloads(60));
    const kept = all.filter((_, index) => index % 4 === 0);
    await client.append(client.put(kept));
    clock.advance(2 * dayMs);
    const compacted: unknown[] = [];
    hook.once(async () => void compacted.push(await bench.storage.collect()));
    const read = await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...kept) }));
    expect(compacted).toMatchObject([{ chunks: 45, packsCompacted: 3 }]);
    expect(read.map(({ payload }) => payload.byteLength)).toEqual(kept.map(() => 4000));
    expect(await client.findings()).toEqual([]);
  });

  test('an append whose segment moves between the question and the read asks again', async () => {
    const hook = new FactsHook('prepareAppend');
    const { bench, client, clock } = await openBench({ openFacts: hook.openFacts });
    await using _bench = bench;
    const kept = await client.upload(...payloads(4));
    const { account: uploader } = bench.owner;
    const ids = concatBytes(...kept.toSorted(compareBytes));
    const payload = encodeSegment({ chunks: [{ uploader, ids }], list: { uploader, id: kept[0] ?? noIds } });
    const segments = segmentId(payload);
    const writer = await bench.storage.putChunks({ ...client.scope, kind: 'segment' });
    await writer.put(segments, payload);
    await writer.finish();
    await client.upload(...payloads(20));
    const put = (): Ref => ({ kind: 'put', entry: newEntry(), chunks: [], segments });
    await client.append(put());
    const other = new Client(bench, new TestVault({ owner: bench.owner, kind: 'share' }));
    await bench.storage.createVault(other.vault.genesis);
    clock.advance(2 * dayMs);
    const compacted: unknown[] = [];
    hook.once(async () => void compacted.push(await bench.storage.collect()));
    await other.append(put());
    expect(compacted).toMatchObject([{ packsCompacted: 1 }]);
    expect(await client.findings()).toEqual([]);
  });

  test('of two recounts at a time there is one, which outlives whoever asked for it', async () => {
    const { bench, client } = await openBench();
    await using _bench = bench;
    await client.upload(...payloads(1));
    await bench.stop();
    using db = new DatabaseSync(join(bench.path, 'index.db'));
    db.exec('UPDATE usage SET chunk_bytes = chunk_bytes + 1000');
    await bench.start();
    const left = new AbortController();
    const asked = [bench.storage.recount({ signal: left.signal }), bench.storage.recount(), bench.storage.recount()];
    left.abort(new Error('the one who asked has left'));
    await expect(asked[0]).rejects.toThrow('has left');
    expect(await asked[1]).toHaveLength(1);
    expect(await asked[2]).toBe(await asked[1]);
    expect(await bench.storage.recount()).toEqual([]);
    expect(await bench.storage.usage(bench.owner.account)).toMatchObject({ uncommittedBytes: 4104 });
  });
});

describe('damage', () => {
  test('a scrub finds damage, lists what is lost, and sending it again heals', async () => {
    const { bench, client } = await openBench();
    await using _bench = bench;
    const ids = [newId(), newId(), newId()];
    const put = async (id: Uint8Array, payload: Uint8Array): Promise<string> => {
      const writer = await bench.storage.putChunks({ ...client.scope, kind: 'chunk' });
      const stored = await writer.put(id, payload);
      await writer.finish();
      return stored;
    };
    for (const id of ids) await put(id, new Uint8Array(5000).fill(7));
    await client.append(client.put(ids));
    expect(await bench.storage.scrub({ bytesPerSecond: 1e9 })).toEqual([]);
    await damagePack(bench, 12 + 104 + 5000 + 104 + 17);
    const read: number[] = [];
    const findings = await bench.storage.scrub({ bytesPerSecond: 1e9, onProgress: (bytes) => read.push(bytes) });
    expect(read.at(-1)).toBeGreaterThan(15_000);
    expect(findings.map(({ kind }) => kind)).toEqual(['record', 'record', 'version']);
    const lost = await bench.storage.lostChunks(bench.home.id, { after: undefined, limit: 10 });
    expect(lost.map(({ id, segment }) => [id.toHex(), segment])).toEqual([[ids[1]?.toHex(), false]]);
    expect(await bench.storage.presentChunks({ ...client.scope, ids: concatBytes(...ids) })).toEqual(Uint8Array.of(5));
    await expect(client.append(client.put(ids))).rejects.toMatchObject({ code: 'MISSING_CHUNKS' });
    expect(await put(ids[1] ?? noIds, new Uint8Array(5000).fill(7))).toBe('stored');
    expect(await bench.storage.lostChunks(bench.home.id, { after: undefined, limit: 10 })).toEqual([]);
    const chunks = await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids) }));
    expect(chunks.every(({ payload }) => payload.every((byte) => byte === 7))).toBe(true);
    expect(await client.findings()).toEqual([]);
    expect(await bench.storage.recount()).toEqual([]);
    await bench.stop();
    await bench.removeIndex();
    await bench.start();
    expect(await bench.storage.lostChunks(bench.home.id, { after: undefined, limit: 10 })).toEqual([]);
    expect(await client.findings()).toEqual([]);
  });
});

test('a scrub ends when it is told to, and says what else ended it', async () => {
  const { bench } = await openBench();
  await using _bench = bench;
  const stop = new AbortController();
  const scrub = bench.storage.scrub({ bytesPerSecond: 1, signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(scrub).rejects.toThrow('enough');
  await rm(join(bench.path, 'server.id'));
  await expect(bench.storage.scrub({ bytesPerSecond: 1e9 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a wrong count is told as nothing rather than as less, until a recount mends it', async () => {
  const { bench, client } = await openBench();
  await using _bench = bench;
  await client.upload(...payloads(1));
  const right = await readStoredBytes(bench.path);
  await bench.stop();
  using db = new DatabaseSync(join(bench.path, 'index.db'));
  db.exec('UPDATE usage SET chunk_bytes = -1000000');
  expect([...((await readStoredBytes(bench.path))?.values() ?? [])]).toEqual([0]);
  await bench.start();
  expect(await bench.storage.recount()).toHaveLength(1);
  expect(await readStoredBytes(bench.path)).toEqual(right);
});
