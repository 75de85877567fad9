import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { SyncReport } from '@coffer/sync';
import { compareTrees, readResult, startVault } from '../../src/index.ts';
import type { Coffer, CofferResult, Vault } from '../../src/index.ts';
import { logInThrough } from '../log-in-through.ts';
import { Seeded } from '../seeded.ts';
import { CuttingLine } from './cutting-line.ts';
import { SharedWork, Writings } from './shared-work.ts';

export interface ConcurrentOptions {
  readonly seed: number;
  readonly rounds: number;
}

export interface ConcurrentResult {
  readonly rounds: number;
  readonly syncs: number;
  readonly killed: number;
  readonly cut: number;
  readonly conflicts: number;
  readonly sent: number;
  readonly moved: number;
  readonly comparisons: number;
  readonly written: number;
  readonly alive: number;
}

/** Rounds between two comparisons, in which everything must come to rest. */
const roundsBetween = 10;
/** One sync in so many is killed, and one in so many is cut off. */
const faultShare = 0.15;
const longestLifeMs = 900;
const mostBytes = 60_000;
/** Two devices take turns; more than this many are none. */
const mostTurns = 8;

/**
 * Two devices of one account work in one folder each and sync them two ways at the same time, through lines that break and with
 * processes that are killed. Every few rounds both come to rest: then both folders and a third device hold the same, and
 * every content that a person wrote and nobody removed or replaced.
 * @throws AssertionError when they do not; Error when a sync fails in a way that no fault explains
 */
export async function concurrentRounds(options: ConcurrentOptions, signal?: AbortSignal): Promise<ConcurrentResult> {
  await using vault = await startVault();
  await using line = await CuttingLine.open(vault.daemon.port);
  const seeded = new Seeded(options.seed);
  const writings = new Writings();
  const devices: Device[] = [];
  for (const number of [0, 1]) {
    const work = new SharedWork(vault.folder.join(`work ${number}`), { seeded: seeded.branch(number), writings });
    devices.push(
      new Device(await logInThrough(vault, { port: line.port, name: `device-${number}` }), { work, seeded, line }),
    );
  }
  let comparisons = 0;
  for (let round = 1; round <= options.rounds; round += 1) {
    signal?.throwIfAborted();
    for (const { work } of devices) work.edit();
    await Promise.all(devices.map((device) => device.sync(true)));
    if (round % roundsBetween !== 0 && round !== options.rounds) continue;
    await settle(devices);
    await compare(vault, { devices, writings, round });
    comparisons += 1;
  }
  const total = (of: (device: Device) => number): number => devices.reduce((sum, device) => sum + of(device), 0);
  return {
    rounds: options.rounds,
    syncs: total((device) => device.syncs),
    killed: total((device) => device.killed),
    cut: total((device) => device.cut),
    conflicts: total((device) => device.conflicts),
    sent: total((device) => device.sent),
    moved: total((device) => device.moved),
    comparisons,
    written: writings.written,
    alive: writings.alive.size,
  };
}

class Device {
  readonly work: SharedWork;
  readonly #coffer: Coffer;
  readonly #seeded: Seeded;
  readonly #line: CuttingLine;
  syncs = 0;
  killed = 0;
  cut = 0;
  conflicts = 0;
  sent = 0;
  moved = 0;

  constructor(
    coffer: Coffer,
    parts: { readonly work: SharedWork; readonly seeded: Seeded; readonly line: CuttingLine },
  ) {
    this.#coffer = coffer;
    this.work = parts.work;
    this.#seeded = parts.seeded;
    this.#line = parts.line;
  }

  /** One run; undefined when a fault ended it. @throws Error when it ended in a way that no fault explains */
  async sync(withFaults: boolean): Promise<SyncReport | undefined> {
    this.syncs += 1;
    const args = ['sync', this.work.path, '/work', '--mode', 'two-way', '--force', '--json'];
    const isKilled = withFaults && this.#seeded.chance(faultShare);
    if (withFaults && this.#seeded.chance(faultShare)) this.#line.cutAfter(this.#seeded.below(mostBytes));
    await using child = this.#coffer.start(args);
    if (isKilled) {
      await setTimeout(this.#seeded.below(longestLifeMs));
      child.kill('SIGKILL');
    }
    const result = readResult(await child.finished);
    this.#line.mend();
    return this.#judge(result, { isKilled, withFaults });
  }

  #judge(result: CofferResult, { isKilled, withFaults }: { isKilled: boolean; withFaults: boolean }) {
    if (isKilled && result.endedBy === 'SIGKILL') {
      this.killed += 1;
      return undefined;
    }
    // The line is one for both devices.
    if (withFaults && result.exitCode === exitUnreachable) {
      this.cut += 1;
      return undefined;
    }
    const report = result.json as SyncReport | undefined;
    const isFine = result.exitCode === 0 || (withFaults && result.exitCode === exitSomeFailed);
    if (!isFine || report === undefined) throw new Error(describe(result));
    this.conflicts += report.conflicts;
    this.sent += report.sent + report.modified;
    this.moved += report.moved;
    return report;
  }
}

const exitUnreachable = 8;
const exitSomeFailed = 10;

function describe({ exitCode, stdout, stderr }: CofferResult): string {
  return `sync: exit code ${exitCode}\n${stderr}${stdout}`.slice(0, 4000);
}

/** In turns, without faults, until two runs in a row find nothing to do. */
async function settle(devices: readonly Device[]): Promise<void> {
  for (let turn = 0, quiet = 0; quiet < devices.length; turn += 1) {
    assert(turn < mostTurns, 'the devices come to rest');
    const report = await devices[turn % devices.length]?.sync(false);
    quiet = report !== undefined && isQuiet(report) ? quiet + 1 : 0;
  }
}

function isQuiet(report: SyncReport): boolean {
  const { sent, modified, removed, received, receivedModified, receivedRemoved, moved, conflicts } = report;
  return sent + modified + removed + received + receivedModified + receivedRemoved + moved + conflicts === 0;
}

interface Rest {
  readonly devices: readonly Device[];
  readonly writings: Writings;
  readonly round: number;
}

async function compare(vault: Vault, { devices, writings, round }: Rest): Promise<void> {
  const [one, two] = devices;
  assert(one !== undefined && two !== undefined, 'there are two devices');
  assert.deepEqual(compareTrees(one.work.path, two.work.path), [], `round ${round}: both folders are equal`);
  const there = new Set(one.work.contents());
  const missing = [...writings.alive].filter((number) => !there.has(number));
  assert.deepEqual(missing, [], `round ${round}: every content that nobody removed is there`);
  const copy = vault.folder.join('copy');
  rmSync(copy, { recursive: true, force: true });
  await vault.user.device.json(['get', '/work', copy]);
  assert.deepEqual(compareTrees(one.work.path, join(copy)), [], `round ${round}: the vault is equal, too`);
}
