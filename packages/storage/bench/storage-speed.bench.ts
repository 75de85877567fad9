/**
 * How fast the storage takes and gives, without a network: `tsx --conditions=source packages/storage/bench/storage-speed.bench.ts [FOLDER]`.
 * The baseline of the write figure is the same bytes written with plain `writev` and one `fdatasync`.
 */
import { concatBytes, MiB, newEntryId, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { filePut, TestAccount, TestVault } from '@coffer/journal/testing';
import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { checkStorage, Storage } from '@coffer/storage';

const folder = mkdtempSync(join(process.argv[2] ?? '/dev/shm', 'coffer-bench-'));
const print = (name: string, value: string): void => console.log(`${name.padEnd(44)} ${value}`);

async function timed<Result>(work: () => Promise<Result>): Promise<{ result: Result; seconds: number }> {
  const start = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - start) / 1000 };
}

function newIds(count: number): Uint8Array[] {
  const all = new Uint8Array(randomBytes(32 * count));
  return Array.from({ length: count }, (_, index) => all.subarray(index * 32, index * 32 + 32));
}

try {
  const path = join(folder, 'storage');
  await Storage.init({ path, clock: systemClock, random: systemRandom });
  const owner = new TestAccount(1);
  const device = owner.enroll();
  const home = new TestVault({ owner });
  const options = {
    path,
    packBytes: 64 * MiB,
    reserve: 0.01,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    onFatal: (error: unknown): void => console.error(error),
  };
  let storage = await Storage.open(options);
  const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
  await storage.accounts.create({ username: 'anna', role: 'user', ...records, identity: owner.statements });
  await storage.createVault(home.genesis);
  const scope = { vault: home.id, uploader: owner.account };

  const large = new Uint8Array(randomBytes(MiB));
  const count = 1024;
  const baseline = await timed(async () => {
    const file = openSync(join(folder, 'baseline'), 'w');
    for (let index = 0; index < count; index += 4) writevSync(file, [large, large, large, large], index * MiB);
    fdatasyncSync(file);
    closeSync(file);
  });
  rmSync(join(folder, 'baseline'));
  print('plain writev + fdatasync, 1 GiB', `${(count / baseline.seconds).toFixed(0)} MiB/s`);

  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const largeIds = newIds(count);
  const put = await timed(async () => {
    const writer = await storage.putChunks({ ...scope, kind: 'chunk' });
    for (const id of largeIds) await writer.put(id, large);
    return writer.finish();
  });
  print(
    'putChunks, 1 MiB chunks',
    `${(count / put.seconds).toFixed(0)} MiB/s (loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms)`,
  );

  for (const [name, size, total] of [
    ['300 B', 300, 100_000],
    ['16 KiB', 16_384, 20_000],
  ] as const) {
    const small = new Uint8Array(randomBytes(size));
    const ids = newIds(total);
    delay.reset();
    const { seconds } = await timed(async () => {
      const writer = await storage.putChunks({ ...scope, kind: 'chunk' });
      for (const id of ids) await writer.put(id, [small.subarray(0, 100), small.subarray(100)]);
      return writer.finish();
    });
    print(
      `putChunks, ${name} chunks`,
      `${(total / seconds).toFixed(0)} records/s (loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms)`,
    );
    const again = await timed(async () => {
      const writer = await storage.putChunks({ ...scope, kind: 'chunk' });
      for (const id of ids) await writer.put(id, small);
      return writer.finish();
    });
    print(`putChunks again, ${name} chunks, all there`, `${(total / again.seconds).toFixed(0)} records/s`);
    let appendMs = 0;
    let slowest = 0;
    const commits = 10;
    delay.reset();
    for (let index = 0; index < commits; index += 1) {
      const files = ids.slice(index * 1000, index * 1000 + 1000).map((id) =>
        filePut({
          entry: newEntryId(systemClock, systemRandom),
          name: id.toHex(),
          uploader: owner.account,
          ids: [id],
        }),
      );
      const commit = home.append({
        by: device,
        refs: files.map(({ ref }) => ref),
        operations: files.map(({ operation }) => operation),
      });
      const { seconds: took } = await timed(() => storage.append(home.id, [commit]));
      appendMs += took * 1000;
      slowest = Math.max(slowest, took * 1000);
    }
    print(
      'append of a 1,000-put commit',
      `${(appendMs / commits).toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms (loop max ${(delay.max / 1e6).toFixed(1)} ms)`,
    );
    const readIds = concatBytes(...ids.slice(0, 10_000));
    const read = await timed(async () => {
      let bytes = 0;
      for (let start = 0; start < readIds.byteLength; start += 4096 * 32) {
        for await (const { payload } of storage.readChunks({
          ...scope,
          ids: readIds.subarray(start, start + 4096 * 32),
        }))
          bytes += payload.byteLength;
      }
      return bytes;
    });
    print(
      `readChunks, ${name} chunks in upload order`,
      `${(10_000 / read.seconds).toFixed(0)} records/s, ${(read.result / MiB / read.seconds).toFixed(0)} MiB/s`,
    );
    const has = await timed(() => storage.presentChunks({ ...scope, ids: concatBytes(...ids.slice(-4096)) }));
    print('presentChunks of 4,096', `${(has.seconds * 1000).toFixed(1)} ms`);
  }

  const file = filePut({
    entry: newEntryId(systemClock, systemRandom),
    name: 'large',
    uploader: owner.account,
    ids: largeIds,
  });
  await storage.append(home.id, [home.append({ by: device, refs: [file.ref], operations: [file.operation] })]);
  const read = await timed(async () => {
    for await (const { payload } of storage.readChunks({ ...scope, ids: concatBytes(...largeIds) }))
      void payload.byteLength;
  });
  print('readChunks, 1 MiB chunks', `${(count / read.seconds).toFixed(0)} MiB/s`);
  const stop = await timed(() => storage[Symbol.asyncDispose]());
  const start = await timed(() => Storage.open(options));
  storage = start.result;
  print('memory so far', `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  print('close and open', `${(stop.seconds * 1000).toFixed(0)} ms, ${(start.seconds * 1000).toFixed(0)} ms`);
  await storage[Symbol.asyncDispose]();
  const check = await timed(async () => {
    let findings = 0;
    for await (const finding of checkStorage({ path, readData: true })) {
      findings += 1;
      console.log(finding);
    }
    return findings;
  });
  print('check --read-data', `${check.seconds.toFixed(1)} s, ${check.result} findings`);
  print('peak memory', `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
