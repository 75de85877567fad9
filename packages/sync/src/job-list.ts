import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CofferError, KiB, MiB } from '@coffer/core';
import { z } from 'zod';

const Run = z.strictObject({
  atMs: z.int(),
  outcome: z.enum(['done', 'some-failed', 'failed', 'interrupted']),
  /** What to tell of it. */
  text: z.string().max(4 * KiB),
});

const Job = z.strictObject({
  /** Absolute path of the folder on this machine. */
  local: z
    .string()
    .min(1)
    .max(8 * KiB),
  /** Path in the vault. */
  path: z
    .string()
    .min(1)
    .max(64 * KiB),
  mode: z.enum(['push', 'pull', 'two-way']),
  delete: z.boolean(),
  exclude: z.array(z.string().max(KiB)).max(1000),
  /** Larger files are left alone. */
  maxFileSizeBytes: z.int().min(0).optional(),
  /** How much a run may remove, `50` or `10%`; as usual when left out. */
  maxDelete: z.string().min(1).max(32).optional(),
  last: Run.optional(),
});

/** More than anybody looks after. */
const maxJobs = 1000;

const Stored = z.strictObject({ v: z.literal(1), jobs: z.array(Job).max(maxJobs) });

/** A job that somebody set up on this device, and how its last run ended. */
export type ListedJob = Readonly<z.output<typeof Job>>;

/** How a run of a listed job ended. */
export type ListedRun = Readonly<z.output<typeof Run>>;

const fileName = 'jobs.json';
const maxBytes = 16 * MiB;

/**
 * The sync jobs of a profile, in one small file beside their states. It only says what there is to run: lost, the folders and
 * the states are still there, and a job that is added again goes on where it was.
 */
export class JobList {
  readonly #directory: string;

  /** Nothing is made before the first job. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** In the order in which they were added. @throws DAMAGED, IO */
  all(): readonly ListedJob[] {
    const file = this.#file;
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
    try {
      if (statSync(file).size > maxBytes) throw new RangeError('longer than any list of jobs');
      return Stored.parse(JSON.parse(readFileSync(file, 'utf8'))).jobs;
    } catch (cause) {
      throw new CofferError('DAMAGED', 'the list of sync jobs on this machine is damaged', {
        hint: `Remove ${file} and add the jobs again; no file is lost.`,
        cause,
      });
    }
  }

  /**
   * Adds a job that somebody has run by command; one that is there keeps its settings, and how the run ended is noted when it was
   * such a run. Nothing is added to a full list. @throws DAMAGED, IO
   */
  remember(job: ListedJob, last: ListedRun | undefined): void {
    const all = this.all();
    const there = all.find((one) => isSameJob(one, job));
    if (there === undefined && all.length < maxJobs) this.put({ ...job, ...(last && { last }) });
    else if (there !== undefined && last !== undefined && there.mode === job.mode && there.delete === job.delete)
      this.put({ ...there, last });
  }

  /** Adds a job, or changes the one of the same folder and path. @throws DAMAGED, IO */
  put(job: ListedJob): void {
    const others = this.all();
    const at = others.findIndex((one) => isSameJob(one, job));
    this.#write(at < 0 ? [...others, job] : others.with(at, job));
  }

  /** Forgets a job; folder, vault and state stay as they are. @throws DAMAGED, IO */
  remove(job: Pick<ListedJob, 'local' | 'path'>): void {
    this.#write(this.all().filter((one) => !isSameJob(one, job)));
  }

  get #file(): string {
    return join(this.#directory, fileName);
  }

  #write(jobs: readonly ListedJob[]): void {
    const next = `${this.#file}.next`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(next, `${JSON.stringify({ v: 1, jobs }, undefined, 2)}\n`, { mode: 0o600, flush: true });
      renameSync(next, this.#file);
    } catch (cause) {
      rmSync(next, { force: true });
      throw new CofferError('IO', 'the list of sync jobs cannot be written', { cause });
    }
  }
}

function isSameJob(a: Pick<ListedJob, 'local' | 'path'>, b: Pick<ListedJob, 'local' | 'path'>): boolean {
  return a.local === b.local && a.path === b.path;
}
