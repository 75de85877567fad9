import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { ConflictList, hasJobState, JobList, parseMaxDelete, runOutcome, syncOnce } from '@coffer/sync';
import type { ListedConflict, ListedJob, MaxDelete, PlanLine, SyncProgress, SyncReport } from '@coffer/sync';
import { equalBytes } from '@coffer/core';
import type { Account, Vault } from '@coffer/client';
import { Store } from '../app/store.ts';

/** A job of this device, and what it does right now. */
export interface JobState {
  readonly job: ListedJob;
  readonly running: 'no' | 'running' | 'planning';
  readonly progress: SyncProgress | undefined;
  /** Of the last run of this program. */
  readonly report: SyncReport | undefined;
}

export interface JobsState {
  readonly jobs: readonly JobState[];
  /** Of this vault, not resolved yet, oldest first. */
  readonly conflicts: readonly ListedConflict[];
}

export interface JobsDeps {
  readonly account: Account;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly jobsFolder: string;
  /** A run ended: the vault may be another. */
  readonly onChanged: () => void;
}

/** What a run would do. */
export interface JobPlan {
  readonly lines: readonly PlanLine[];
  readonly report: SyncReport;
}

export interface JobConsent {
  /** Somebody was shown that the folder is not what it was, and means it. */
  readonly passRootGuard?: boolean;
}

/** What a person agreed to. */
export interface JobRunOptions extends JobConsent {
  /** Not more than this plan said is removed. Without it what the job allows. */
  readonly agreed?: Pick<SyncReport, 'removed' | 'receivedRemoved'>;
}

/** The sync jobs of this device: run, planned, added, forgotten. Runs end with the program, and go on where they were. */
export class Jobs implements AsyncDisposable {
  readonly store: Store<JobsState>;
  readonly #deps: JobsDeps;
  readonly #list: JobList;
  readonly #running = new Map<string, AbortController>();
  readonly #ends = new Set<Promise<unknown>>();

  constructor(deps: JobsDeps) {
    this.#deps = deps;
    this.#list = new JobList(deps.jobsFolder);
    this.store = new Store<JobsState>({ jobs: [], conflicts: [] });
  }

  /** Reads the list and the conflicts anew. @throws DAMAGED, IO */
  refresh(): void {
    const before = this.store.state.jobs;
    const jobs = this.#list.all().map((job) => {
      const known = before.find((one) => keyOf(one.job) === keyOf(job));
      return { running: 'no' as const, progress: undefined, report: undefined, ...known, job };
    });
    this.store.set({ jobs, conflicts: this.#conflicts() });
  }

  /** The listed job between the same folder and the same path. */
  find(job: ListedJob): ListedJob | undefined {
    return this.store.state.jobs.find((one) => keyOf(one.job) === keyOf(job))?.job;
  }

  /** Something is remembered of earlier runs between the two, so the next one carries removals. */
  hasRun({ local, path }: ListedJob): boolean {
    const { vault, jobsFolder: stateDirectory } = this.#deps;
    return hasJobState({ vault, local, path, stateDirectory });
  }

  /** @throws DAMAGED, IO */
  add(job: ListedJob): void {
    this.#list.put(job);
    this.refresh();
  }

  /** @throws DAMAGED, IO */
  forget(job: ListedJob): void {
    this.stop(job);
    this.#list.remove(job);
    this.refresh();
  }

  /** Runs a job now; how it ended is in the list. @returns why it failed */
  async run(job: ListedJob, { agreed, passRootGuard = false }: JobRunOptions = {}): Promise<unknown> {
    const maxDelete = agreed && { push: agreed.removed, pull: agreed.receivedRemoved };
    let failure: unknown;
    await this.#exclusive(job, 'running', async (signal) => {
      const report = await this.#sync(job, { signal, passRootGuard, ...(maxDelete && { maxDelete }) });
      this.#ended(job, { report });
    }).catch((error: unknown) => {
      failure = error;
      this.#ended(job, { error });
    });
    this.#deps.onChanged();
    return failure;
  }

  /** What a run would do; nothing is changed. @throws what syncing throws */
  async plan(job: ListedJob, { passRootGuard = false }: JobConsent = {}): Promise<JobPlan> {
    const lines: PlanLine[] = [];
    let report: SyncReport | undefined;
    await this.#exclusive(job, 'planning', async (signal) => {
      report = await this.#sync(job, { signal, dryRun: true, passRootGuard, onPlan: (line) => lines.push(line) });
    });
    if (report === undefined) throw new TypeError('a plan ends with a report');
    return { lines, report };
  }

  stop(job: ListedJob): void {
    this.#running.get(keyOf(job))?.abort(new CofferError('CANCELLED', 'stopped'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const controller of this.#running.values()) controller.abort(new CofferError('CANCELLED', 'stopped'));
    await Promise.allSettled(this.#ends);
  }

  #conflicts(): readonly ListedConflict[] {
    using list = ConflictList.openExisting(this.#deps.jobsFolder);
    return (list?.all() ?? []).filter(({ job }) => equalBytes(job.vault, this.#deps.vault.id));
  }

  async #exclusive(
    job: ListedJob,
    running: 'running' | 'planning',
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const key = keyOf(job);
    if (this.#running.has(key)) throw new CofferError('LOCKED', 'this job is running already');
    const controller = new AbortController();
    this.#running.set(key, controller);
    this.#change(job, { running, progress: undefined });
    const end = work(controller.signal);
    this.#ends.add(end);
    try {
      await end;
    } finally {
      this.#ends.delete(end);
      this.#running.delete(key);
      this.#change(job, { running: 'no', progress: undefined });
    }
  }

  #sync(
    job: ListedJob,
    options: {
      readonly signal: AbortSignal;
      readonly passRootGuard: boolean;
      readonly maxDelete?: MaxDelete;
      readonly dryRun?: boolean;
      readonly onPlan?: (line: PlanLine) => void;
    },
  ): Promise<SyncReport> {
    const { account, vault, jobsFolder } = this.#deps;
    const { local, path, mode, exclude, maxFileSizeBytes, maxDelete } = job;
    const { deviceName, device } = account.info;
    return syncOnce({
      vault,
      local,
      path,
      mode,
      exclude,
      delete: job.delete,
      stateDirectory: jobsFolder,
      deviceName,
      device,
      onProgress: (progress) => this.#change(job, { progress }),
      ...(maxFileSizeBytes !== undefined && { maxFileSizeBytes }),
      ...(maxDelete !== undefined && { maxDelete: parseMaxDelete(maxDelete) }),
      ...options,
    });
  }

  #ended(job: ListedJob, { report, error }: { readonly report?: SyncReport; readonly error?: unknown }): void {
    const last = runOutcome({ report, error }, this.#deps.clock.nowMs());
    this.#change(job, { report });
    this.#list.put({ ...job, last });
    this.refresh();
  }

  #change(job: ListedJob, change: Partial<JobState>): void {
    this.store.update((state) => ({
      ...state,
      jobs: state.jobs.map((one) => (keyOf(one.job) === keyOf(job) ? { ...one, ...change } : one)),
    }));
  }
}

function keyOf({ local, path }: ListedJob): string {
  return `${local}\u0000${path}`;
}
