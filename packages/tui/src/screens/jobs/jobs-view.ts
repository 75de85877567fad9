import { formatSize } from '@coffer/core';
import { joinPath, showPath } from '@coffer/sync';
import type { ListedConflict } from '@coffer/sync';
import type { ScreenPane, ScreenView, Space } from '../../app/screen.ts';
import { detailPane, listPane } from '../../app/list-pane.ts';
import type { Detail, ListRow } from '../../app/list-pane.ts';
import type { ListState } from '../../app/list-state.ts';
import type { JobsState, JobState } from '../../services/jobs.ts';
import { fullTime, rate, shortTime } from '../../terminal/format.ts';
import type { Glyphs } from '../../terminal/theme.ts';

/** A row of the screen: a job, or a conflict that waits. */
export type JobRow =
  | { readonly kind: 'job'; readonly state: JobState }
  | { readonly kind: 'conflict'; readonly conflict: ListedConflict };

export function jobRows({ jobs, conflicts }: JobsState): readonly JobRow[] {
  return [
    ...jobs.map((state) => ({ kind: 'job' as const, state })),
    ...conflicts.map((conflict) => ({ kind: 'conflict' as const, conflict })),
  ];
}

export interface JobsViewInput {
  readonly state: JobsState;
  readonly list: ListState;
}

/** The Jobs screen for a state: pure. */
export function jobsView({ state, list }: JobsViewInput, space: Space): ScreenView {
  const rows = jobRows(state);
  const hasDetail = space.panes > 1;
  const left = hasDetail ? Math.floor(space.columns * 0.55) : space.columns;
  const panes: ScreenPane[] = [jobsPane({ rows, list }, space, left)];
  if (hasDetail) panes.push(detailPane('Job', rowDetail(rows[list.cursor]), { space, width: space.columns - left }));
  return { crumbs: ['Jobs'], panes };
}

/** The two names of a conflict as paths of the vault. */
export function conflictPaths({ job, path, copy }: ListedConflict): { readonly path: string; readonly copy: string } {
  const inVault = (name: string): string => `/${showPath(joinPath(job.path, name))}`;
  return { path: inVault(path), copy: inVault(copy) };
}

function jobsPane(
  { rows, list }: { readonly rows: readonly JobRow[]; readonly list: ListState },
  space: Space,
  width: number,
): ScreenPane {
  const conflicts = rows.filter(({ kind }) => kind === 'conflict').length;
  const title = `Jobs of this device (${rows.length - conflicts}${conflicts > 0 ? `, ${conflicts} conflicts` : ''})`;
  const shownRows = rows.map((row) =>
    row.kind === 'job' ? jobText(row.state, space) : conflictText(row.conflict, space.theme.glyphs),
  );
  return listPane({ title, rows: shownRows, list, empty: 'no folder is kept in step here: a adds one' }, space, width);
}

const arrows = { push: '->', pull: '<-', 'two-way': '<->' } as const;

function jobText({ job, running, progress }: JobState, { theme: { glyphs }, nowMs }: Space): ListRow {
  const text = `${job.local} ${arrows[job.mode]} ${job.path}`;
  if (running !== 'no') {
    const percent = progress === undefined ? '' : ` ${percentOf(progress)} %`;
    return { text, note: `${running}${percent}`, role: 'busy' };
  }
  const { last } = job;
  if (last === undefined) return { text, note: 'never run', role: 'dim' };
  const when = shortTime(last.atMs, nowMs);
  switch (last.outcome) {
    case 'done':
      return { text, note: `${glyphs.done} ${when}`, role: 'good' };
    case 'some-failed':
      return { text, note: `${glyphs.warning} some failed ${when}`, role: 'warning' };
    case 'interrupted':
      return { text, note: `stopped ${when}`, role: 'plain' };
    case 'failed':
      return { text, note: `${glyphs.failed} failed ${when}`, role: 'error' };
    default:
      return last.outcome satisfies never;
  }
}

function conflictText(conflict: ListedConflict, glyphs: Glyphs): ListRow {
  return { text: conflictPaths(conflict).path, note: `${glyphs.conflict} conflict`, role: 'warning' };
}

function rowDetail(row: JobRow | undefined): readonly Detail[] {
  if (row === undefined) return [];
  return row.kind === 'job' ? jobDetail(row.state) : conflictDetail(row.conflict);
}

function jobDetail({ job, running, progress, report }: JobState): readonly Detail[] {
  const details: Detail[] = [
    { text: job.local, role: 'title' },
    { text: `${modeWords[job.mode]} ${job.path}` },
    { text: job.delete || job.mode === 'two-way' ? 'removals are carried over' : 'removals are not carried over' },
  ];
  if (job.exclude.length > 0) details.push({ text: `without ${job.exclude.join(', ')}` });
  if (job.maxFileSizeBytes !== undefined) details.push({ text: `no file above ${formatSize(job.maxFileSizeBytes)}` });
  details.push({ text: '' });
  if (running !== 'no' && progress !== undefined) {
    const { phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesPerSecond } = progress;
    details.push({ text: `${phase}: ${filesDone}/${filesTotal} files`, role: 'busy' });
    details.push({ text: `${formatSize(bytesDone)} of ${formatSize(bytesTotal)}  ${rate(bytesPerSecond)}` });
  } else if (job.last !== undefined) {
    details.push({ text: `last run ${fullTime(job.last.atMs)}` }, { text: job.last.text });
  } else details.push({ text: '! shows what a run would do, S runs it' });
  for (const { path, message } of report?.errors ?? []) details.push({ text: `${path}: ${message}`, role: 'warning' });
  return details;
}

const modeWords = {
  push: 'the vault becomes the folder, at',
  pull: 'the folder becomes the vault, from',
  'two-way': 'both get what is new, with',
} as const;

function conflictDetail(conflict: ListedConflict): readonly Detail[] {
  const { path, copy } = conflictPaths(conflict);
  return [
    { text: path, role: 'title' },
    { text: `and ${copy}` },
    { text: '' },
    { text: `Two devices changed it at once; found ${fullTime(conflict.atMs)}. Both are kept.` },
    { text: `Of this device is ${conflict.mine === 'copy' ? 'the copy' : 'the one with the name'}.` },
    { text: '' },
    { text: 'Enter chooses which one to keep.' },
  ];
}

function percentOf({ bytesDone, bytesTotal, filesDone, filesTotal }: NonNullable<JobState['progress']>): number {
  if (bytesTotal > 0) return Math.min(100, Math.floor((bytesDone * 100) / bytesTotal));
  return filesTotal > 0 ? Math.floor((filesDone * 100) / filesTotal) : 0;
}
