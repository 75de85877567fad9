import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatPath } from '@coffer/client';
import type { EntryName, Place } from '@coffer/client';
import type { JobOptions, SyncReport } from '@coffer/sync';
import type { HomeSession } from './compose.ts';
import { displayPath } from './vault-paths.ts';

/** The job of what is shared below the folder of another job: a mount is a vault of its own, and the outer job leaves it alone. */
export interface SharedJob {
  readonly job: JobOptions;
  /** Its folder below that of the outer job, for the paths of its report. */
  readonly below: string;
  /** As the account sees it. */
  readonly path: string;
}

export interface SharedJobs {
  readonly jobs: readonly SharedJob[];
  /** Shared files, which have no folder to be synced with, and folders whose names this machine cannot type. */
  readonly leftOut: readonly string[];
}

/** Jobs for every mount below the path of a job in the home vault. @throws INTEGRITY, UNREACHABLE */
export async function sharedJobs(
  { account }: HomeSession,
  { outer, place }: { readonly outer: JobOptions; readonly place: Place | undefined },
  signal: AbortSignal,
): Promise<SharedJobs> {
  // An unattended machine serves the home vault; what is shared from it is left alone.
  if (place === undefined || place.share !== undefined || account.info.scope === 'worker')
    return { jobs: [], leftOut: [] };
  const jobs: SharedJob[] = [];
  const leftOut: string[] = [];
  for (const { names, place: inner } of await account.places.mountsBelow(place.names, signal)) {
    const below = names.slice(place.names.length);
    const job = jobOf(outer, { below, inner });
    if (job === undefined) leftOut.push(displayPath(names));
    else jobs.push({ job, below: below.join('/'), path: formatPath(names) });
  }
  return { jobs, leftOut };
}

/** Undefined for what is no folder. A folder that is missing here is nothing to push. */
function jobOf(
  outer: JobOptions,
  { below, inner }: { readonly below: readonly EntryName[]; readonly inner: Place },
): JobOptions | undefined {
  const isFolder = inner.vault.tree.lookup(inner.names)?.kind === 'directory';
  const typable = below.filter((name) => typeof name === 'string');
  if (!isFolder || typeof outer.local !== 'string' || typable.length < below.length) return undefined;
  const local = join(outer.local, ...typable);
  if (outer.mode === 'push' && !existsSync(local)) return undefined;
  return { ...outer, vault: inner.vault, path: inner.names, local, within: outer.local };
}

/** One report of several runs; paths of the inner ones begin with their folder. */
export function joinReports(
  first: SyncReport,
  others: readonly { readonly report: SyncReport; readonly below: string }[],
): SyncReport {
  const sum = { ...first, errors: [...first.errors] };
  for (const { report, below } of others) {
    for (const key of counted) sum[key] += report[key];
    sum.errors.push(...report.errors.map((error) => ({ ...error, path: `${below}/${error.path}` })));
  }
  return sum;
}

const counted = [
  'sent',
  'modified',
  'removed',
  'received',
  'receivedModified',
  'receivedRemoved',
  'moved',
  'unchanged',
  'conflicts',
  'healed',
  'failed',
  'bytesRead',
  'bytesSent',
  'bytesReceived',
  'elapsedMs',
] as const;
