import type { Random } from '@coffer/core';
import { isCofferError, MiB, randomUnit, systemClock } from '@coffer/core';
import type { Commit } from '@coffer/journal';
import { testRandom } from '@coffer/journal/testing';
import { AssertionError, deepEqual, ok } from 'node:assert/strict';
import type { Disk } from '../packs/disk.ts';
import type { Storage } from '../storage.ts';
import type { Snapshot } from './fault-bench.ts';
import { FaultBench } from './fault-bench.ts';
import { FaultyDisk } from './faulty-disk.ts';
import type { FlushSite } from './flush-sites.ts';
import { withoutFlush } from './flush-sites.ts';

export interface RecordOptions {
  readonly seed: number;
  /** Commits between two incidents. */
  readonly steps: number;
  /** A flush that the disk only pretends to do. */
  readonly without?: FlushSite;
  /** Told of each kind of flush at its first call. */
  readonly onFlush?: (site: FlushSite) => void;
}

interface Moment extends Snapshot {
  /** What was sent from here on until the next moment, and refused. */
  readonly underWay?: readonly Commit[];
}

/** How many moments the index may lie behind the packs: it is not synced with every commit. */
const indexLag = 4;

/** After it the filesystem is asked for its free space again (`space-guard.ts`). */
const askedAgainMs = 300;

/** Share of the cuts after which index.db is gone. */
const withoutIndex = 0.1;

/** The recorded writes of a storage that worked, met a full disk and died before a flush; any power cut over them can be played. */
export class PowerCuts implements AsyncDisposable {
  readonly #bench: FaultBench;
  readonly #moments: readonly Moment[];

  private constructor(bench: FaultBench, moments: readonly Moment[]) {
    this.#bench = bench;
    this.#moments = moments;
  }

  static async record(options: RecordOptions): Promise<PowerCuts> {
    await using building = new AsyncDisposableStack();
    const bench = building.use(await FaultBench.open(options.seed));
    const moments = await record(bench, options);
    building.move();
    return new PowerCuts(bench, moments);
  }

  /** Writes, flushes and new names that were recorded. */
  get events(): number {
    return this.#bench.disk.events.length;
  }

  /**
   * Cuts the power at a moment and with an outcome that follow from the seed, starts, and looks for all that was
   * acknowledged. @throws AssertionError or CofferError when it is not there
   */
  async play(seed: number): Promise<void> {
    const random = testRandom(seed);
    const { found, events, promised, underWay } = this.#moment(random);
    const disk = this.#bench.disk.afterPowerCut(random, events);
    const index = randomUnit(random) > withoutIndex;
    const path = await this.#bench.fork(found, { index });
    await using storage = await this.#bench.start({ disk, path });
    await this.#bench.workload.verify(storage, promised, underWay);
    // With a new index nobody can tell what was torn from what is damaged: the places are left alone and reported.
    const findings = await this.#bench.check(disk, path);
    deepEqual(
      findings.filter(({ kind }) => index || (kind !== 'record' && kind !== 'pack')),
      [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bench[Symbol.asyncDispose]();
  }

  #moment(random: Random) {
    const { length } = this.#bench.disk.events;
    const first = this.#moments[0]?.events ?? 0;
    const events = first + Math.floor(randomUnit(random) * (length - first + 1));
    const before = this.#moments.filter((moment) => moment.events <= events);
    const found = before[Math.max(0, before.length - 1 - Math.floor(randomUnit(random) * indexLag))];
    if (!found) throw new TypeError('no snapshot');
    const last = before.at(-1);
    return { found, events, promised: last?.acknowledged ?? 0, underWay: last?.underWay ?? [] };
  }
}

/** Everything else is a bug of the scenario. */
function isLoss(error: unknown): boolean {
  if (error instanceof AssertionError || isCofferError(error)) return true;
  throw error;
}

async function record(bench: FaultBench, options: RecordOptions): Promise<Moment[]> {
  const disk = withoutFlush(bench.disk, options);
  const moments: Moment[] = [];
  const work = async (storage: Storage): Promise<void> => {
    for (let step = 0; step < options.steps; step += 1) {
      moments.push(await bench.snapshot());
      await bench.workload.step(storage);
    }
    moments.push(await bench.snapshot());
  };
  {
    await using storage = await bench.start({ disk });
    await bench.workload.begin(storage);
    await work(storage);
    moments.push(await meetFullDisk(bench, storage));
    await work(storage);
  }
  for (const index of [true, false]) {
    for (const at of [1, 2]) await dieBeforeFlush(bench, disk, at);
    if (!index) await bench.removeIndex();
    await using storage = await bench.start({ disk });
    await bench.workload.verify(storage);
    await work(storage);
  }
  return moments;
}

/** Room for some of the chunks, then for the first of two commits. */
async function meetFullDisk(bench: FaultBench, storage: Storage): Promise<Moment> {
  const { disk, workload } = bench;
  disk.takenBytes = MiB;
  disk.totalBytes = disk.usedBytes + 400;
  await workload.step(storage).catch((error: unknown) => {
    if (!isCofferError(error, 'NO_SPACE')) throw error;
  });
  disk.totalBytes = disk.usedBytes + 2000;
  const before = await bench.snapshot();
  const underWay = await workload.stepTooFar(storage, 4000);
  disk.totalBytes = Number.MAX_SAFE_INTEGER;
  disk.takenBytes = 0;
  await systemClock.sleep(askedAgainMs);
  return { ...before, underWay };
}

/** The process ends with a whole record written and not flushed; what the next start finds and shows is a promise. */
async function dieBeforeFlush(bench: FaultBench, disk: Disk, at: number): Promise<void> {
  const dying = new FaultyDisk(disk, { kind: 'EIO', calls: ['sync'], at, times: Number.POSITIVE_INFINITY });
  try {
    await using storage = await bench.start({ disk: dying });
    await bench.workload.verify(storage);
    while (!dying.hit) await bench.workload.step(storage);
  } catch (error) {
    if (!isCofferError(error, 'IO')) throw error;
  }
  ok(dying.hit);
}

/** What became of a storage without one of its flushes. */
export interface FlushNeed {
  readonly site: FlushSite;
  /** Cuts played until one lost something that was acknowledged; undefined when none did. */
  readonly states: number | undefined;
}

export interface FlushNeeds {
  readonly seed: number;
  readonly steps: number;
  /** Cuts played on each recording, at most. */
  readonly most: number;
  /** Recordings tried, each with another seed: some flushes matter only after a rare order of things. */
  readonly recordings: number;
  /** Only these; all when left out. */
  readonly only?: (site: FlushSite) => boolean;
}

/** Leaves out each flush of the code in turn and plays power cuts on what is then recorded until one loses something. */
export async function* needsOfFlushes(needs: FlushNeeds): AsyncGenerator<FlushNeed, void, undefined> {
  const { seed, steps, only = () => true } = needs;
  const sites = new Set<FlushSite>();
  {
    await using _all = await PowerCuts.record({ seed, steps, onFlush: (site) => void sites.add(site) });
  }
  for (const site of [...sites].filter(only).toSorted()) yield { site, states: await statesUntilLoss(site, needs) };
}

async function statesUntilLoss(
  without: FlushSite,
  { seed, steps, most, recordings }: FlushNeeds,
): Promise<number | undefined> {
  let played = 0;
  for (let recording = 0; recording < recordings; recording += 1) {
    await using cuts = await PowerCuts.record({ seed: seed + recording, steps, without });
    for (let cut = 1; cut <= most; cut += 1) {
      played += 1;
      if (await cuts.play(cut).then(() => false, isLoss)) return played;
    }
  }
  return undefined;
}
