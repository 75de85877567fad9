import { CofferError, hourMs, isCofferError, minuteMs, type Clock, type ErrorCode, type Logger } from '@coffer/core';
import { statusOf } from '../log/audit.ts';
import type { Schedule } from './schedule.ts';
import { taskNames, type TaskName, type TaskRecord, type TaskRecords } from './task-record.ts';

/** Work that is done now and then. */
interface Task {
  readonly schedule: Schedule;
  /** Ends soon after the signal. @returns whole numbers that say what it did */
  readonly run: (signal: AbortSignal, tell: (bytes: number) => void) => Promise<Readonly<Record<string, number>>>;
}

export type Tasks = Readonly<Record<TaskName, Task>>;

export interface SchedulerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly records: TaskRecords;
  readonly tasks: Tasks;
  /** Told how each run ended that was not stopped. */
  readonly onEnd?: (task: TaskName, status: 'OK' | ErrorCode, counts: Readonly<Record<string, number>>) => void;
}

export interface TaskStatus {
  readonly task: TaskName;
  readonly running: { readonly sinceMs: number; readonly bytes: number } | undefined;
  readonly last: TaskRecord | undefined;
  readonly nextMs: number | undefined;
}

interface Run {
  readonly sinceMs: number;
  bytes: number;
  readonly done: Promise<Readonly<Record<string, number>>>;
}

/** Wall clocks jump, and a timer counts 24 days at most: what is due is looked at again this often. */
const lookMs = hourMs;

/** A task whose run ended with the process waits after a start: it may be what ended it. */
const afterCrashMs = 10 * minuteMs;

/**
 * Runs each task when it is due, and when asked; never the same one twice at a time. What was due while nothing ran is
 * done at the start. A failure is logged, remembered and tried again when it is due again.
 */
export class Scheduler implements AsyncDisposable {
  readonly #deps: SchedulerDeps;
  readonly #stop = new AbortController();
  readonly #running = new Map<TaskName, Run>();
  readonly #last = new Map<TaskName, TaskRecord>();
  readonly #openedMs: number;
  #loops: readonly Promise<void>[] = [];

  private constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#openedMs = deps.clock.nowMs();
  }

  static async open(deps: SchedulerDeps): Promise<Scheduler> {
    const scheduler = new Scheduler(deps);
    for (const task of taskNames) {
      const record = await deps.records.read(task);
      if (record !== undefined) scheduler.#last.set(task, record);
    }
    return scheduler;
  }

  /** From now on what is due is done: to be called once, when the daemon serves. */
  begin(): void {
    this.#loops = taskNames.map((task) => this.#loop(task));
  }

  /** Runs the task now; joins the run that is under way. @throws what the task throws; SHUTTING_DOWN */
  async run(task: TaskName): Promise<Readonly<Record<string, number>>> {
    if (this.#stop.signal.aborted) throw stopping();
    return (this.#running.get(task) ?? this.#begin(task)).done;
  }

  status(): readonly TaskStatus[] {
    return taskNames.map((task) => {
      const run = this.#running.get(task);
      return {
        task,
        running: run && { sinceMs: run.sinceMs, bytes: run.bytes },
        last: this.#last.get(task),
        nextMs: run === undefined ? this.#dueMs(task) : undefined,
      };
    });
  }

  /** Tells what runs to end. */
  stop(): void {
    this.#stop.abort(stopping());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await Promise.allSettled(this.#loops);
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  async #loop(task: TaskName): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const waitMs = Math.min(lookMs, (this.#dueMs(task) ?? Infinity) - clock.nowMs());
      // Logged and remembered where it happened.
      if (waitMs <= 0) await this.run(task).catch(() => undefined);
      else await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  #dueMs(task: TaskName): number | undefined {
    const { tasks, clock } = this.#deps;
    const { schedule } = tasks[task];
    const last = this.#last.get(task);
    const isOff = schedule.nextAfterMs(this.#openedMs) === undefined;
    if (isOff) return undefined;
    // Never run, or in a future that the clock has taken back.
    if (last === undefined || last.startedMs > clock.nowMs()) return this.#openedMs;
    if (last.status === 'SHUTTING_DOWN' && last.startedMs < this.#openedMs) return this.#openedMs;
    if (last.endedMs === undefined) return this.#openedMs + afterCrashMs;
    return schedule.nextAfterMs(last.startedMs);
  }

  #begin(task: TaskName): Run {
    const sinceMs = this.#deps.clock.nowMs();
    const { promise: done, resolve, reject } = Promise.withResolvers<Readonly<Record<string, number>>>();
    // Whoever asked hears of it; the schedule itself asks nothing.
    done.catch(() => undefined);
    const run: Run = { sinceMs, bytes: 0, done };
    this.#running.set(task, run);
    void this.#carryOut(task, run).then(resolve, reject);
    return run;
  }

  async #carryOut(task: TaskName, run: Run): Promise<Readonly<Record<string, number>>> {
    const { clock, logger, tasks, onEnd } = this.#deps;
    const begun = { startedMs: run.sinceMs, counts: {} };
    await this.#remember(task, { ...begun, status: 'RUNNING' });
    try {
      const counts = await tasks[task].run(this.#stop.signal, (bytes) => (run.bytes = bytes));
      logger.info({ task, ...counts }, 'a scheduled task is done');
      await this.#remember(task, { ...begun, endedMs: clock.nowMs(), status: 'OK', counts });
      onEnd?.(task, 'OK', counts);
      return counts;
    } catch (error) {
      const failure = this.#stop.signal.aborted ? stopping() : error;
      const message = isCofferError(failure) ? failure.message : 'it failed in an unexpected way';
      const status = statusOf(failure);
      if (status !== 'SHUTTING_DOWN') logger.error({ task, status, reason: String(error) }, 'a scheduled task failed');
      await this.#remember(task, { ...begun, endedMs: clock.nowMs(), status, message: message.slice(0, 1024) });
      if (status !== 'SHUTTING_DOWN') onEnd?.(task, status, {});
      throw failure;
    } finally {
      this.#running.delete(task);
    }
  }

  /** On a full disk it is known to this process only: the worst is one run too many after a restart. */
  async #remember(task: TaskName, record: TaskRecord): Promise<void> {
    this.#last.set(task, record);
    try {
      await this.#deps.records.write(task, record);
    } catch (error) {
      this.#deps.logger.warn({ task, status: statusOf(error) }, 'the run of a scheduled task could not be noted');
    }
  }
}

function stopping(): CofferError {
  return new CofferError('SHUTTING_DOWN', 'the server is stopping');
}
