import type { ServerStatus } from '@coffer/client';
import { formatSize, idKey } from '@coffer/core';
import type { ListRow } from '../../app/list-pane.ts';
import { serverTasks } from '../../keymap/row-acts.ts';
import type { ServerTask } from '../../keymap/row-acts.ts';
import { count, duration, fullTime } from '../../terminal/format.ts';

export interface ServerRow extends ListRow {
  /** What Enter has done. */
  readonly task?: ServerTask;
  readonly detail: string;
  /** What must be known before it is agreed to, and the word that has to be typed for what cannot be taken back. */
  readonly plan?: readonly string[];
  readonly word?: string;
}

/** How the server is, and what can be done about it. Pure. */
export function serverRows(status: ServerStatus): readonly ServerRow[] {
  const { server, generation, space, accounts, backups } = status;
  return [
    { text: 'server', note: `generation ${generation}`, detail: `Its id is ${idKey(server)}.` },
    {
      text: 'space',
      note: `${formatSize(space.freeBytes)} free${space.writable ? '' : ', FULL: uploads are refused'}`,
      role: space.writable ? 'plain' : 'error',
      detail: `${formatSize(space.reserveBytes)} are kept free, so that people can still remove things.`,
    },
    clockRow(status.clock),
    {
      text: serverTasks.recount.label,
      note: `${accounts.count}, ${formatSize(accounts.storedBytes)} stored`,
      task: 'recount',
      detail: 'Enter counts anew what each account stores, and corrects what was recorded wrongly.',
    },
    ...status.tasks.map(taskRow),
    {
      text: 'backups of accounts',
      note: backups.newestMs === null ? 'none' : `${backups.count}, newest ${fullTime(backups.newestMs)}`,
      role: backups.newestMs === null ? 'warning' : 'plain',
      task: 'accountsBackup',
      detail: 'Copies of the accounts, each opened and found whole. Enter makes one now.',
    },
    scrubRow(status.scrub),
    {
      text: serverTasks.verifyAudit.label,
      note: 'Enter verifies it',
      task: 'verifyAudit',
      detail:
        'Every line of the log carries the hash of the one before; the ends are compared with what this device saw last.',
    },
  ];
}

function clockRow({ nowMs, wallMs, paused }: ServerStatus['clock']): ServerRow {
  if (!paused) return { text: 'clock', note: 'in step', detail: 'By it the server decides what expires.' };
  return {
    text: serverTasks.acceptClock.label,
    note: `PAUSED at ${fullTime(nowMs)}, its machine says ${fullTime(wallMs)}`,
    role: 'error',
    task: 'acceptClock',
    detail:
      "The machine's time jumped: nothing expires until it is near again. Enter says that the machine's time is right.",
    plan: [
      `Nothing has expired since ${fullTime(nowMs)}.`,
      `The server's machine says ${fullTime(wallMs)}: ${duration(Math.abs(wallMs - nowMs))} ${wallMs < nowMs ? 'earlier' : 'later'}.`,
    ],
    word: 'the time is right',
  };
}

const taskDetails: Readonly<Record<ServerStatus['tasks'][number]['task'], string>> = {
  collect: 'Expires versions and removes what nothing refers to. Enter runs it now.',
  accountsBackup: 'Copies the accounts. Enter runs it now.',
  scrub: 'Reads everything that is stored; takes hours. Enter runs it now.',
};

function taskRow({ task, running, last, nextMs }: ServerStatus['tasks'][number]): ServerRow {
  const next = nextMs === null ? '' : ` Next on ${fullTime(nextMs)}.`;
  const { label } = serverTasks[task];
  const row = { text: label, task, detail: `${taskDetails[task]}${lastText(last)}${next}` };
  if (running !== null) return { ...row, note: `runs since ${fullTime(running.sinceMs)}`, role: 'busy' };
  if (last === null) return { ...row, note: 'never ran', role: 'dim' };
  const isGood = last.status === 'OK';
  return {
    ...row,
    note: `${isGood ? 'done' : last.status} ${fullTime(last.startedMs)}`,
    role: isGood ? 'plain' : 'error',
  };
}

function lastText(last: ServerStatus['tasks'][number]['last']): string {
  if (last === null) return '';
  const counts = Object.entries(last.counts).filter(([, number]) => number > 0);
  const text = last.message ?? counts.map(([name, number]) => `${name} ${number}`).join(', ');
  return text === '' ? ' The last time there was nothing to do.' : ` The last time: ${text}.`;
}

function scrubRow(scrub: ServerStatus['scrub']): ServerRow {
  if (scrub === null) return { text: 'damage', note: 'never looked for', role: 'dim', detail: 'A scrub finds it.' };
  const isClean = scrub.count === 0;
  return {
    text: 'damage',
    note: isClean ? `none on ${fullTime(scrub.atMs)}` : `${count(scrub.count, 'problem')} on ${fullTime(scrub.atMs)}`,
    role: isClean ? 'good' : 'error',
    detail: isClean ? 'The last scrub read everything and found it whole.' : scrub.first.join('; '),
  };
}
