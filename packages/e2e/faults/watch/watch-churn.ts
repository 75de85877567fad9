import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { compareTrees, rssBytes, startVault } from '../../src/index.ts';
import type { Child, Coffer, Vault } from '../../src/index.ts';
import { compareWithVault } from '../compare-with-vault.ts';
import { Seeded } from '../seeded.ts';
import { Churn, plantFiles } from './churn.ts';

export interface WatchChurnOptions {
  readonly seed: number;
  readonly files: number;
  readonly minutes: number;
}

export interface WatchChurnResult {
  readonly files: number;
  readonly filesAtEnd: number;
  readonly changes: number;
  /** That did something, of both devices. */
  readonly runs: number;
  readonly caughtUpMs: number;
  /** Of lone changes, from their writing until they lay on the other side, the shortest first. */
  readonly delaysMs: readonly number[];
  /** Resident bytes, every tenth of the time. */
  readonly rss: { readonly here: number[]; readonly there: number[]; readonly server: number[] };
}

/** Changes in a second, on both sides together: a build or an unpacked archive in bursts, people in between. */
const burst = { changes: 60, everyMs: 1000 } as const;
const patienceMs = 10 * 60_000;
const samples = 10;
/** What the second half may use more than the first: what is live differs from moment to moment, a leak grows on and on. */
const slack = { share: 1.3, bytes: 48 * 1024 * 1024 } as const;

/**
 * Both devices watch; both folders are churned; a file alone in a folder of its own is written again and again and its way timed.
 * @throws AssertionError when a change was missed, or memory grew
 */
export async function watchChurn(
  { seed, files, minutes }: WatchChurnOptions,
  signal: AbortSignal,
): Promise<WatchChurnResult> {
  const seeded = new Seeded(seed);
  await using vault = await startVault();
  const here = vault.folder.join('here');
  const there = vault.folder.join('there');
  plantFiles(here, files);
  mkdirSync(there);
  await using one = watchOf(vault.user.device, here);
  await firstRun(one, signal);
  await using other = watchOf(await vault.device(), there);
  await firstRun(other, signal);
  const workers = [here, there].map((folder, index) => new Churn(folder, { seeded: seeded.branch(index), files }));
  const rss = { here: [] as number[], there: [] as number[], server: [] as number[] };
  const churned = new AbortController();
  using _stopProbing = { [Symbol.dispose]: () => churned.abort() };
  const probing = probe({ here, there }, churned.signal);
  const endMs = performance.now() + minutes * 60_000;
  for (let step = 0; performance.now() < endMs; step += 1) {
    signal.throwIfAborted();
    const [worker] = step % 4 === 3 ? workers.slice(1) : workers;
    for (let count = 0; count < burst.changes / 2; count += 1) worker?.change();
    const share = 1 - (endMs - performance.now()) / (minutes * 60_000);
    if (rss.here.length < share * samples) sample(rss, { vault, one, other });
    await setTimeout(burst.everyMs, undefined, { signal });
  }
  churned.abort();
  const delaysMs = await probing;
  const caughtUpMs = await untilEqual({ here, there, children: [one, other] }, signal);
  sample(rss, { vault, one, other });
  for (const child of [one, other]) {
    child.kill('SIGTERM');
    const { exitCode, stderr } = await child.finished;
    assert.equal(exitCode, 0, stderr);
  }
  await compareWithVault(vault, here, '/churned');
  for (const list of Object.values(rss)) assertFlat(list);
  return {
    files,
    filesAtEnd: readdirSync(here, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length,
    changes: workers.reduce((sum, worker) => sum + worker.changes, 0),
    runs: runsOf(one) + runsOf(other),
    caughtUpMs,
    delaysMs,
    rss,
  };
}

function watchOf(coffer: Coffer, folder: string): Child {
  const flags = ['--mode', 'two-way', '--watch', '--json', '--max-delete', '100%'];
  return coffer.start(['sync', folder, '/churned', ...flags], { diesWithUs: true });
}

async function firstRun(child: Child, signal: AbortSignal): Promise<void> {
  await until(() => child.stdout.includes('"state":"up to date"') || !child.running, signal);
  assert.ok(child.running, child.stderr);
}

/** Both have said that they have nothing to do, and both folders are the same. */
async function untilEqual(
  { here, there, children }: { here: string; there: string; children: readonly Child[] },
  signal: AbortSignal,
): Promise<number> {
  const sinceMs = performance.now();
  const isResting = (): boolean =>
    children.every((child) => child.stdout.trimEnd().split('\n').at(-1)?.includes('"state":"up to date"') === true);
  await until(() => isResting() && compareTrees(here, there).length === 0, signal, 1000);
  return Math.round(performance.now() - sinceMs);
}

async function until(wanted: () => boolean, signal: AbortSignal, everyMs = 200): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!wanted()) {
    if (performance.now() > deadline) throw new Error('it did not come to that in 10 min');
    await setTimeout(everyMs, undefined, { signal });
  }
}

function sample(
  rss: WatchChurnResult['rss'],
  { vault, one, other }: { readonly vault: Vault; readonly one: Child; readonly other: Child },
): void {
  rss.here.push(rssBytes(one.pid));
  rss.there.push(rssBytes(other.pid));
  rss.server.push(rssBytes(vault.daemon.pid));
}

function assertFlat(list: readonly number[]): void {
  const half = Math.ceil(list.length / 2);
  const [first, second] = [Math.max(...list.slice(0, half)), Math.max(...list.slice(half))];
  assert.ok(second <= first * slack.share + slack.bytes, `memory grew: ${list.join(' ')}`);
}

function runsOf({ stdout }: Child): number {
  return stdout.split('\n').filter((line) => line.includes('"event":"run"')).length;
}

/** How often it is looked whether a file has arrived: what is measured is no finer. */
const lookMs = 10;

/** Times one lone file at a time on its way from one folder to the other, until the signal. */
async function probe({ here, there }: { readonly here: string; readonly there: string }, stop: AbortSignal) {
  const delaysMs: number[] = [];
  for (let count = 1; !stop.aborted; count += 1) {
    const name = `probe ${count}`;
    mkdirSync(join(here, 'probes'), { recursive: true });
    writeFileSync(join(here, 'probes', name), name);
    const sinceMs = performance.now();
    while (!stop.aborted && !existsSync(join(there, 'probes', name))) await setTimeout(lookMs);
    if (!stop.aborted) delaysMs.push(Math.round(performance.now() - sinceMs));
    rmSync(join(here, 'probes', name), { force: true });
  }
  return delaysMs.toSorted((a, b) => a - b);
}
