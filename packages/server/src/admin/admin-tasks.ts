import { MiB, type Clock } from '@coffer/core';
import { backupAccounts, refuseOlderAccounts, type Storage } from '@coffer/storage';
import type { ServerConfig } from '../config/server-config.ts';
import { parseSchedule } from '../schedule/schedule.ts';
import type { Tasks } from '../schedule/scheduler.ts';
import { keepFindings, type LastFindings } from './findings.ts';

/** What a scrub reads in a second at most: a tenth of a slow disk; a tebibyte takes 18 hours. */
const scrubBytesPerSecond = 16 * MiB;

/** What the daemon does by itself (STORAGE §Counts, expiry, collection; §Check, scrub, repair). */
export function adminTasks(
  { storage, clock }: { readonly storage: Storage; readonly clock: Clock },
  { schedule, storage: { path } }: Pick<ServerConfig, 'schedule' | 'storage'>,
): Tasks {
  return {
    collect: {
      schedule: parseSchedule(schedule.collect),
      run: async (signal) => collectAll(storage, signal),
    },
    accountsBackup: {
      schedule: parseSchedule(schedule.accountsBackup),
      run: async (signal) => {
        // Put in its place under the running daemon, an older one would be the newest backup.
        refuseOlderAccounts(path);
        const { accounts, bytes } = await backupAccounts({ path, clock, signal });
        return { accounts, bytes };
      },
    },
    scrub: {
      schedule: parseSchedule(schedule.scrub),
      run: async (signal, onProgress) => ({ findings: (await scrubAll(storage, { clock, signal, onProgress })).count }),
    },
  };
}

/** First what is too old, then what nothing refers to any more: one run gives the room back. @throws as `expire` and `collect` */
export async function collectAll(storage: Storage, signal: AbortSignal): Promise<Readonly<Record<string, number>>> {
  const { versions, storedBytes, vaults } = await storage.expire({ signal });
  const collected = await storage.collect({ signal });
  return { expiredVersions: versions, expiredBytes: storedBytes, vaults, ...collected };
}

export interface ScrubAll {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told how many bytes were read. */
  readonly onProgress?: (bytes: number) => void;
}

/** A whole scrub, whose findings are kept for the status. @throws as `scrub`; NO_SPACE */
export async function scrubAll(storage: Storage, { clock, ...options }: ScrubAll): Promise<LastFindings> {
  const findings = await storage.scrub({ ...options, bytesPerSecond: scrubBytesPerSecond });
  return await keepFindings(storage.accounts, { findings, atMs: clock.nowMs() });
}
