import { CofferError } from '@coffer/core';
import type { Handlers, ResponseOf } from '@coffer/protocol';
import { listBackups, readStoredBytes } from '@coffer/storage';
import { differenceOf } from '../admin/difference.ts';
import { readFindings } from '../admin/findings.ts';
import { setQuota } from '../admin/set-quota.ts';
import { listUsers } from '../admin/user-list.ts';
import { audited } from '../log/audited.ts';
import type { TaskStatus } from '../schedule/scheduler.ts';
import type { Connection } from '../session/connection.ts';
import { loggedFor, type AdminCall } from './logged.ts';
import type { Services } from './services.ts';

type CareOperation =
  | 'admin.status'
  | 'admin.userList'
  | 'admin.collect'
  | 'admin.scrub'
  | 'admin.backup'
  | 'admin.recount'
  | 'admin.userQuota';

/** Users of one answer. */
const usersTogether = 64;
/** Accounts of one answer of a recount; more differ only after a bug. */
const differencesTogether = 1000;

/** What administrators do from afar; who may is decided in `authorize`, and each leaves a line in the log. */
export function adminHandlers(services: Services): Pick<Handlers<Connection>, CareOperation> {
  const { storage, accounts, scheduler } = services;
  const logged = loggedFor(services);
  return {
    'admin.status': async () => status(services),
    'admin.userList': async ({ skip }) => users(services, skip),
    'admin.collect': logged('admin.collect', async ({ acceptClock }, call) => {
      if (acceptClock) await acceptClockFor(services, call);
      const counts = await scheduler.run('collect');
      return { response: { counts }, counts };
    }),
    'admin.scrub': logged('admin.scrub', async () => {
      const counts = await scheduler.run('scrub');
      const { count = 0, first = [] } = (await readFindings(accounts)) ?? {};
      return { response: { count, first: [...first] }, counts };
    }),
    'admin.backup': logged('admin.backup', async () => {
      const counts = await scheduler.run('accountsBackup');
      const newest = (await listBackups(services.storagePath))[0];
      if (newest === undefined) throw new CofferError('NOT_FOUND', 'the backup is not there any more');
      return { response: { path: newest.file, bytes: newest.bytes, accounts: counts['accounts'] ?? 0 }, counts };
    }),
    // The server's own work, as those above: it goes on when whoever asked leaves, and asking again joins it.
    'admin.recount': logged('admin.recount', async () => {
      const differences = await storage.recount();
      const accountsOf = differences.slice(0, differencesTogether).map(differenceOf);
      const more = differences.length > differencesTogether;
      return { response: { accounts: accountsOf, more }, counts: { differences: differences.length } };
    }),
    'admin.userQuota': logged('admin.userQuota', async (change) => {
      const subject = await setQuota(accounts, change);
      await services.quotaNotices.check(subject);
      return { response: {}, subject };
    }),
  };
}

/** A line of its own, whatever becomes of the collection: from now on what was held back by the clock expires. */
async function acceptClockFor({ storage, audit }: Services, { context }: AdminCall): Promise<void> {
  const { account, device, address } = context;
  const about = { category: 'admin', event: 'admin.acceptClock', account, device: device.device, address } as const;
  await audited(audit, about, async () => ({ result: await storage.acceptClock() }));
}

async function status(services: Services): Promise<ResponseOf<'admin.status'>> {
  const { storage, accounts, clock, scheduler, storagePath } = services;
  const { freeBytes, reserveBytes, writable } = await storage.status();
  const stored = await readStoredBytes(storagePath);
  const backups = await listBackups(storagePath);
  const findings = await readFindings(accounts);
  return {
    server: storage.serverId,
    generation: storage.generation,
    timeMs: clock.nowMs(),
    space: { freeBytes, reserveBytes, writable },
    clock: storage.clock,
    tasks: scheduler.status().map(taskOf),
    scrub: findings === undefined ? null : { ...findings, first: [...findings.first] },
    backups: { count: backups.length, newestMs: backups[0]?.atMs ?? null },
    accounts: {
      count: (await accounts.list()).length,
      storedBytes: [...(stored?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0),
    },
  };
}

function taskOf({ task, running, last, nextMs }: TaskStatus): ResponseOf<'admin.status'>['tasks'][number] {
  return {
    task,
    running: running ?? null,
    last:
      last === undefined
        ? null
        : { ...last, counts: { ...last.counts }, endedMs: last.endedMs ?? null, message: last.message ?? null },
    nextMs: nextMs ?? null,
  };
}

async function users({ accounts, storagePath }: Services, skip: number): Promise<ResponseOf<'admin.userList'>> {
  const all = await listUsers(storagePath, accounts);
  const page = all.slice(skip, skip + usersTogether);
  return { users: [...page], more: skip + page.length < all.length };
}
