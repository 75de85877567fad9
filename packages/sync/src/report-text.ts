import type { SyncReport } from './report.ts';

/** The counts of a run that are not zero, in the words of the command line. */
export function reportText(report: SyncReport): string {
  const shown = reportCounts(report).map(([name, number]) => `${name} ${number}`);
  return shown.length === 0 ? 'nothing to do' : shown.join(', ');
}

/** The same, each with its name. */
export function reportCounts(report: SyncReport): readonly (readonly [string, number])[] {
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
    ['sent again for the server', report.healed],
    ['failed', report.failed],
  ];
  return counts.filter(([, number]) => number > 0);
}
