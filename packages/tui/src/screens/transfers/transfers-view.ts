import { formatSize } from '@coffer/core';
import type { ScreenView, Space } from '../../app/screen.ts';
import { settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { line, span } from '../../frame/line.ts';
import type { Line } from '../../frame/line.ts';
import { innerHeight, innerWidth } from '../../frame/pane.ts';
import type { Transfer } from '../../services/transfers.ts';
import { count, duration, rate } from '../../terminal/format.ts';
import { fit, shorten, shown } from '../../terminal/text.ts';
import type { Glyphs, Role } from '../../terminal/theme.ts';

export interface TransfersState {
  readonly all: readonly Transfer[];
  readonly list: ListState;
}

/** Newest first: what somebody just asked for is in sight. */
export function inOrder(all: readonly Transfer[]): readonly Transfer[] {
  return all.toReversed();
}

/** The Transfers screen for a state: pure. Each transfer has two rows: what, and how far. */
export function transfersView({ all, list }: TransfersState, space: Space): ScreenView {
  const size = { width: space.columns, height: space.rows, isBare: space.isBare };
  const width = innerWidth(size);
  const rows = inOrder(all);
  const perScreen = Math.max(1, Math.floor(innerHeight(size) / 2));
  const at = settle(list, { count: rows.length, height: perScreen });
  const lines = rows
    .slice(at.top, at.top + perScreen)
    .flatMap((one, index) => transferLines(one, { width, space, isHere: at.top + index === at.cursor }));
  return {
    crumbs: ['Transfers'],
    panes: [
      {
        title: titleOf(all),
        lines: lines.length === 0 ? [line(' nothing goes up or down: u uploads in Files, s saves', 'dim')] : lines,
        isFocused: true,
        cursorLine: (at.cursor - at.top) * 2,
        width: space.columns,
      },
    ],
  };
}

/** `↑2 ↓0  12 MiB/s`; empty when nothing is under way. */
export function transfersSummary(all: readonly Transfer[], glyphs: Glyphs): string {
  const active = all.filter(({ state }) => state === 'waiting' || state === 'running');
  if (active.length === 0) return '';
  const up = active.filter(({ direction }) => direction === 'up').length;
  const perSecond = active.reduce((sum, { progress }) => sum + (progress?.bytesPerSecond ?? 0), 0);
  return `${glyphs.up}${up} ${glyphs.down}${active.length - up}  ${rate(perSecond)}`.trimEnd();
}

function titleOf(all: readonly Transfer[]): string {
  const inState = (...states: readonly Transfer['state'][]): number =>
    all.filter(({ state }) => states.includes(state)).length;
  const parts = [`${inState('running')} running`, `${inState('waiting')} waiting`, `${inState('done')} done`];
  const failed = inState('failed');
  return `Transfers (${[...parts, ...(failed > 0 ? [`${failed} failed`] : [])].join(', ')})`;
}

interface RowSpace {
  readonly width: number;
  readonly space: Space;
  readonly isHere: boolean;
}

function transferLines(transfer: Transfer, { width, space, isHere }: RowSpace): readonly Line[] {
  const { glyphs } = space.theme;
  const arrow = transfer.direction === 'up' ? `${glyphs.up} up  ` : `${glyphs.down} down`;
  const { text, role } = stateText(transfer, glyphs);
  const room = Math.max(10, width - 12 - text.length);
  const what = shorten(`${shown(transfer.what)} to ${shown(transfer.where)}`, room, glyphs.ellipsis);
  return [
    [
      span(`${isHere ? glyphs.cursor : ' '} ${arrow}  `),
      span(fit(what, room), isHere ? 'focus' : 'plain'),
      span(`  ${text}`, role),
    ],
    [span('          '), span(shorten(detailOf(transfer, { width: width - 12, glyphs }), width - 11), 'dim')],
  ];
}

function stateText({ state, progress }: Transfer, glyphs: Glyphs): { readonly text: string; readonly role: Role } {
  switch (state) {
    case 'running':
      return { text: `${percentOf(progress)} %`, role: 'busy' };
    case 'done':
      return { text: `${glyphs.done} done`, role: 'good' };
    case 'failed':
      return { text: `${glyphs.failed} failed`, role: 'error' };
    case 'waiting':
    case 'paused':
    case 'cancelled':
      return { text: state, role: 'plain' };
    default:
      return state satisfies never;
  }
}

const barWidth = 24;

function detailOf(
  { state, progress, report, error }: Transfer,
  { width, glyphs }: { readonly width: number; readonly glyphs: Glyphs },
): string {
  if (state === 'failed') return shorten(shown(error ?? 'it failed'), width, glyphs.ellipsis);
  if (report !== undefined) {
    const { bytesSent, bytesReceived, elapsedMs, sent, modified, received, receivedModified, unchanged } = report;
    const files = sent + modified + received + receivedModified;
    const same = unchanged > 0 ? `, ${count(unchanged, 'file')} there already` : '';
    return `${count(files, 'file')}, ${formatSize(bytesSent + bytesReceived)} in ${duration(elapsedMs)}${same}`;
  }
  if (progress === undefined) return state === 'paused' ? 'P goes on' : '';
  const filled = Math.round((percentOf(progress) * barWidth) / 100);
  const bar = glyphs.full.repeat(filled) + glyphs.empty.repeat(barWidth - filled);
  const { filesDone, filesTotal, bytesDone, bytesTotal, bytesPerSecond } = progress;
  const leftMs = bytesPerSecond > 0 ? ((bytesTotal - bytesDone) / bytesPerSecond) * 1000 : 0;
  const parts = [`${filesDone}/${filesTotal} files`, `${formatSize(bytesDone)} of ${formatSize(bytesTotal)}`];
  if (state === 'running' && bytesPerSecond > 0) parts.push(rate(bytesPerSecond), `${duration(leftMs)} left`);
  return [bar, progress.phase, ...parts].join('  ');
}

function percentOf(progress: Transfer['progress']): number {
  if (progress === undefined) return 0;
  const { bytesDone, bytesTotal, filesDone, filesTotal } = progress;
  if (bytesTotal > 0) return Math.min(100, Math.floor((bytesDone * 100) / bytesTotal));
  return filesTotal > 0 ? Math.floor((filesDone * 100) / filesTotal) : 0;
}
