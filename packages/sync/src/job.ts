import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onlyReadNow, splitPath } from '@coffer/client';
import type { JobRun, Vault } from '@coffer/client';
import { systemClock, systemRandom } from '@coffer/core';
import type { Clock, Random } from '@coffer/core';
import { fromEntryName } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { DiskTree } from './disk-tree.ts';
import { healLost } from './heal-lost.ts';
import { JobConflicts } from './job-conflicts.ts';
import type { JobContext } from './job-passes.ts';
import { JobState, jobName } from './job-state.ts';
import type { JobKey } from './job-state.ts';
import type { Leftover } from './leftovers.ts';
import { realRoot } from './local-root.ts';
import { RemovalBudget } from './max-delete.ts';
import { countsOf } from './plan-line.ts';
import type { PlanLine } from './plan-line.ts';
import { ProgressMeter } from './progress.ts';
import type { SyncProgress } from './progress.ts';
import { ReportDraft } from './report.ts';
import type { SyncReport } from './report.ts';
import { runJob } from './run-job.ts';
import { claimFolder } from './running-jobs.ts';
import type { Scope } from './scope.ts';
import type { JobOptions } from './sync-options.ts';
import { TemporaryNames } from './temporary-name.ts';
import { findVaultRoot } from './vault-root.ts';

/** What a run of a job that is watched looks at. */
interface RunScope {
  readonly isWhole: boolean;
  /** What `.cofferignore` said when it had settled: by now it may be half written. */
  readonly ruleLines: readonly string[];
  /** Called once for each plan, right before it is made: other devices go on meanwhile. */
  forPlan(): Scope;
}

/** How one run of a job is made. */
export interface RunOptions {
  /** Plan only: nothing is changed anywhere. */
  readonly dryRun?: boolean;
  /** Pass the guards against removals. */
  readonly force?: boolean;
  /** Pass only the guard that looks at the folder itself, for a person who was shown its refusal. */
  readonly passRootGuard?: boolean;
  readonly onProgress?: (progress: SyncProgress) => void;
  /** With `dryRun`: told each step of the plan, in order. */
  readonly onPlan?: (line: PlanLine) => void;
  /**
   * What is looked at; then the server hears of the run only if there is something to do. Without it everything is looked at.
   */
  readonly scope?: RunScope;
  readonly signal?: AbortSignal;
}

/** A sync job that is open: nobody else runs it, or one on an overlapping folder, until it is disposed. */
export class Job implements AsyncDisposable {
  readonly root: ByteName;
  readonly #options: JobOptions & { readonly clock: Clock; readonly random: Random };
  readonly #key: JobKey;
  readonly #state: JobState;
  readonly #budget: RemovalBudget;
  readonly #owned: AsyncDisposableStack;

  /** @throws LOCKED while the same job, or one on an overlapping folder, runs; INVALID for a path that cannot name anything; IO */
  static async open(options: JobOptions): Promise<Job> {
    const { stateDirectory } = options;
    const key = keyOf(options);
    await using building = new AsyncDisposableStack();
    const state = building.use(await JobState.open(stateDirectory, key));
    const within = options.within === undefined ? undefined : realRoot(options.within);
    building.use(claimFolder(stateDirectory, { key, within }));
    return new Job(options, { key, state, owned: building.move() });
  }

  private constructor(
    options: JobOptions,
    { key, state, owned }: { readonly key: JobKey; readonly state: JobState; readonly owned: AsyncDisposableStack },
  ) {
    const { clock = systemClock, random = systemRandom } = options;
    this.#options = { ...options, clock, random };
    this.#key = key;
    this.#state = state;
    this.#owned = owned;
    this.root = key.root;
    this.#budget = new RemovalBudget(clock, options.maxDelete);
  }

  /** Position of the vault that base agrees with; 0 when it is not known to agree with any. */
  get agreedSeq(): number {
    return this.#state.facts?.headSeq ?? 0;
  }

  /** Of the vault, when the job was opened: the base is of no other. */
  get lineage(): number {
    return this.#key.lineage;
  }

  /** Nothing was synced yet, so a folder that is missing is not one that went away. */
  mayMakeRoot(): boolean {
    return !this.#state.hasItems;
  }

  /** One run; one at a time. @throws as `syncOnce` does */
  async run(run: RunOptions = {}): Promise<SyncReport> {
    const { vault, mode, clock } = this.#options;
    const startMs = clock.monotonicMs();
    const report = new ReportDraft();
    const finish = (): SyncReport => report.finish(clock.monotonicMs() - startMs);
    const announced = new Announcement(vault, mode, run.signal);
    using conflicts = new JobConflicts({ directory: this.#options.stateDirectory, key: this.#key, clock });
    try {
      await vault.pull(run.signal);
      if (mode !== 'pull' && vault.role === 'read') throw onlyReadNow();
      const job = this.#context({ run, report, conflicts, announced });
      if (run.scope === undefined && run.dryRun !== true) await announced.begin();
      await this.#heal(job);
      await runJob(job);
      if (report.counts.failed === 0) conflicts.tidy();
    } catch (error) {
      await announced.end({ status: run.signal?.aborted === true ? 'interrupted' : 'failed', report: finish() });
      throw error;
    } finally {
      this.#spend(run, report);
    }
    const finished = finish();
    await announced.end({ status: 'done', report: finished });
    return finished;
  }

  /** What somebody meant is no reason to stop what comes after it. */
  #spend({ force }: RunOptions, { counts }: ReportDraft): void {
    if (force === true) return;
    this.#budget.spend('push', counts.removed);
    this.#budget.spend('pull', counts.receivedRemoved);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  #context({ run, report, conflicts, announced }: RunParts): JobContext {
    const { vault, clock, random, oneFilesystem = false } = this.#options;
    const temporaryNames = new TemporaryNames(random, jobName(this.#key));
    const leftovers: Leftover[] = [];
    const onTemporary = (directory: ByteName, name: ByteName): void => {
      if (temporaryNames.owns(name)) leftovers.push({ directory, name });
    };
    return {
      ...this.#options,
      ...run,
      root: this.root,
      vaultRoot: findVaultRoot(vault, this.#options.path),
      local: new DiskTree(this.root, { oneFilesystem, onTemporary }),
      state: this.#state,
      budget: this.#budget,
      agreedBefore: this.agreedSeq > 0,
      progress: new ProgressMeter(clock, run.onProgress),
      report,
      temporaryNames,
      leftovers,
      onConflict: (conflict) => conflicts.add(conflict),
      onWork: () => announced.begin(),
    };
  }

  /** Asks the server what it has lost: once a run, not whenever a file is saved. */
  async #heal(job: JobContext): Promise<void> {
    if (job.mode === 'pull' || job.dryRun === true || job.scope?.isWhole === false) return;
    await healLost(job, job.signal);
  }
}

interface RunParts {
  readonly run: RunOptions;
  readonly report: ReportDraft;
  readonly conflicts: JobConflicts;
  readonly announced: Announcement;
}

/** What the server is told of a run: that it began, at most once, and then how it ended. */
class Announcement {
  readonly #begin: () => Promise<JobRun>;
  #run: JobRun | undefined;

  constructor(vault: Vault, mode: JobOptions['mode'], signal: AbortSignal | undefined) {
    this.#begin = () => vault.beginJob(mode, signal);
  }

  async begin(): Promise<void> {
    this.#run ??= await this.#begin();
  }

  /** What the run did is done and acknowledged, or has failed already: that its end cannot be announced changes neither. */
  async end({
    status,
    report,
  }: {
    readonly status: Parameters<JobRun['end']>[0];
    readonly report: SyncReport;
  }): Promise<void> {
    try {
      await this.#run?.end(status, countsOf(report));
    } catch {
      // The server finds out by the connection that ends.
    }
  }
}

/** True when something is remembered of earlier runs of a job: whoever runs it first removes nothing. @throws INVALID */
export function hasJobState(options: Pick<JobOptions, 'vault' | 'local' | 'path' | 'stateDirectory'>): boolean {
  return existsSync(join(options.stateDirectory, `${jobName(keyOf(options))}.db`));
}

function keyOf({ vault, local, path }: Pick<JobOptions, 'vault' | 'local' | 'path'>): JobKey {
  return { root: realRoot(local), vault: vault.id, lineage: vault.lineage, path: pathKey({ path }) };
}

function pathKey({ path }: Pick<JobOptions, 'path'>): ByteName {
  const names = typeof path === 'string' ? splitPath(path) : path;
  return names.map((name) => fromEntryName(name)).join('/');
}
