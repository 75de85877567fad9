import { CofferError, isCofferError } from '@coffer/core';
import type { ListedRun } from './job-list.ts';
import type { SyncReport } from './report.ts';
import { reportText } from './report-text.ts';

/** As the list of jobs takes it. */
const maxText = 2000;

/** How a run ended, for the list of jobs: with a report, or with what it threw. */
export function runOutcome(
  { report, error }: { readonly report?: SyncReport | undefined; readonly error?: unknown },
  atMs: number,
): ListedRun {
  if (report !== undefined)
    return { atMs, outcome: report.failed > 0 ? 'some-failed' : 'done', text: reportText(report).slice(0, maxText) };
  if (isCofferError(error, 'CANCELLED'))
    return { atMs, outcome: 'interrupted', text: 'stopped; the next run goes on from there' };
  const hint = error instanceof CofferError && error.hint !== undefined ? `. ${error.hint}` : '';
  const message = error instanceof Error ? error.message : String(error);
  return { atMs, outcome: 'failed', text: (message + hint).slice(0, maxText) };
}
