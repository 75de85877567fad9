import { isCofferError, randomUnit, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { AssertionError } from 'node:assert';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../src/packs/node-disk.ts';
import { checkStorage, rebuildIndex } from '../src/index.ts';
import { FaultBench } from './support/fault-bench.ts';

const flips = Number(process.env['COFFER_FLIPS'] ?? 60);
const indexCases = Number(process.env['COFFER_INDEX_CASES'] ?? 14);

test('every flipped bit in a pack is reported, and no reader gets wrong bytes', async () => {
  await using bench = await FaultBench.open(1);
  {
    await using storage = await bench.start();
    await bench.workload.begin(storage);
    for (let step = 0; step < 12; step += 1) await bench.workload.step(storage);
  }
  expect(await bench.check()).toEqual([]);
  const random = testRandom(3);
  const files = bench.disk.files.filter((name) => name.endsWith('.pack'));
  for (let flip = 0; flip < flips; flip += 1) {
    const file = files[Math.floor(randomUnit(random) * files.length)] ?? '';
    const sound = bench.disk.content(file);
    const damaged = sound.slice();
    // The first bits of all are the header of the pack and of its first record: every field of them gets its turn.
    const bit = flip < 8 * 116 ? flip * 7 : Math.floor(randomUnit(random) * damaged.byteLength * 8);
    const at = (bit >> 3) % damaged.byteLength;
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
    bench.disk.setContent(file, damaged);
    const found = await bench.check();
    expect(found.length).toBeGreaterThan(0);
    expect(found.some(({ pack }) => pack !== undefined && file.includes(pack))).toBe(true);
    if (flip % 20 === 0) await readsNothingWrong(bench);
    bench.disk.setContent(file, sound);
  }
  expect(await bench.check()).toEqual([]);
}, 600_000);

/** Reads everything; errors are fine, other bytes than those that were sent are not. */
async function readsNothingWrong(bench: FaultBench): Promise<void> {
  await using storage = await bench.start();
  try {
    await bench.workload.verify(storage);
  } catch (error) {
    const refused =
      isCofferError(error, 'DAMAGED') || (error instanceof AssertionError && /cannot be read/.test(error.message));
    if (!refused) throw error;
  }
}

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
