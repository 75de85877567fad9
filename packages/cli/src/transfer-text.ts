import { formatSize } from '@coffer/core';
import type { SyncReport } from '@coffer/sync';
import { table } from './output.ts';
import { formatDuration } from './progress.ts';
import { safeText } from './safe-text.ts';

/** The summary of a run for a person; counts that are zero are left out, failures come last. */
export function syncText(report: SyncReport): string {
  const counts: readonly (readonly [string, number])[] = [
    ['sent', report.sent],
    ['modified', report.modified],
    ['removed', report.removed],
    ['received', report.received],
    ['received modified', report.receivedModified],
    ['received removed', report.receivedRemoved],
    ['moved', report.moved],
    ['unchanged', report.unchanged],
    ['conflicts', report.conflicts],
    ['failed', report.failed],
  ];
  const shown = counts.filter(([, count]) => count > 0).map(([name, count]) => `${name}: ${count}`);
  const bytes = `${formatSize(report.bytesSent)} sent, ${formatSize(report.bytesReceived)} received`;
  const lines = [
    shown.length === 0 ? 'nothing to do' : shown.join(', '),
    `${bytes} in ${formatDuration(report.elapsedMs / 1000)}`,
  ];
  return [...failures(report), ...lines].join('\n');
}

/** What `--dry-run` would do, one line a step, then the counts. */
export function planText(report: SyncReport): string {
  const steps = (report.plan ?? []).map(({ action, path, reason }) => [action, path, reason]);
  const { sent, modified, removed, received, receivedModified, receivedRemoved, moved } = report;
  const total = sent + modified + removed + received + receivedModified + receivedRemoved + moved;
  return [...(steps.length > 0 ? [table(steps)] : []), `dry run: ${total} changes, nothing was done`].join('\n');
}

function failures(report: SyncReport): string[] {
  return report.errors.map(({ path, message }) => `failed: ${safeText(path)}: ${safeText(message)}`);
}
