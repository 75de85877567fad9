import { formatSize } from '@coffer/core';
import { reportCounts } from '@coffer/sync';
import type { PlanLine, SyncReport } from '@coffer/sync';
import { table } from './output.ts';
import { formatSpan } from './progress.ts';
import { safeText } from './safe-text.ts';

/** The summary of a run for a person; counts that are zero are left out, failures come last. */
export function syncText(report: SyncReport): string {
  const bytes = `${formatSize(report.bytesSent)} sent, ${formatSize(report.bytesReceived)} received`;
  const time = formatSpan(report.elapsedMs);
  return [...failureLines(report), countsText(report), `${bytes} in ${time}`].join('\n');
}

/** Counts that are not zero. */
export function countsText(report: SyncReport): string {
  const shown = reportCounts(report).map(([name, count]) => `${name}: ${count}`);
  return shown.length === 0 ? 'nothing to do' : shown.join(', ');
}

/** What `--dry-run` would do, one line a step, then the counts. */
export function planText(report: SyncReport, plan: readonly PlanLine[]): string {
  const steps = plan.map(({ action, path, reason, from, to }) => [
    ...(to === undefined ? [] : [to]),
    action,
    from === undefined ? path : `${from} -> ${path}`,
    reason,
  ]);
  return [...(steps.length > 0 ? [table(steps)] : []), ...failureLines(report), `dry run: ${countsText(report)}`].join(
    '\n',
  );
}

/** One line for each path that failed. */
export function failureLines(report: SyncReport): string[] {
  return report.errors.map(({ path, message }) => `failed: ${safeText(path)}: ${safeText(message)}`);
}
