import { isCofferError, type Clock, type CofferError, type Random } from '@coffer/core';
import { Accounts } from '@coffer/storage';
import { statusOf } from './audit.ts';
import type { Audited, AuditedWork } from './audited.ts';
import { leaveLocalEvent, type LocalEvent } from './local-audit.ts';

export interface AuditHere {
  /** The storage folder. */
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told when an event cannot be left; the work is done all the same, as in a daemon. */
  readonly onUnwritten: (error: CofferError) => void;
}

type Work = Pick<AuditedWork, 'category' | 'event'>;

/**
 * What an administrator does on the server's folder itself, with the two lines that the daemon writes for those who come
 * over the network: they are left in accounts.db, and the daemon takes them into its log, now or when it starts.
 * @throws what the work throws
 */
export async function auditedHere<Result>(
  here: AuditHere,
  about: Work,
  work: () => Promise<Audited<Result>>,
): Promise<Result> {
  await leave(here, { ...about, phase: 'start', status: 'OK' });
  try {
    const { result, ...more } = await work();
    await leave(here, { ...about, phase: 'end', status: 'OK', ...more });
    return result;
  } catch (error) {
    await leave(here, { ...about, phase: 'end', status: statusOf(error) });
    throw error;
  }
}

/** One line after work that must not touch accounts.db before: it replaces it, or does not know whether it may. Never throws for the log's sake. */
export async function noteHere(here: AuditHere, about: Work, done: Pick<LocalEvent, 'counts'>): Promise<void> {
  await leave(here, { ...about, phase: 'end', status: 'OK', ...done });
}

async function leave({ path, clock, random, onUnwritten }: AuditHere, event: Omit<LocalEvent, 'atMs'>): Promise<void> {
  try {
    await using accounts = await Accounts.open(path, { clock });
    await leaveLocalEvent({ accounts, random }, { ...event, atMs: clock.nowMs() });
  } catch (error) {
    if (!isCofferError(error)) throw error;
    // What could not be left at the start cannot be at the end either, and is told then.
    if (event.phase === 'end' && event.status === 'OK') onUnwritten(error);
  }
}
