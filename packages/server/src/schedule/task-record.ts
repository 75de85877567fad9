import { decodeCbor, encodeCbor, errorCodes } from '@coffer/core';
import type { ErrorCode } from '@coffer/core';
import type { Accounts } from '@coffer/storage';
import { z } from 'zod';

/** What the daemon does by itself, and an administrator at any time. */
export const taskNames = ['collect', 'accountsBackup', 'scrub'] as const;
export type TaskName = (typeof taskNames)[number];

const Counts = z.record(z.string().max(32), z.number().int().min(0));

const TaskRecord = z.strictObject({
  v: z.literal(1),
  startedMs: z.number().int().min(0),
  /** Absent: it runs, or the process ended while it did. */
  endedMs: z.number().int().min(0).optional(),
  status: z.union([z.enum(['OK', 'RUNNING']), z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]])]),
  message: z.string().max(1024).optional(),
  counts: Counts,
});

/** The last run of a task. */
export type TaskRecord = Readonly<Omit<z.infer<typeof TaskRecord>, 'v'>>;

/** How tasks ended, in accounts.db: a restart must know when they are due. */
export class TaskRecords {
  readonly #accounts: Pick<Accounts, 'setting' | 'setSetting'>;

  constructor(accounts: Pick<Accounts, 'setting' | 'setSetting'>) {
    this.#accounts = accounts;
  }

  /** Undefined when it never ran, or when what is stored is of another version: then it is due. */
  async read(task: TaskName): Promise<TaskRecord | undefined> {
    const bytes = await this.#accounts.setting(nameOf(task));
    const parsed = bytes && TaskRecord.safeParse(decodeCbor(bytes));
    if (!parsed?.success) return undefined;
    const { v: _v, ...record } = parsed.data;
    return record;
  }

  /** @throws NO_SPACE, BUSY, IO */
  async write(task: TaskName, record: TaskRecord): Promise<void> {
    await this.#accounts.setSetting(nameOf(task), encodeCbor({ v: 1, ...record }));
  }
}

function nameOf(task: TaskName): string {
  return `schedule.${task}`;
}
