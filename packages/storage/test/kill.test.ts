import { minuteMs, randomUnit, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Facts } from '../src/facts/facts.ts';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { checkStorage, Storage } from '../src/index.ts';
import { StorageWorkload } from '../src/testing/index.ts';

/** Processes killed; more are asked for in the environment. */
const kills = Number(process.env['COFFER_KILLS'] ?? 2);
const clients = Number(process.env['COFFER_KILL_CLIENTS'] ?? 4);

/** How long a process may take until it does what it is to be killed at. */
const beginLimitMs = minuteMs;

interface Work {
  readonly run: number;
  readonly told: Map<string, string>;
  /** Chunks per upload that are left to the collection, which then runs all the time. */
  readonly waste?: number;
}

/** Lets a process work on the storage for a while and kills it; what it was told is added to `told`. */
async function workAndKill(path: string, { run, told, waste = 0 }: Work): Promise<number> {
  const script = fileURLToPath(new URL('./support/kill-child.ts', import.meta.url));
  const child = spawn(process.execPath, [
    '--conditions=source',
    script,
    path,
    String(run),
    String(clients),
    String(waste),
  ]);
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  const begun = new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      output.push(bytes);
      if (bytes.includes(waste > 0 ? 'compacted' : 'ack')) resolve();
    });
  });
  child.stderr.on('data', (bytes: Buffer) => errors.push(bytes));
  const closed = once(child, 'close');
  // A process that never gets that far must not go on filling the disk.
  const enough = new AbortController();
  await Promise.race([begun, closed, systemClock.sleep(beginLimitMs, enough.signal)]);
  enough.abort();
  await systemClock.sleep(randomUnit(testRandom(run)) * (waste > 0 ? 400 : 150));
  child.kill('SIGKILL');
  await closed;
  expect(Buffer.concat(errors).toString()).toBe('');
  let compacted = 0;
  for (const line of Buffer.concat(output).toString().split('\n')) {
    const [word, seed, seq, hash] = line.split(' ');
    if (word === 'ack' && hash?.length === 64) told.set(`${seed}/${seq}`, hash);
    if (word === 'compacted') compacted += Number(seed);
  }
  return compacted;
}

async function verify(path: string, told: ReadonlyMap<string, string>): Promise<void> {
  const deps = {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    onFatal: (error: unknown) => expect(error).toBe(undefined),
  };
  const openFacts = (file: string): Promise<Facts> => SqliteFacts.open(file, { thread: 'same' });
  await using storage = await Storage.open({ path, packBytes: 256 * 1024, reserve: 0, openFacts, ...deps });
  const kept = new Map<string, string>();
  for (let seed = 1; seed <= clients; seed += 1) {
    const workload = new StorageWorkload({ seed, chunkBytes: 20_000 });
    if (!(await storage.head(workload.vault.id))) continue;
    await workload.resume(storage);
    await workload.verify(storage);
    for (const { header, hash } of workload.acknowledged) kept.set(`${seed}/${header.seq}`, hash.toHex());
  }
  const lost = [...told].filter(([name, hash]) => kept.get(name) !== hash);
  expect(lost).toEqual([]);
  for await (const finding of checkStorage({ path, readData: true })) expect(finding).toBe(undefined);
}

/** Kills of one storage: reading all that it holds takes longer with each. */
const killsOfStorage = 10;

/** Kills a process again and again; after each kill all that was ever acknowledged is there. Gives how many packs were compacted. */
async function killAgainAndAgain(waste: number): Promise<number> {
  let compacted = 0;
  for (let first = 1; first <= kills; first += killsOfStorage) {
    const root = await mkdtemp(join(tmpdir(), 'coffer-kill-'));
    const path = join(root, 'storage');
    try {
      await Storage.init({ path, clock: systemClock, random: systemRandom });
      const told = new Map<string, string>();
      const end = Math.min(kills, first + killsOfStorage - 1);
      for (let run = first; run <= end; run += 1) {
        compacted += await workAndKill(path, { run, told, waste });
        await verify(path, told);
      }
      expect(told.size).toBeGreaterThan(end - first);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }
  return compacted;
}

test('a killed process loses nothing that it acknowledged', async () => {
  expect(await killAgainAndAgain(0)).toBe(0);
}, 3_600_000);

test('a process killed while it collects, compacts and scrubs loses nothing that it acknowledged', async () => {
  expect(await killAgainAndAgain(8)).toBeGreaterThan(0);
}, 3_600_000);
