import { existsSync } from 'node:fs';
import { isCofferError, type CofferError } from '@coffer/core';
import { silentAudit } from './audit.ts';
import { audited, type Audited, type AuditedWork } from './audited.ts';
import { Logs, type LogsOptions } from './logs.ts';

export interface AuditHere {
  /** The daemon's. A folder that is not there is not made: no daemon has written there. */
  readonly logs: LogsOptions;
  /** Told when the log cannot be written; the work is done all the same, as in a daemon. */
  readonly onUnwritten: (error: CofferError) => void;
}

/**
 * What an administrator does on the server's folder itself, with the lines that the daemon writes for those who come over
 * the network, in its files. Works beside a running daemon. @throws what the work throws
 */
export async function auditedHere<Result>(
  { logs, onUnwritten }: AuditHere,
  about: AuditedWork,
  work: () => Promise<Audited<Result>>,
): Promise<Result> {
  await using opened = existsSync(logs.path) ? await tryOpen(logs, about, onUnwritten) : undefined;
  return await audited(opened ?? silentAudit, { ...about, address: 'local' }, work);
}

async function tryOpen(
  logs: LogsOptions,
  { category }: AuditedWork,
  onUnwritten: AuditHere['onUnwritten'],
): Promise<Logs | undefined> {
  try {
    return await Logs.open(logs, [category]);
  } catch (error) {
    if (!isCofferError(error)) throw error;
    onUnwritten(error);
    return undefined;
  }
}
