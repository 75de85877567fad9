import { operations, type Handlers } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

type JobOperation = Extract<keyof Handlers<Connection>, `job.${string}`>;

/** A sync run begins and ends: a backup that began and never ended is seen in the log (PROTOCOL §Bulk). */
export function jobHandlers({ audit }: Services): Pick<Handlers<Connection>, JobOperation> {
  return {
    'job.begin': async ({ job, mode }, { context }) => {
      audit.record('backup', { ...eventOf('job.begin', context), phase: 'start', job, status: 'OK', note: mode });
      return {};
    },
    'job.end': async ({ job, status, counts }, { context }) => {
      const code = status === 'done' ? 'OK' : status === 'failed' ? 'INTERNAL' : 'CANCELLED';
      audit.record('backup', { ...eventOf('job.end', context), phase: 'end', job, status: code, note: status, counts });
      return {};
    },
  };
}

function eventOf(operation: JobOperation, { account, device, address }: Connection) {
  return { event: operation, operation: operations[operation].code, account, device: device.device, address } as const;
}
