import { concatBytes, isCofferError, sha256, systemClock, systemRandom } from '@coffer/core';
import { encodeSegment, noIds, segmentId } from '@coffer/journal';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { missingChunks, rebuildIndex } from '../src/index.ts';
import { Client, collect, newEntry, newId } from './support/client.ts';
import { StorageBench } from './support/storage-bench.ts';

/** Comparing megabytes byte by byte takes a matcher seconds. */
function hash(bytes: Uint8Array): string {
  return sha256(bytes).toHex();
}

describe('chunks and commits', () => {
  test('what was stored and appended is there after a restart', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const payloads = [1, 1000, 300_000].map((bytes) => new Uint8Array(randomBytes(bytes)));
    const ids = await client.upload(...payloads);
    const ack = await client.append(client.put(ids));
    expect(ack).toMatchObject({ seq: 2, head: client.vault.state.head });
    await bench.stop();
    await bench.start();
    const pulled = await collect(bench.storage.pull(bench.home.id, 0));
    expect(pulled.map(({ bytes }) => Buffer.from(bytes))).toEqual(
      bench.home.commits.map(({ bytes }) => Buffer.from(bytes)),
    );
    expect(pulled.at(-1)).toMatchObject({ seq: 2, receivedAt: ack.receivedAt });
    const chunks = await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids) }));
    expect(chunks.map(({ payload }) => hash(payload))).toEqual(payloads.map(hash));
    expect(await bench.storage.head(bench.home.id)).toEqual(ack);
    expect(await bench.storage.vaultState(bench.home.id)).toEqual(bench.home.state);
    expect(await bench.storage.vaultsOf(bench.owner.account)).toMatchObject([{ kind: 'home', role: 'owner', seq: 2 }]);
    expect(await client.findings()).toEqual([]);
    expect(bench.fatal).toEqual([]);
  });

  test('one chunk is stored once, whoever sends it again and however', async () => {
    await using bench = await StorageBench.open();
    const { scope } = new Client(bench);
    const id = newId();
    const payload = new Uint8Array(randomBytes(100));
    const [one, two] = await Promise.all([0, 1].map(() => bench.storage.putChunks({ ...scope, kind: 'chunk' })));
    const answers = [
      await one?.put(id, payload),
      await two?.put(id, [payload.subarray(0, 10), payload.subarray(10)]),
      await one?.put(id, payload),
    ];
    expect(answers).toEqual(['stored', 'duplicate', 'duplicate']);
    expect(await two?.finish()).toEqual({ stored: 0, duplicates: 1, bytes: 0 });
    expect(await one?.finish()).toEqual({ stored: 1, duplicates: 1, bytes: 100 });
    const again = await bench.storage.putChunks({ ...scope, kind: 'chunk' });
    expect(await again.put(id, payload)).toBe('duplicate');
    expect(await again.finish()).toEqual({ stored: 0, duplicates: 1, bytes: 0 });
    expect((await bench.storage.usage(scope.uploader)).uncommittedBytes).toBe(204);
  });

  test('a chunk without bytes or too large is refused', async () => {
    await using bench = await StorageBench.open();
    const writer = await bench.storage.putChunks({ ...new Client(bench).scope, kind: 'chunk' });
    await expect(writer.put(newId(), new Uint8Array(0))).rejects.toMatchObject({ code: 'LIMIT' });
    await expect(writer.put(newId(), new Uint8Array(4.25 * 1024 * 1024))).rejects.toMatchObject({ code: 'LIMIT' });
    await expect(writer.put(new Uint8Array(31), new Uint8Array(1))).rejects.toThrow(RangeError);
    expect(await writer.finish()).toEqual({ stored: 0, duplicates: 0, bytes: 0 });
  });

  test('presence is a bitmap in the order asked', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(...Array.from({ length: 9 }, () => Uint8Array.of(1)));
    const asked = ids.map((id, index) => (index % 3 === 0 ? newId() : id));
    const bitmap = await bench.storage.presentChunks({ ...client.scope, ids: concatBytes(...asked) });
    expect([...bitmap]).toEqual([0b10110110, 0b1]);
    expect(await bench.storage.presentChunks({ ...client.scope, ids: noIds })).toEqual(noIds);
    const stranger = { ...client.scope, uploader: new Uint8Array(16) };
    expect([...(await bench.storage.presentChunks({ ...stranger, ids: concatBytes(...ids) }))]).toEqual([0, 0]);
  });

  test('reading goes in the order asked, and names what is missing after what is there', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const payloads = Array.from({ length: 1500 }, (_, index) => Buffer.from(`payload ${index}`));
    const ids = await client.upload(...payloads);
    await client.append(client.put(ids));
    const order = ids.map((_, index) => (index * 701) % ids.length);
    const asked = order.map((index) => ids[index] ?? noIds);
    const read = await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...asked) }));
    expect(read.map(({ payload }) => Buffer.from(payload).toString())).toEqual(
      order.map((index) => `payload ${index}`),
    );
    expect(read.map(({ id }) => id.toHex())).toEqual(asked.map((id) => id.toHex()));
    const missing = newId();
    const seen: string[] = [];
    const reading = async (): Promise<void> => {
      const some = concatBytes(...ids.slice(0, 2), missing, ...ids.slice(2, 4));
      for await (const { payload } of bench.storage.readChunks({ ...client.scope, ids: some }))
        seen.push(Buffer.from(payload).toString());
    };
    await expect(reading()).rejects.toMatchObject({ code: 'NOT_FOUND', details: { id: missing.toHex() } });
    expect(seen).toEqual(['payload 0', 'payload 1']);
  });

  test('a reader that stops early leaves nothing behind', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(...Array.from({ length: 8 }, () => new Uint8Array(randomBytes(2_000_000))));
    await client.append(client.put(ids));
    for await (const { payload } of bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids) })) {
      expect(payload.byteLength).toBe(2_000_000);
      break;
    }
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids), signal })),
    ).rejects.toThrow('enough');
    await expect(collect(bench.storage.pull(bench.home.id, 0, signal))).rejects.toThrow('enough');
  });
});

describe('appending', () => {
  test('a commit that is in the chain succeeds again, alone and before new ones', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const first = await client.append();
    const [, sent] = bench.home.commits;
    if (!sent) throw new TypeError('a commit expected');
    expect(await bench.storage.append(bench.home.id, [sent])).toEqual(first);
    const next = client.make();
    expect(await bench.storage.append(bench.home.id, [sent, next])).toMatchObject({ seq: 3 });
    expect(await bench.storage.createVault(bench.home.genesis)).toMatchObject({ seq: 1 });
    expect(await client.findings()).toEqual([]);
  });

  test('a stale commit conflicts and names the position', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const stale = client.make();
    await client.append();
    await expect(bench.storage.append(bench.home.id, [stale])).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { seq: 2 },
    });
  });

  test('of two devices at once one wins', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, () => bench.storage.append(bench.home.id, [client.make()])),
    );
    const failures = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(failures).toHaveLength(9);
    expect(failures.every(({ reason }) => isCofferError(reason, 'CONFLICT'))).toBe(true);
  });

  test('several commits are appended together or not at all', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(Uint8Array.of(1));
    const one = bench.home.append({ by: bench.device, refs: [client.put(ids)] });
    const two = bench.home.append({ by: bench.device, refs: [client.put([newId()])] });
    await expect(bench.storage.append(bench.home.id, [one, two])).rejects.toMatchObject({ code: 'MISSING_CHUNKS' });
    expect(await bench.storage.head(bench.home.id)).toMatchObject({ seq: 1 });
    await expect(bench.storage.append(bench.home.id, [two])).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await bench.storage.append(bench.home.id, [one])).toMatchObject({ seq: 2 });
  });

  test('missing chunks are named with their uploader', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const missing = [newId(), newId()];
    const error: unknown = await client.append(client.put(missing)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'MISSING_CHUNKS', details: { count: 2 } });
    const named = missingChunks(error);
    expect(named.map(({ id }) => id.toHex()).toSorted()).toEqual(missing.map((id) => id.toHex()).toSorted());
    expect(Buffer.from(named[0]?.uploader ?? [])).toEqual(Buffer.from(bench.owner.account));
    expect(missingChunks(new Error('other'))).toEqual([]);
  });

  test('a stranger, a revoked device and a wrong signature do not append', async () => {
    await using bench = await StorageBench.open();
    const stranger = new TestAccount(9);
    await bench.addAccount('stranger', stranger);
    const device = stranger.enroll();
    const foreign = bench.home.make({ by: device });
    await expect(bench.storage.append(bench.home.id, [foreign])).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const forged = bench.home.make({ by: { ...bench.device, sign: device.sign } });
    await expect(bench.storage.append(bench.home.id, [forged])).rejects.toMatchObject({ code: 'INTEGRITY' });
    await expect(bench.storage.append(new Uint8Array(32), [foreign])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(bench.storage.append(bench.home.id, [])).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('an account has one home vault, made by itself', async () => {
    await using bench = await StorageBench.open();
    const other = new TestVault({ owner: bench.owner });
    await expect(bench.storage.createVault(other.genesis)).rejects.toMatchObject({ code: 'EXISTS' });
    const share = new TestVault({ owner: bench.owner, kind: 'share' });
    expect(await bench.storage.createVault(share.genesis)).toMatchObject({ seq: 1 });
    const unknown = new TestVault({ owner: new TestAccount(77) });
    await expect(bench.storage.createVault(unknown.genesis)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await bench.storage.vaultsOf(bench.owner.account)).toHaveLength(2);
  });

  test('vaults do not wait for each other, and share their flushes', async () => {
    await using bench = await StorageBench.open();
    const clients = [];
    for (let number = 0; number < 8; number += 1) {
      const vault = new TestVault({ owner: bench.owner, kind: 'share' });
      await bench.storage.createVault(vault.genesis);
      clients.push(new Client(bench, vault));
    }
    const work = async (client: Client): Promise<void> => {
      for (let step = 0; step < 5; step += 1)
        await client.append(client.put(await client.upload(new Uint8Array(randomBytes(100)))));
    };
    await Promise.all(clients.map(work));
    for (const { vault } of clients)
      expect(await bench.storage.head(vault.id)).toMatchObject({ seq: 6, head: vault.state.head });
    expect(await new Client(bench).findings()).toEqual([]);
  });

  test('receive times never go back', async () => {
    const time = { ms: 5000 };
    await using bench = await StorageBench.open({ clock: { ...systemClock, nowMs: () => time.ms } });
    const client = new Client(bench);
    time.ms = 4000;
    expect(await client.append()).toMatchObject({ receivedAt: 5000 });
    time.ms = 9000;
    expect(await client.append()).toMatchObject({ receivedAt: 9000 });
  });
});

describe('quota', () => {
  test('many uploads at a time do not pass it together', async () => {
    await using bench = await StorageBench.open();
    const { account } = bench.owner;
    await bench.storage.accounts.setQuota(account, 2_000_000);
    const scope = { vault: bench.home.id, uploader: account, kind: 'chunk' } as const;
    const writers = await Promise.all(Array.from({ length: 20 }, () => bench.storage.putChunks(scope)));
    await Promise.all(writers.map((writer) => writer.put(newId(), new Uint8Array(1000))));
    const more = await Promise.allSettled(writers.map((writer) => writer.put(newId(), new Uint8Array(900_000))));
    await Promise.all(writers.map((writer) => writer.finish()));
    expect(more.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(16);
    // Looked at once for each mebibyte.
    expect((await bench.storage.usage(account)).storedBytes).toBeLessThan(2_000_000 + 1_100_000);
  });

  test('uploads end at the quota, removals go on, and more quota lets them go on', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const account = bench.owner.account;
    await bench.storage.accounts.setQuota(account, 1_000_000);
    const entry = newEntry();
    await client.append(client.put(await client.upload(new Uint8Array(900_000)), entry));
    await expect(client.upload(new Uint8Array(200_000))).rejects.toMatchObject({
      code: 'QUOTA',
      details: { quotaBytes: 1_000_000 },
    });
    const { storedBytes } = await bench.storage.usage(account);
    await bench.storage.accounts.setQuota(account, storedBytes + 98_104 + 100);
    const ids = await client.upload(new Uint8Array(98_000));
    await expect(client.append(client.put(ids))).rejects.toMatchObject({ code: 'QUOTA' });
    await client.append({ kind: 'drop', entries: [entry], reason: 'removed' });
    await bench.storage.accounts.setQuota(account, 2_000_000);
    await client.append(client.put(ids));
    const usage = await bench.storage.usage(account);
    expect(usage).toMatchObject({
      files: 1,
      versions: 2,
      quotaBytes: 2_000_000,
      uncommittedBytes: 0,
      trashBytes: 900_104,
    });
    expect(usage.storedBytes).toBe(900_104 + 98_104 + usage.journalBytes);
    await expect(bench.storage.usage(new Uint8Array(16))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('segments', () => {
  test('a file of segments is stored, committed, read, and survives a rebuild', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(...[1, 2, 3].map((size) => new Uint8Array(size)));
    const { chunks } = putRef(newEntry(), { uploader: bench.owner.account, ids });
    const payload = encodeSegment({ chunks, list: { uploader: bench.owner.account, id: ids[0] ?? noIds } });
    const id = segmentId(payload);
    const writer = await bench.storage.putChunks({ ...client.scope, kind: 'segment' });
    await expect(writer.put(newId(), payload)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await writer.put(id, payload)).toBe('stored');
    expect(await writer.finish()).toMatchObject({ stored: 1 });
    expect([...(await bench.storage.presentChunks({ ...client.scope, ids: id }))]).toEqual([1]);
    await client.append({ kind: 'put', entry: newEntry(), chunks: [], segments: id });
    const share = new Client(bench, new TestVault({ owner: bench.owner, kind: 'share' }));
    await bench.storage.createVault(share.vault.genesis);
    await share.append({ kind: 'put', entry: newEntry(), chunks: [], segments: id });
    for (let round = 0; round < 2; round += 1) {
      for (const { scope } of [client, share]) {
        const read = await collect(bench.storage.readChunks({ ...scope, ids: concatBytes(...ids) }));
        expect(read.map((one) => one.payload.byteLength)).toEqual([1, 2, 3]);
      }
      expect(await client.findings()).toEqual([]);
      await bench.stop();
      await rebuildIndex({
        path: bench.path,
        packBytes: 1e6,
        clock: systemClock,
        random: systemRandom,
        logger: bench.logger,
      });
      await bench.start();
    }
  });

  test('a segment whose chunks are not there is refused with their names', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = [newId(), newId()];
    const { chunks } = putRef(newEntry(), { uploader: bench.owner.account, ids });
    const payload = encodeSegment({ chunks, list: { uploader: bench.owner.account, id: ids[0] ?? noIds } });
    const writer = await bench.storage.putChunks({ ...client.scope, kind: 'segment' });
    const error: unknown = await writer.put(segmentId(payload), payload).catch((reason: unknown) => reason);
    expect(missingChunks(error)).toHaveLength(2);
  });
});
