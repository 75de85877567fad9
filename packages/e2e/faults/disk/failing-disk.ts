import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { cleanEnvironment, runProgram, startVault } from '../../src/index.ts';
import type { CofferResult, Finished, Vault } from '../../src/index.ts';
import { checkStorage } from '../check-storage.ts';
import { compareWithVault } from '../compare-with-vault.ts';
import { Seeded } from '../seeded.ts';
import { storedBytes } from '../stored-bytes.ts';

export interface FailingDiskOptions {
  readonly seed: number;
  readonly rounds: number;
}

export interface FailingDiskResult {
  /** From the failure of the disk until the daemon had ended, one for each that was in the middle of an upload. */
  readonly endedMs: readonly number[];
  /** Uploads that went on by themselves after the restart. */
  readonly acknowledged: number;
  /** What the daemon said last, each different text once. */
  readonly reasons: readonly string[];
}

const MiB = 1024 * 1024;
/** Long enough to be under way when the disk fails. */
const fileBytes = 48 * MiB;
/** An upload that is over before the disk fails leaves a daemon that has nothing to write and so does not meet it. */
const slowly = '8M';
const pollMs = 5;
const endingLimitMs = 60_000;

/**
 * The disk of a daemon fails while a client uploads (`prlimit --fsize`: every write fails with EFBIG, final like EIO): the
 * process ends and says why, and a start on a sound disk has all that was acknowledged and takes the rest.
 * @throws AssertionError
 */
export async function failDisks(options: FailingDiskOptions, signal?: AbortSignal): Promise<FailingDiskResult> {
  await using vault = await startVault();
  const seeded = new Seeded(options.seed);
  const folder = vault.folder.join('work');
  mkdirSync(folder);
  const endedMs: number[] = [];
  const reasons = new Set<string>();
  let acknowledged = 0;
  for (let round = 0; round < options.rounds; round += 1) {
    signal?.throwIfAborted();
    writeFileSync(join(folder, `small ${round}`), seeded.bytes(10_000));
    assert.equal((await push(vault, folder)).exitCode, 0);
    writeFileSync(join(folder, 'large'), newContent(seeded));
    const pushing = push(vault, folder, '--bwlimit', slowly);
    // Every other time before anything arrives: then the databases are the first to meet it.
    if (round % 2 === 0) await untilStored(vault, storedBytes(vault) + seeded.below(fileBytes / 2));
    const failedMs = performance.now();
    await failDisk(vault);
    const { exitCode, stderr } = await ended(vault);
    if (round % 2 === 0) endedMs.push(performance.now() - failedMs);
    assert.equal(exitCode, 1, stderr);
    reasons.add(stderr.trim().split('\n')[0] ?? '');
    // The client is still trying: to it the restart is a short interruption.
    await vault.daemon.restart();
    if ((await pushing).exitCode === 0) acknowledged += 1;
    assert.equal((await push(vault, folder)).exitCode, 0);
    await compareWithVault(vault, folder, '/work');
  }
  await checkStorage(vault);
  return { endedMs, acknowledged, reasons: [...reasons] };
}

function newContent(seeded: Seeded): Uint8Array {
  const part = seeded.bytes(MiB);
  const all = new Uint8Array(fileBytes);
  // Each MiB another one: nothing of it is sent as a duplicate.
  for (let at = 0; at < fileBytes; at += MiB)
    all.set(
      part.map((byte) => byte ^ (at / MiB)),
      at,
    );
  return all;
}

async function push({ user }: Vault, folder: string, ...options: readonly string[]): Promise<CofferResult> {
  return await user.device.run(['sync', folder, '/work', '--json', ...options]);
}

async function untilStored(vault: Vault, bytes: number): Promise<void> {
  while (storedBytes(vault) <= bytes) await setTimeout(pollMs);
}

async function ended({ daemon }: Vault): Promise<Finished> {
  const late = setTimeout(endingLimitMs, undefined, { ref: false });
  const finished = await Promise.race([daemon.ended, late]);
  assert.ok(finished, `the daemon goes on upon a disk that fails\n${daemon.said}`);
  return finished;
}

async function failDisk({ daemon, folder }: Vault): Promise<void> {
  const limit: [string, ...string[]] = ['prlimit', '--pid', String(daemon.pid), '--fsize=1'];
  const { exitCode, stderr } = await runProgram(limit, { env: cleanEnvironment(folder.path) });
  assert.equal(exitCode, 0, stderr);
}
