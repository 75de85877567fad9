import { idKey, isCofferError } from '@coffer/core';
import { operations, type Handlers } from '@coffer/protocol';
import type { JobOf } from '@coffer/storage';
import { statusOf } from '../log/audit.ts';
import { LoginThrottle } from '../login/login-throttle.ts';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

type JobOperation = Extract<keyof Handlers<Connection>, `job.${string}`>;

/** Failures in a row after which the account is told, and then every so many. */
const tellAfter = 3;
const tellAgainAfter = 10;
/** Runs of one device that begin with a line in the log: one every six seconds. More would push what others did out of it. */
const begunPerHour = 600;
/** More than begin, so that no run that is in the log seems never to have ended. */
const endedPerHour = 660;

/** A sync run begins and ends: a backup that began and never ended is seen in the log (PROTOCOL §Bulk). */
export function jobHandlers(services: Services): Pick<Handlers<Connection>, JobOperation> {
  const { audit, clock } = services;
  const begun = new LoginThrottle({ clock }, { attemptsPerHour: begunPerHour });
  const ended = new LoginThrottle({ clock }, { attemptsPerHour: endedPerHour });
  const isWorthLine = (throttle: LoginThrottle, { account, device }: Connection): boolean =>
    throttle.begin(idKey(account) + idKey(device.device)) === 0;
  return {
    'job.begin': async ({ job, mode }, { context }) => {
      if (!isWorthLine(begun, context)) return {};
      audit.record('backup', { ...eventOf('job.begin', context), phase: 'start', job, status: 'OK', note: mode });
      return {};
    },
    'job.end': async ({ job, status, counts }, { context }) => {
      const code = status === 'done' ? 'OK' : status === 'failed' ? 'INTERNAL' : 'CANCELLED';
      const event = { ...eventOf('job.end', context), phase: 'end', job, status: code, note: status, counts } as const;
      if (isWorthLine(ended, context)) audit.record('backup', event);
      if (status !== 'interrupted')
        await told(services, { account: context.account, device: context.device.device, job }, status);
      return {};
    },
  };
}

/** A backup that fails every night is told to the person, not only to the terminal that nobody reads. */
async function told(
  { accounts, notifications, logger }: Services,
  job: JobOf,
  status: 'done' | 'failed',
): Promise<void> {
  try {
    if (status === 'done') return accounts.told.jobDone(job);
    const failures = accounts.told.jobFailed(job);
    if (failures !== tellAfter && failures % tellAgainAfter !== 0) return;
    await notifications.notify(job.account, { kind: 'job-failing', device: job.device, figure: failures });
  } catch (error) {
    if (!isCofferError(error)) throw error;
    logger.warn({ status: statusOf(error) }, 'the failure of a job could not be counted');
  }
}

function eventOf(operation: JobOperation, { account, device, address }: Connection) {
  return { event: operation, operation: operations[operation].code, account, device: device.device, address } as const;
}
