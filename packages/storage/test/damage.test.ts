import { isCofferError, randomUnit, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { AssertionError } from 'node:assert';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../src/packs/node-disk.ts';
import { checkStorage, rebuildIndex } from '../src/index.ts';
import { FaultBench, playBitFlips } from '../src/testing/index.ts';

const indexCases = Number(process.env['COFFER_INDEX_CASES'] ?? 14);

test('every flipped bit in a pack is reported, and no reader gets wrong bytes', async () => {
  // `npm run faults -- bit-flips` flips more.
  expect(await playBitFlips({ seed: 1, flips: 60 })).toMatchObject({ reported: 60, readings: 3 });
}, 600_000);

type Damage = (file: string, random: ReturnType<typeof testRandom>) => Promise<void>;

const damages: readonly Damage[] = [
  (file) => rm(file),
  async (file, random) => truncate(file, Math.floor(randomUnit(random) * (await readFile(file)).byteLength)),
  (file) => writeFile(file, 'this is no database'),
  (file, random) => change(file, random, (page) => page.fill(0)),
  (file, random) => change(file, random, (page) => page.set(random.bytes(page.byteLength))),
  (file, random) => change(file, random, (page) => page.set([(page[100] ?? 0) ^ 16], 100)),
  (file, random) => change(file, random, (page) => page.set(random.bytes(64), page.byteLength - 64)),
];

async function change(
  file: string,
  random: ReturnType<typeof testRandom>,
  work: (page: Uint8Array) => void,
): Promise<void> {
  const bytes = await readFile(file);
  const page = Math.floor(randomUnit(random) * (bytes.byteLength / 4096));
  work(bytes.subarray(page * 4096, page * 4096 + 4096));
  await writeFile(file, bytes);
}

test('a damaged or deleted index is noticed or harmless, and rebuilt from the packs', async () => {
  const root = await mkdtemp(join(tmpdir(), 'coffer-damage-'));
  await using bench = await FaultBench.open(2);
  try {
    {
      await using storage = await bench.start({ disk: nodeDisk });
      await bench.workload.begin(storage);
      for (let step = 0; step < 25; step += 1) await bench.workload.step(storage);
    }
    for (let number = 0; number < indexCases; number += 1) {
      const path = join(root, 'storage');
      await cp(bench.path, path, { recursive: true });
      await damages[number % damages.length]?.(join(path, 'index.db'), testRandom(number));
      await usable(bench, path).catch((error: unknown) => {
        if (!isCofferError(error, 'DAMAGED', 'IO') && !(error instanceof AssertionError)) throw error;
      });
      await rebuildIndex({
        path,
        packBytes: 16 * 1024,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
      });
      await usable(bench, path);
      expect(await findings(path)).toEqual([]);
      await rm(path, { recursive: true });
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}, 600_000);

async function usable(bench: FaultBench, path: string): Promise<void> {
  await using storage = await bench.startAt(path);
  await bench.workload.verify(storage);
}

async function findings(path: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const finding of checkStorage({ path, readData: true })) all.push(finding);
  return all;
}
