import { concatBytes } from '@coffer/core';
import { encodeSegment, noIds, segmentId } from '@coffer/journal';
import { putRef, TestVault } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { Client, collect, newEntry } from './support/client.ts';
import { StorageBench } from './support/storage-bench.ts';

/** Paths of the packs of a kind, oldest first. */
async function packsOf(bench: StorageBench, kind: 'chunks' | 'journal'): Promise<string[]> {
  const folder = join(bench.path, 'users', bench.owner.account.toHex(), kind);
  return (await readdir(folder)).toSorted().map((name) => join(folder, name));
}

async function damageLastByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.byteLength - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(file, bytes);
}

describe('a start', () => {
  test('cuts a torn end and goes on in the same pack', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    await client.append(client.put(await client.upload(new Uint8Array(500))));
    await bench.stop();
    for (const kind of ['chunks', 'journal'] as const) {
      const [file = ''] = await packsOf(bench, kind);
      await appendFile(file, (await readFile(file)).subarray(12, 12 + 300));
    }
    await bench.start();
    await client.append(client.put(await client.upload(new Uint8Array(600))));
    expect(await packsOf(bench, 'chunks')).toHaveLength(1);
    expect(await packsOf(bench, 'journal')).toHaveLength(1);
    expect(await client.findings()).toEqual([]);
  });

  test('keeps whole records behind a torn place', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    await client.append();
    await bench.stop();
    const index = join(bench.path, 'index.db');
    const older = await readFile(index);
    const next = client.make();
    await bench.start();
    await bench.storage.append(client.vault.id, [next]);
    await bench.stop();
    // As after a power cut: the index is older, and there is garbage where a record was being written before the last.
    await writeFile(index, older);
    const [file = ''] = await packsOf(bench, 'journal');
    const bytes = await readFile(file);
    const start = bytes.byteLength - 104 - next.bytes.byteLength;
    await writeFile(file, Buffer.concat([bytes.subarray(0, start), randomBytes(700), bytes.subarray(start)]));
    await bench.start();
    expect(await bench.storage.head(client.vault.id)).toMatchObject({ seq: 3, head: next.hash });
    expect(await client.findings()).toEqual([]);
  });

  test('leaves a vault alone whose commits do not chain, and refuses to fork it', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    for (let count = 0; count < 3; count += 1) await client.append();
    const share = new TestVault({ owner: bench.owner, kind: 'share' });
    await bench.storage.createVault(share.genesis);
    await bench.stop();
    const [file = ''] = await packsOf(bench, 'journal');
    const bytes = await readFile(file);
    const [, second] = client.vault.commits;
    const at = bytes.indexOf(Buffer.from(second?.bytes ?? []));
    bytes[at + 20] = (bytes[at + 20] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await bench.removeIndex();
    await bench.start();
    expect(await bench.storage.head(client.vault.id)).toMatchObject({ seq: 1 });
    await expect(bench.storage.append(client.vault.id, [client.make()])).rejects.toMatchObject({ code: 'DAMAGED' });
    await expect(bench.storage.createVault(client.vault.genesis)).rejects.toMatchObject({ code: 'DAMAGED' });
    await new Client(bench, share).append();
    const kinds = ((await client.findings()) as { kind: string }[]).map(({ kind }) => kind);
    expect(kinds).toContain('journal');
  });

  test('a chunk whose record is damaged is missing, and healed by sending it again', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const payload = new Uint8Array(randomBytes(900));
    const ids = await client.upload(payload);
    await client.append(client.put(ids));
    await bench.stop();
    const [file = ''] = await packsOf(bench, 'chunks');
    await damageLastByte(file);
    await bench.start();
    const read = () => collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids) }));
    await expect(read()).rejects.toMatchObject({ code: 'DAMAGED' });
    await bench.stop();
    await bench.removeIndex();
    await bench.start();
    await expect(read()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await client.findings()).toMatchObject([{ kind: 'version', seq: 2 }]);
    expect(await bench.storage.presentChunks({ ...client.scope, ids: concatBytes(...ids) })).toEqual(Uint8Array.of(0));
    const writer = await bench.storage.putChunks({ ...client.scope, kind: 'chunk' });
    expect(await writer.put(ids[0] ?? noIds, payload)).toBe('stored');
    await writer.finish();
    expect(await read()).toHaveLength(1);
    expect(await client.findings()).toEqual([]);
  });

  test('a lost segment is healed too, with all that it holds', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(new Uint8Array(10), new Uint8Array(20));
    const { chunks } = putRef(newEntry(), { uploader: bench.owner.account, ids });
    const segment = encodeSegment({ chunks, list: { uploader: bench.owner.account, id: ids[0] ?? noIds } });
    const send = async (): Promise<string> => {
      const writer = await bench.storage.putChunks({ ...client.scope, kind: 'segment' });
      const answer = await writer.put(segmentId(segment), segment);
      await writer.finish();
      return answer;
    };
    expect(await send()).toBe('stored');
    await client.append({ kind: 'put', entry: newEntry(), chunks: [], segments: segmentId(segment) });
    await bench.stop();
    const [file = ''] = await packsOf(bench, 'chunks');
    await damageLastByte(file);
    await bench.removeIndex();
    await bench.start();
    expect(await client.findings()).not.toEqual([]);
    expect(await send()).toBe('stored');
    expect(await send()).toBe('duplicate');
    expect(await client.findings()).toEqual([]);
    expect(await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids) }))).toHaveLength(2);
  });

  test('finds every chunk of a tail that is longer than what is read of it at once', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(...[1, 2, 3, 4, 5].map(() => new Uint8Array(randomBytes(1_500_000))));
    await client.append(client.put(ids));
    await bench.stop();
    await bench.removeIndex();
    await bench.start();
    const read = await collect(bench.storage.readChunks({ ...client.scope, ids: concatBytes(...ids) }));
    expect(read).toHaveLength(5);
    expect(await client.findings()).toEqual([]);
  });

  test('a pack that was only being made is removed', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    await client.upload(new Uint8Array(1));
    await bench.stop();
    const [file = ''] = await packsOf(bench, 'chunks');
    await writeFile(file.replace(/[^/]+$/, `${'e'.repeat(32)}.pack`), 'COFFER');
    await bench.start();
    expect(await packsOf(bench, 'chunks')).toEqual([file]);
    expect(await client.findings()).toEqual([]);
  });
});

test('when the thread of the index ends the storage has failed', async () => {
  const hook: { end?: (error: unknown) => void } = {};
  await using bench = await StorageBench.open({
    openFacts: (path, end) => {
      hook.end = end;
      return SqliteFacts.open(path, { thread: 'same' });
    },
  });
  const client = new Client(bench);
  await client.append();
  hook.end?.(new Error('out of memory'));
  expect(bench.fatal).toHaveLength(1);
  await expect(client.append()).rejects.toMatchObject({ code: 'IO' });
  expect(await bench.storage.status()).toMatchObject({ ready: false });
});
