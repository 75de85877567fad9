import { concatBytes, newEntryId, systemClock, systemRandom } from '@coffer/core';
import { filePut } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { checkStorage } from '../src/index.ts';
import { StorageBench } from './support/storage-bench.ts';

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('what was stored and appended is there after a restart', async () => {
  await using bench = await StorageBench.open();
  const { home, owner, device } = bench;
  const scope = { vault: home.id, uploader: owner.account };
  const ids = [0, 1, 2].map(() => new Uint8Array(randomBytes(32)));
  const payloads = ids.map((_, index) => new Uint8Array(randomBytes(1000 * index + 1)));
  const writer = await bench.storage.putChunks({ ...scope, kind: 'chunk' });
  for (const [index, id] of ids.entries()) expect(await writer.put(id, payloads[index]!)).toBe('stored');
  expect(await writer.put(ids[0]!, payloads[0]!)).toBe('duplicate');
  expect(await writer.finish()).toEqual({ stored: 3, duplicates: 1, bytes: 3003 });
  const file = filePut({ entry: newEntryId(systemClock, systemRandom), name: 'a', uploader: owner.account, ids });
  const commit = home.append({ by: device, refs: [file.ref], operations: [file.operation] });
  const ack = await bench.storage.append(home.id, [commit]);
  expect(ack).toMatchObject({ seq: 2, head: commit.hash });
  await bench.stop();
  await bench.start();
  const pulled = await collect(bench.storage.pull(home.id, 0));
  expect(pulled.map(({ bytes }) => Buffer.from(bytes))).toEqual(
    [home.genesis, commit].map(({ bytes }) => Buffer.from(bytes)),
  );
  const chunks = await collect(bench.storage.readChunks({ ...scope, ids: concatBytes(...ids) }));
  expect(chunks.map(({ payload }) => Buffer.from(payload))).toEqual(payloads.map((payload) => Buffer.from(payload)));
  expect(await bench.storage.presentChunks({ ...scope, ids: concatBytes(...ids, randomBytes(32)) })).toEqual(
    Uint8Array.of(7),
  );
  const usage = await bench.storage.usage(owner.account);
  expect(usage).toMatchObject({ files: 1, versions: 1, uncommittedBytes: 0, trashBytes: 0, quotaBytes: null });
  expect(await collect(checkStorage({ path: bench.path, readData: true }))).toEqual([]);
  expect(bench.fatal).toEqual([]);
});
