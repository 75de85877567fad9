import type { Vault } from '@coffer/client';
import { backoffMs, isCofferError, minuteMs, secondMs } from '@coffer/core';
import type { Clock, CofferError, Random } from '@coffer/core';

export interface RemoteLinkDeps {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  /** The server is reached and may have something new. */
  readonly onNews: () => void;
  /** The server was lost and is not reached again at once; told once until it is reached. */
  readonly onOffline: (error: CofferError) => void;
}

const backoff = { firstMs: secondMs, maxMs: minuteMs } as const;

/**
 * Follows the server's events for as long as the signal lets it, over as many connections as that takes.
 * @throws what no waiting mends: NOT_LOGGED_IN for a revoked device, UNTRUSTED_SERVER, …; the signal's reason
 */
export async function followVault(deps: RemoteLinkDeps, signal: AbortSignal): Promise<never> {
  const { vault, clock, random, onNews, onOffline } = deps;
  for (let failures = 0; ; failures += 1) {
    try {
      for await (const _event of vault.watch(signal)) {
        failures = -1;
        onNews();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransient(error)) throw error;
      // A connection that ended, as each does after a day, is made again at once; only that failing is news.
      if (failures >= 0) onOffline(error);
    }
    signal.throwIfAborted();
    if (failures >= 0) await clock.sleep(backoffMs(failures, backoff, random), signal);
  }
}

/** What passes by itself: the line, or a server that restarts or is busy. */
export function isTransient(error: unknown): error is CofferError {
  return isCofferError(error, 'UNREACHABLE', 'TIMEOUT', 'SHUTTING_DOWN', 'BUSY');
}
