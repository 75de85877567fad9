import type { Random } from '@coffer/core';
import { isCofferError, randomUnit } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { AssertionError, deepEqual, ok } from 'node:assert/strict';
import { FaultBench } from './fault-bench.ts';

export interface BitFlips {
  readonly seed: number;
  readonly flips: number;
  readonly signal?: AbortSignal;
}

export interface FlipsFound {
  readonly packs: number;
  readonly packBytes: number;
  readonly reported: number;
  /** Storages that were opened and read with a flipped bit in them. */
  readonly readings: number;
}

/** Bytes of the header of a pack and of its first record: every field of them is hit first. */
const headerBytes = 116;

/** Between two flips that are also met by a reader. */
const flipsPerReading = 20;

/**
 * Flips single bits in the packs of a storage: each is reported by a check and names its pack, whole packs are not, and
 * whoever reads gets an error or the right bytes. @throws AssertionError
 */
export async function playBitFlips({ seed, flips, signal }: BitFlips): Promise<FlipsFound> {
  await using bench = await FaultBench.open(seed);
  await fill(bench);
  deepEqual(await bench.check(), []);
  const random = testRandom(seed + 1);
  const files = bench.disk.files.filter((name) => name.endsWith('.pack'));
  let readings = 0;
  for (let flip = 0; flip < flips; flip += 1) {
    signal?.throwIfAborted();
    const file = files[Math.floor(randomUnit(random) * files.length)] ?? '';
    const sound = bench.disk.content(file);
    bench.disk.setContent(file, flipped(sound, flip, random));
    const found = await bench.check();
    ok(
      found.some(({ pack }) => pack !== undefined && file.includes(pack)),
      `flip ${flip} is not reported`,
    );
    if (flip % flipsPerReading === 0) {
      await readsNothingWrong(bench);
      readings += 1;
    }
    bench.disk.setContent(file, sound);
  }
  deepEqual(await bench.check(), []);
  return { packs: files.length, packBytes: bench.disk.usedBytes, reported: flips, readings };
}

async function fill(bench: FaultBench): Promise<void> {
  await using storage = await bench.start();
  await bench.workload.begin(storage);
  for (let step = 0; step < 12; step += 1) await bench.workload.step(storage);
}

function flipped(sound: Uint8Array, flip: number, random: Random): Uint8Array {
  const damaged = sound.slice();
  const bit = flip < 8 * headerBytes ? flip * 7 : Math.floor(randomUnit(random) * damaged.byteLength * 8);
  const at = (bit >> 3) % damaged.byteLength;
  damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7));
  return damaged;
}

/** Reads everything; errors are fine, other bytes than those that were sent are not. */
async function readsNothingWrong(bench: FaultBench): Promise<void> {
  try {
    await using storage = await bench.start();
    await bench.workload.verify(storage);
  } catch (error) {
    const refused =
      isCofferError(error, 'DAMAGED') || (error instanceof AssertionError && /cannot be read/.test(error.message));
    if (!refused) throw error;
  }
}
