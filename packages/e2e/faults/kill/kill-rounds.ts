import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { compareTrees, startVault } from '../../src/index.ts';
import type { Coffer, Credentials, Vault } from '../../src/index.ts';
import { Seeded } from '../seeded.ts';
import { untilReady } from '../until-ready.ts';
import { ReadBack } from './read-back.ts';
import { RestlessFolder } from './restless-folder.ts';
import { SyncingDevice } from './syncing-device.ts';

export interface KillOptions {
  readonly seed: number;
  readonly kills: number;
  /** Devices that sync meanwhile: two of the user, each other one of an account of its own; at least 2. */
  readonly devices?: number;
  /** The longest that the daemon serves before it is killed again. */
  readonly longestLifeMs?: number;
}

export interface KillResult {
  readonly kills: number;
  /** Of those, while the daemon was still recovering from the one before. */
  readonly killsWhileStarting: number;
  /** Of those, while at least one `coffer sync` was running. */
  readonly killsUnderWork: number;
  /** Runs of `coffer sync` that were acknowledged, and those that found the server away. */
  readonly acknowledged: number;
  readonly unreachable: number;
  /** Different contents that were fetched again and compared. */
  readonly contents: number;
  /** From the start of the process until `/ready` says yes, one per kill. */
  readonly readyMs: readonly number[];
}

const usualDevices = 4;

/** One start in eight is killed as well: recovery must survive being interrupted. */
const startingShare = 0.125;
const longestStartMs = 400;

/** Small packs, so that some become full and are checkpointed while daemons die. */
const serveEnv = { COFFER_STORAGE_PACK_BYTES: '5MiB' };

/**
 * Kills the daemon (SIGKILL) at seeded moments while devices of several accounts edit and sync, and holds it to its
 * promises: what it acknowledged is there, as it was, at every moment; its storage is in order; it serves again.
 * @throws AssertionError when it breaks one; Error when a client fails in a way that a killed server does not explain
 */
export async function killRounds(options: KillOptions, signal?: AbortSignal): Promise<KillResult> {
  await using vault = await startVault({ serveEnv });
  const seeded = new Seeded(options.seed);
  const owners = await ownersOf(vault, options.devices ?? usualDevices);
  const devices = owners.map(({ device }, index) => {
    const folder = new RestlessFolder(vault.folder.join(`work ${index}`), seeded.branch(index));
    return new SyncingDevice(device, { folder, path: `/work ${index}` });
  });
  const killing = await underWork(devices, () => kill(vault, { devices, seeded, options, signal }));
  for (const device of devices) assert(await device.sync(), 'the server is there at the end');
  const contents = await checkBooks(vault, owners, devices);
  await checkStorage(vault);
  await vault.daemon.stop();
  await checkStorage(vault);
  return {
    ...killing,
    kills: options.kills,
    contents,
    acknowledged: sum(devices.map(({ book }) => book.length)),
    unreachable: sum(devices.map(({ unreachable }) => unreachable)),
  };
}

interface Owner {
  readonly credentials: Credentials;
  readonly device: Coffer;
}

/** Two machines of the user, one machine each of others. */
async function ownersOf(vault: Vault, devices: number): Promise<readonly Owner[]> {
  const owners: Owner[] = [vault.user.device, await vault.device()].map((device) => ({
    credentials: vault.user,
    device,
  }));
  for (let other = 1; owners.length < devices; other += 1) {
    const person = await vault.addUser(`other-${other}`);
    owners.push({ credentials: person, device: person.device });
  }
  return owners;
}

/** All devices work until `meanwhile` is through; a failure of any of them ends everything. */
async function underWork<Result>(devices: readonly SyncingDevice[], meanwhile: () => Promise<Result>): Promise<Result> {
  const enough = new AbortController();
  const working = Promise.all(devices.map((device) => device.work(enough.signal)));
  const failed = working.then(() => new Promise<never>(() => undefined));
  try {
    return await Promise.race([meanwhile(), failed]);
  } finally {
    enough.abort();
    await working;
  }
}

interface Kill {
  readonly devices: readonly SyncingDevice[];
  readonly seeded: Seeded;
  readonly options: KillOptions;
  readonly signal: AbortSignal | undefined;
}

async function kill(vault: Vault, { devices, seeded, options, signal }: Kill) {
  const readyMs: number[] = [];
  let [killsWhileStarting, killsUnderWork] = [0, 0];
  for (let kills = 0; kills < options.kills;) {
    signal?.throwIfAborted();
    await setTimeout(seeded.below(options.longestLifeMs ?? 4000));
    if (devices.some(({ isSyncing }) => isSyncing)) killsUnderWork += 1;
    await vault.daemon.kill9();
    kills += 1;
    if (kills < options.kills && seeded.chance(startingShare)) {
      await vault.daemon.restartAndKill(seeded.below(longestStartMs));
      kills += 1;
      killsWhileStarting += 1;
    }
    const startedMs = performance.now();
    await vault.daemon.restart();
    await untilReady(vault);
    readyMs.push(performance.now() - startedMs);
  }
  return { readyMs, killsWhileStarting, killsUnderWork };
}

/** A new device of each account sees every moment that was acknowledged, and the last one on its disk. */
async function checkBooks(vault: Vault, owners: readonly Owner[], devices: readonly SyncingDevice[]): Promise<number> {
  let contents = 0;
  for (const credentials of new Set(owners.map((owner) => owner.credentials))) {
    const fresh = await vault.device(credentials);
    await using readBack = await ReadBack.open(fresh);
    for (const [index, device] of devices.entries()) {
      if (owners[index]?.credentials !== credentials) continue;
      for (const { atMs, snapshot } of device.book) {
        const found = await readBack.at(atMs, device.path);
        assert.deepEqual(sorted(found), sorted(snapshot), `${device.path} as it was acknowledged at ${atMs}`);
      }
      const copy = vault.folder.join(`copy of work ${index}`);
      await fresh.json(['sync', copy, device.path, '--mode', 'pull']);
      assert.deepEqual(compareTrees(device.folder.path, copy), [], `${device.path} on a new device`);
    }
    contents += readBack.contents;
  }
  return contents;
}

async function checkStorage(vault: Vault): Promise<void> {
  const check = await vault.machine.run(['admin', 'check', '--read-data', '--storage', vault.storage, '--json']);
  assert.deepEqual([check.exitCode, check.json], [0, { clean: true, findings: [] }], check.stderr);
}

function sorted(snapshot: ReadonlyMap<string, string>): [string, string][] {
  return [...snapshot].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
