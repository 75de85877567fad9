import { minuteMs, secondMs } from '@coffer/core';
import { joinPath } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import type { YoungNames } from '../scope.ts';

/** How long a path must rest before it is looked at (SYNC §Watching). */
export interface SettleTimes {
  /** After its last event. */
  readonly settleMs: number;
  /** For what is gone: it may come back, as programs that replace a file do, or come elsewhere. */
  readonly deleteSettleMs: number;
  /** What never rests is looked at so long after its first event all the same. */
  readonly patienceMs: number;
}

export const defaultSettleTimes: SettleTimes = {
  settleMs: 2 * secondMs,
  deleteSettleMs: 10 * secondMs,
  patienceMs: 5 * minuteMs,
};

/** Names of one directory that are kept apart; beyond, the directory rests or does not as a whole. */
const maxNames = 2000;
/** Directories and names altogether; beyond, a look at everything costs no more than the list. */
const maxTouched = 50_000;
/** Stands for all names of a directory: no name is empty. */
const allNames: ByteName = '';

interface Rest {
  readonly firstMs: number;
  lastMs: number;
  /** Looked at, and found gone. */
  isGone: boolean;
}

/** What is looked at next. */
export interface Taken {
  readonly directories: ReadonlySet<ByteName>;
  readonly trees: ReadonlySet<ByteName>;
}

export interface TouchedPathsDeps {
  readonly nowMs: () => number;
  /** Whether something is at a path below the root. */
  readonly isThere: (path: ByteName) => boolean;
  readonly times?: SettleTimes;
}

/** Paths that events named, until they have settled. Bounded: of too many only that there were too many is kept. */
export class TouchedPaths implements YoungNames {
  readonly #deps: TouchedPathsDeps;
  readonly #times: SettleTimes;
  readonly #directories = new Map<ByteName, Map<ByteName, Rest>>();
  readonly #trees = new Map<ByteName, Rest>();
  #count = 0;
  #isOverfull = false;

  constructor(deps: TouchedPathsDeps) {
    this.#deps = deps;
    this.#times = deps.times ?? defaultSettleTimes;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** More was touched than is worth keeping: everything must be looked at. */
  get isOverfull(): boolean {
    return this.#isOverfull;
  }

  /** When something is due; undefined when nothing is. */
  get dueMs(): number | undefined {
    let earliest = Number.POSITIVE_INFINITY;
    for (const names of this.#directories.values())
      for (const rest of names.values()) earliest = Math.min(earliest, this.#due(rest));
    for (const rest of this.#trees.values()) earliest = Math.min(earliest, this.#due(rest));
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }

  touch(directory: ByteName, name: ByteName): void {
    const names = this.#directories.get(directory) ?? new Map<ByteName, Rest>();
    this.#directories.set(directory, names);
    const key = names.has(allNames) ? allNames : name;
    if (!names.has(key) && names.size >= maxNames) this.#forgetNames(names);
    this.#note(names, names.has(allNames) ? allNames : key);
  }

  /** A directory of which nothing is known that is below it. */
  touchTree(directory: ByteName): void {
    this.#note(this.#trees, directory);
  }

  isYoung(directory: ByteName, name: ByteName, isThere: boolean): boolean {
    const names = this.#directories.get(directory);
    const rest = names?.get(allNames) ?? names?.get(name);
    return rest !== undefined && this.#deps.nowMs() < this.#settledMs(rest, isThere);
  }

  /** When a name will have rested; undefined for one that has, or was not touched. */
  restsAtMs(directory: ByteName, name: ByteName): number | undefined {
    const names = this.#directories.get(directory);
    const rest = names?.get(allNames) ?? names?.get(name);
    if (rest === undefined) return undefined;
    const atMs = this.#settledMs(rest, this.#deps.isThere(joinPath(directory, name)));
    return this.#deps.nowMs() < atMs ? atMs : undefined;
  }

  /** What has settled, and the directories of what is gone, which may have been renamed to something that has. */
  take(): Taken {
    const nowMs = this.#deps.nowMs();
    const directories = new Set<ByteName>();
    const trees = new Set<ByteName>();
    for (const [directory, names] of this.#directories) {
      for (const [name, rest] of names) {
        const isDue = this.#due(rest) <= nowMs;
        if (isDue || rest.isGone) directories.add(directory);
        if (isDue) this.#settled(names, { directory, name, rest, nowMs });
      }
      if (names.size === 0) this.#directories.delete(directory);
    }
    for (const [directory, rest] of this.#trees) {
      if (this.#due(rest) > nowMs) continue;
      trees.add(directory);
      this.#drop(this.#trees, directory);
    }
    return { directories, trees };
  }

  /** What was taken could not be looked at: it is due again. */
  giveBack({ directories, trees }: Taken): void {
    const rest = (): Rest => ({ firstMs: 0, lastMs: Number.NEGATIVE_INFINITY, isGone: false });
    for (const directory of directories) {
      const names = this.#directories.get(directory) ?? new Map<ByteName, Rest>();
      this.#directories.set(directory, names);
      // No name is like this one, so nothing is young for it; it only brings the directory back.
      if (!names.has(again)) this.#add(names, again, rest());
    }
    for (const tree of trees) if (!this.#trees.has(tree)) this.#add(this.#trees, tree, rest());
  }

  /** Everything is going to be looked at; only what has not settled is kept. */
  takeAll(): void {
    this.#isOverfull = false;
    this.take();
  }

  /** Events were lost: everything must be looked at. */
  overfill(): void {
    this.clear();
    this.#isOverfull = true;
  }

  /** Nothing is known any more. */
  clear(): void {
    this.#directories.clear();
    this.#trees.clear();
    this.#count = 0;
    this.#isOverfull = false;
  }

  #settledMs(rest: Rest, isThere: boolean): number {
    if (!isThere) return rest.lastMs + this.#times.deleteSettleMs;
    return rest.isGone ? Number.NEGATIVE_INFINITY : this.#due(rest);
  }

  #due({ firstMs, lastMs, isGone }: Rest): number {
    const { settleMs, deleteSettleMs, patienceMs } = this.#times;
    if (isGone) return lastMs + deleteSettleMs;
    return Math.min(lastMs + settleMs, firstMs + patienceMs);
  }

  /** What is gone waits for longer; of a whole directory nobody knows what is gone. */
  #settled(
    names: Map<ByteName, Rest>,
    { directory, name, rest, nowMs }: { directory: ByteName; name: ByteName; rest: Rest; nowMs: number },
  ): void {
    const mayBeGone = name === allNames || (name !== again && !this.#deps.isThere(joinPath(directory, name)));
    rest.isGone = mayBeGone && nowMs < rest.lastMs + this.#times.deleteSettleMs;
    if (!rest.isGone) this.#drop(names, name);
  }

  #note(rests: Map<ByteName, Rest>, key: ByteName): void {
    const nowMs = this.#deps.nowMs();
    const rest = rests.get(key);
    if (rest === undefined) return this.#add(rests, key, { firstMs: nowMs, lastMs: nowMs, isGone: false });
    rest.lastMs = nowMs;
    rest.isGone = false;
  }

  #add(rests: Map<ByteName, Rest>, key: ByteName, rest: Rest): void {
    rests.set(key, rest);
    this.#count += 1;
    if (this.#count <= maxTouched) return;
    this.overfill();
  }

  #drop(rests: Map<ByteName, Rest>, key: ByteName): void {
    if (rests.delete(key)) this.#count -= 1;
  }

  #forgetNames(names: Map<ByteName, Rest>): void {
    const firstMs = Math.min(...[...names.values()].map((rest) => rest.firstMs));
    this.#count -= names.size;
    names.clear();
    this.#add(names, allNames, { firstMs, lastMs: this.#deps.nowMs(), isGone: false });
  }
}

/** Not the name of anything. */
const again: ByteName = '/';
