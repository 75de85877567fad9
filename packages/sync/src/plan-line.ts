import { showPath } from './byte-name.ts';
import type { Plan, Step } from './plan.ts';
import { reasons } from './plan.ts';
import { localPath, pathIn } from './place.ts';
import type { SyncReport } from './report.ts';
import type { ReportDraft } from './report.ts';

/** One line of `--dry-run`. */
export interface PlanLine {
  readonly action: Exclude<Step['action'], 'remember' | 'forget'>;
  /** Below the root of the job. */
  readonly path: string;
  readonly reason: string;
  /** Where something is renamed from, when that is known. */
  readonly from?: string;
  /** The side that is changed, in a two-way job. */
  readonly to?: 'vault' | 'folder';
}

/** A plan as people read it, in the order in which it is carried out; bookkeeping is nobody's business. */
export function* planLines(plan: Plan): Iterable<PlanLine> {
  for (const steps of [plan.structure, plan.contents, plan.removals, plan.directories]) {
    for (const step of steps) yield lineOf(step, plan.mode);
  }
}

/** True when there is nothing to do and nothing to remember. */
export function isEmptyPlan({ bookkeeping, structure, contents, removals, directories }: Plan): boolean {
  return bookkeeping.length + structure.length + contents.length + removals.length + directories.length === 0;
}

/** True when carrying it out changes something on either side, not only what is remembered. */
export function hasWork({ structure, contents, removals, directories }: Plan): boolean {
  return structure.length + contents.length + removals.length + directories.length > 0;
}

/** Counts a plan as if it had been carried out. */
export function countPlan(plan: Plan, report: ReportDraft): void {
  const { counts } = report;
  const push = plan.mode === 'push';
  for (const step of plan.contents) {
    if (step.action === 'upload') counts[step.remote === undefined ? 'sent' : 'modified'] += 1;
    if (step.action === 'fetch') counts[step.local === undefined ? 'received' : 'receivedModified'] += 1;
    if (step.action === 'upload' && step.reason === 'overwritesNewer') counts.conflicts += 1;
  }
  counts[push ? 'removed' : 'receivedRemoved'] += plan.counts.removing;
  counts.moved += plan.structure.filter(({ action }) => action === 'move').length;
}

/** Counts for the server's record of the run: numbers only. */
export function countsOf(report: SyncReport): Readonly<Record<string, number>> {
  const { errors, ...counts } = report;
  return { ...counts, errors: errors.length };
}

function lineOf(step: Exclude<Step, { action: 'remember' | 'forget' }>, mode: Plan['mode']): PlanLine {
  const { action } = step;
  const path = showPath(pathIn(step)) || '.';
  const line = { action, path, reason: reasons[step.reason] };
  if (action !== 'move') return line;
  return mode === 'pull' ? { ...line, from: showPath(localPath(step.from)) } : line;
}
