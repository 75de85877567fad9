import { auditFindings, isSound } from '@coffer/client';
import { formatSize } from '@coffer/core';
import type { ServerTask } from '../../keymap/row-acts.ts';
import { count, fullTime } from '../../terminal/format.ts';
import type { AdminParts } from './admin-screen.ts';
import type { ServerRow } from './server-rows.ts';

/** Has the server do what a row is about; it goes on there when this side leaves. */
export async function runServerTask(parts: AdminParts, { text, task, detail, plan, word }: ServerRow): Promise<void> {
  const { services, desk } = parts;
  const { ui, clock } = services;
  if (task === undefined) return await ui.read({ title: text, lines: [detail] });
  const isAgreed = await ui.confirm({
    title: text,
    lines: [
      ...(plan ?? []),
      ...(task === 'acceptClock' ? [`Here it is ${fullTime(clock.nowMs())}.`] : []),
      plans[task],
      'The server goes on with it when you leave; asked again, it joins what runs.',
    ],
    yes: 'do it now',
    ...(word !== undefined && { word }),
  });
  if (!isAgreed) return;
  if (task === 'scrub') return scrubBehind(parts);
  let said: readonly string[] = [];
  const isDone = await ui.work(text, async (signal) => {
    said = await tasks[task](parts, signal);
  });
  void desk.refresh('status');
  if (!isDone) return;
  if (said.length === 1) ui.say(said[0] ?? '', 'good');
  else await ui.read({ title: text, lines: said });
}

/** Takes hours: the person goes on meanwhile, and the row says what it does. */
function scrubBehind(parts: AdminParts): void {
  const { services, desk, ended } = parts;
  const { ui } = services;
  ui.say('the server reads everything that is stored; it is told when that is done');
  const done = tasks.scrub(parts, ended).then(
    ([first = '', ...more]) =>
      ui.say(more.length === 0 ? first : `scrub: ${first}`, more.length === 0 ? 'good' : 'error'),
    (error: unknown) => {
      if (!ended.aborted) ui.fail(error);
    },
  );
  void desk.refresh('status');
  void done.then(() => desk.refresh('status'));
}

const plans: Readonly<Record<ServerTask, string>> = {
  collect: 'Versions that nobody keeps any more expire, and what nothing refers to is removed.',
  accountsBackup: 'Copies the accounts, and opens the copy to see that it is whole.',
  scrub: 'Reads everything that is stored and compares it; takes hours.',
  recount: 'Counts anew what each account stores.',
  verifyAudit: 'Reads the whole audit log, and compares its ends with what this device saw the last time.',
  acceptClock:
    "The time of the server's machine is right: what has expired by it is removed for good, as by every collection.",
};

type Task = (parts: AdminParts, signal: AbortSignal) => Promise<readonly string[]>;

const collected = async (
  { services }: AdminParts,
  acceptClock: boolean,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const counts = await services.account.server.collect({ acceptClock }, signal);
  const { expiredVersions = 0, chunks = 0, bytesFreed = 0 } = counts;
  return [
    `${count(expiredVersions, 'version')} expired, ${count(chunks, 'chunk')} removed, ${formatSize(bytesFreed)} given back`,
  ];
};

/** Each gives what it found: one line to say, more to read. */
const tasks: Readonly<Record<ServerTask, Task>> = {
  collect: (parts, signal) => collected(parts, false, signal),
  acceptClock: (parts, signal) => collected(parts, true, signal),
  accountsBackup: async ({ services }, signal) => {
    const { accounts, bytes } = await services.account.server.backup(signal);
    return [`${count(accounts, 'account')} copied, ${formatSize(bytes)}; the copy is whole`];
  },
  scrub: async ({ services }, signal) => {
    const { count: found, first } = await services.account.server.scrub(signal);
    return found === 0 ? ['everything is in order'] : [`${count(found, 'problem')} found`, ...first];
  },
  recount: async ({ services }, signal) => {
    const { accounts } = await services.account.server.recount(signal);
    return [
      accounts.length === 0 ? 'everything was counted rightly' : `corrected: ${count(accounts.length, 'account')}`,
    ];
  },
  verifyAudit: async ({ services }, signal) => {
    const reports = await services.account.server.watch.verifyAudit({ accept: false }, signal);
    return reports.every(isSound) ? ['the log is whole'] : ['NOT WHOLE:', ...reports.flatMap(auditFindings)];
  },
};
