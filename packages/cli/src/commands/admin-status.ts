import { statfs } from 'node:fs/promises';
import { formatSize, idKey } from '@coffer/core';
import type { ServerStatus } from '@coffer/client';
import { readFindings, taskNames, TaskRecords } from '@coffer/server';
import { Accounts, listBackups, readClock, readIdentity, readStoredBytes } from '@coffer/storage';
import { z } from 'zod';
import { askServer, storageFolder } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

/** What the folder alone tells is less: what runs, when it is due and the reserve are the daemon's. */
type Status = Omit<ServerStatus, 'space' | 'clock'> & {
  readonly space: {
    readonly freeBytes: number;
    readonly reserveBytes: number | null;
    readonly writable: boolean | null;
  };
  readonly clock: ServerStatus['clock'] | null;
};

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const status: Status =
    storage === undefined
      ? await askServer(context, (server) => server.status(context.signal))
      : await statusOfFolder(context, storage);
  context.output.result({
    json: () => ({ ...status, server: idKey(status.server) }),
    text: () => statusText(status),
  });
  return undefined;
};

async function statusOfFolder(context: CommandContext, storage: string): Promise<Status> {
  const { serverId, generation } = await readIdentity(storage);
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  const { bavail, bsize } = await statfs(storage);
  const timeMs = context.clock.nowMs();
  const findings = await readFindings(accounts);
  const backups = await listBackups(storage);
  const stored = [...((await readStoredBytes(storage))?.values() ?? [])];
  return {
    server: serverId,
    generation,
    timeMs,
    space: { freeBytes: bavail * bsize, reserveBytes: null, writable: null },
    clock: (await readClock(accounts, timeMs)) ?? null,
    tasks: await tasksOf(accounts),
    scrub: findings === undefined ? null : { ...findings, first: [...findings.first] },
    backups: { count: backups.length, newestMs: backups[0]?.atMs ?? null },
    accounts: { count: (await accounts.list()).length, storedBytes: stored.reduce((sum, bytes) => sum + bytes, 0) },
  };
}

async function tasksOf(accounts: Accounts): Promise<Status['tasks']> {
  const records = new TaskRecords(accounts);
  const tasks: Status['tasks'] = [];
  for (const task of taskNames) {
    const last = await records.read(task);
    const told = last && {
      ...last,
      counts: { ...last.counts },
      endedMs: last.endedMs ?? null,
      message: last.message ?? null,
    };
    tasks.push({ task, running: null, last: told ?? null, nextMs: null });
  }
  return tasks;
}

function statusText(status: Status): string {
  const { server, generation, space, clock, scrub, backups, accounts } = status;
  const writable = space.writable === false ? '  FULL: uploads are refused' : '';
  const lines = table([
    ['server', `${idKey(server)}, generation ${generation}`],
    ['space', `${formatSize(space.freeBytes)} free${writable}`],
    ['clock', clockText(clock)],
    ['accounts', `${accounts.count}, ${formatSize(accounts.storedBytes)} stored`],
    [
      'backups',
      backups.newestMs === null ? 'none' : `${backups.count}, newest ${formatTime(backups.newestMs)}, verified`,
    ],
    ['scrub', scrubText(scrub)],
  ]);
  const tasks = table([['task', 'last', 'outcome', 'next'], ...status.tasks.map(taskRow)]);
  return [lines, '', tasks, ...(scrub?.first ?? []).map((finding) => `damaged: ${table([[finding]])}`)].join('\n');
}

function clockText(clock: Status['clock']): string {
  if (clock === null) return 'never ran';
  if (!clock.paused) return 'in step';
  return `PAUSED at ${formatTime(clock.nowMs)}, its machine says ${formatTime(clock.wallMs)}: nothing expires until the machine’s time is near, or \`coffer admin collect --accept-clock\``;
}

function scrubText(scrub: Status['scrub']): string {
  if (scrub === null) return 'never done';
  return `${scrub.count === 0 ? 'clean' : `${scrub.count} PROBLEMS`}, ${formatTime(scrub.atMs)}`;
}

function taskRow({ task, running, last, nextMs }: Status['tasks'][number]): string[] {
  const next = running === null ? timeOr(nextMs, '-') : `runs since ${formatTime(running.sinceMs)}`;
  if (last === null) return [task, '-', '-', next];
  const counts = Object.entries(last.counts).filter(([, count]) => count > 0);
  const outcome = last.message ?? (counts.map(([name, count]) => `${name} ${count}`).join(', ') || 'nothing to do');
  return [task, formatTime(last.startedMs), last.status === 'OK' ? outcome : `${last.status} ${outcome}`, next];
}

function timeOr(ms: number | null, otherwise: string): string {
  return ms === null ? otherwise : formatTime(ms);
}
