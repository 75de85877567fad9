import { dayMs, formatSize, timestampToMs } from '@coffer/core';
import type { KeptVersion } from '@coffer/client';
import type { ScreenView, Space } from '../../app/screen.ts';
import { settle } from '../../app/list-state.ts';
import { line, span } from '../../frame/line.ts';
import type { Line } from '../../frame/line.ts';
import { innerHeight, innerWidth } from '../../frame/pane.ts';
import { count, fullTime } from '../../terminal/format.ts';
import { fit, shownName } from '../../terminal/text.ts';
import type { Role } from '../../terminal/theme.ts';
import type { HistoryRow, HistoryState } from './history-state.ts';

export interface HistoryViewInput {
  readonly state: HistoryState;
  /** Name of the device that put a version. */
  readonly deviceOf: (kept: KeptVersion) => string;
}

/** The History screen for a state: pure. */
export function historyView({ state, deviceOf }: HistoryViewInput, space: Space): ScreenView {
  const size = { width: space.columns, height: space.rows, isBare: space.isBare };
  const width = innerWidth(size);
  const { title, head, rows } = contentOf(state, { deviceOf, space, width });
  const height = Math.max(1, innerHeight(size) - head.length);
  const list = settle(state.list, { count: rows.length, height });
  const body = rows.slice(list.top, list.top + height).map((row, index) => row(list.top + index === list.cursor));
  const crumbs = state.kind === 'nothing' ? ['History'] : ['History', 'Home', ...state.names.map(shownName)];
  return {
    crumbs,
    panes: [
      {
        title,
        lines: [...head, ...body],
        isFocused: true,
        cursorLine: head.length + list.cursor - list.top,
        width: space.columns,
      },
    ],
  };
}

/** Rows above the list: the slider. */
export const sliderRows = 3;

interface Content {
  readonly title: string;
  readonly head: readonly Line[];
  readonly rows: readonly ((isHere: boolean) => Line)[];
}

interface Drawing {
  readonly deviceOf: HistoryViewInput['deviceOf'];
  readonly space: Space;
  readonly width: number;
}

function contentOf(state: HistoryState, drawing: Drawing): Content {
  if (state.kind === 'nothing') {
    const text = ' H on a file in Files shows its versions, on a folder or an empty place the folder as it was';
    return { title: 'History', head: [line(text, 'dim')], rows: [] };
  }
  if (state.kind === 'versions') {
    const rows = state.versions.map((kept) => (isHere: boolean) => versionLine(kept, { ...drawing, isHere }));
    return { title: `${shownName(state.entry.name)} (${count(state.versions.length, 'version')})`, head: [], rows };
  }
  const name = shownName(state.names.at(-1) ?? 'Home');
  const rows = state.rows.map((row) => (isHere: boolean) => folderLine(row, { ...drawing, isHere }));
  const empty: Line[] = state.rows.length === 0 ? [line(' empty, or not there yet', 'dim')] : [];
  return { title: `${name} as it was (${state.rows.length})`, head: [...slider(state, drawing), ...empty], rows };
}

/** Where in time: a bar from the first change to now, and the moment in words. */
function slider(state: Extract<HistoryState, { kind: 'folder' }>, { space, width }: Drawing): Line[] {
  const { glyphs } = space.theme;
  const moment = state.moments[state.at];
  const last = state.moments.length - 1;
  const room = Math.max(10, width - 4);
  const at = last <= 0 ? room - 1 : Math.round((state.at * (room - 1)) / last);
  const bar = `${glyphs.box.horizontal.repeat(at)}${glyphs.full}${glyphs.box.horizontal.repeat(room - 1 - at)}`;
  const when = moment === undefined ? 'now' : fullTime(moment.atMs);
  const where = state.at === last ? 'as it is now' : `change ${state.at + 1} of ${state.moments.length}`;
  return [
    [span(' '), span(when, 'title'), span(`  ${where}`, 'plain'), span('   [ and ] one change, { and } a day', 'dim')],
    [span('  '), span(bar, 'busy')],
    line(''),
  ];
}

const fates: Readonly<Record<HistoryRow['now'], { readonly text: string; readonly role: Role }>> = {
  same: { text: 'as it is now', role: 'dim' },
  changed: { text: 'changed since', role: 'warning' },
  moved: { text: 'moved since', role: 'busy' },
  gone: { text: 'removed since', role: 'error' },
};

function folderLine(
  { entry, now }: HistoryRow,
  { space, width, isHere }: Drawing & { readonly isHere: boolean },
): Line {
  const { text, role } = fates[now];
  const room = Math.max(8, width - 46);
  const name = `${shownName(entry.name)}${entry.kind === 'directory' ? '/' : ''}`;
  const size = entry.kind === 'file' ? formatSize(entry.size) : entry.kind === 'directory' ? 'folder' : 'link';
  return [
    span(`${isHere ? space.theme.glyphs.cursor : ' '} `),
    span(fit(name, room, { ellipsis: space.theme.glyphs.ellipsis }), isHere ? 'focus' : 'plain'),
    span(`  ${fit(size, 9, { align: 'right' })}  ${fullTime(timestampToMs(entry.mtime))}  `, 'dim'),
    span(text, role),
  ];
}

function versionLine(kept: KeptVersion, { deviceOf, space, isHere }: Drawing & { readonly isHere: boolean }): Line {
  const { version } = kept;
  const { text, role } = reasonOf(kept, space.nowMs);
  return [
    span(`${isHere ? space.theme.glyphs.cursor : ' '} `),
    span(fit(`v${version.version}`, 5), isHere ? 'focus' : 'title'),
    span(` ${fit(formatSize(version.size), 9, { align: 'right' })}  ${fullTime(version.receivedAtMs)}  `),
    span(fit(deviceOf(kept), 14), 'dim'),
    span(` ${text}`, role),
  ];
}

/** Why a version is there, and until when. */
function reasonOf(
  { state, untilMs, cause }: KeptVersion,
  nowMs: number,
): { readonly text: string; readonly role: Role } {
  const until = untilMs === undefined ? '' : fullTime(untilMs);
  switch (state) {
    case 'current':
      return { text: 'current', role: 'good' };
    case 'kept': {
      if (untilMs === undefined) return { text: 'kept: among the newest', role: 'plain' };
      const days = Math.max(0, Math.ceil((untilMs - nowMs) / dayMs));
      return { text: `kept by its age until ${until}, ${days} days`, role: 'plain' };
    }
    case 'purging':
      return { text: `will be destroyed on ${until}`, role: 'warning' };
    case 'expired':
      return { text: `gone since ${until}${cause === 'purge' ? ', destroyed on request' : ''}`, role: 'dim' };
    case 'lost':
      return { text: 'lost: the server does not have it any more', role: 'error' };
    default:
      return state satisfies never;
  }
}
