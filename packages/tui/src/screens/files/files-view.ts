import type { EntryName } from '@coffer/client';
import { dayMs, formatSize } from '@coffer/core';
import type { ScreenPane, ScreenView, Space } from '../../app/screen.ts';
import { settle } from '../../app/list-state.ts';
import { span } from '../../frame/line.ts';
import type { Line } from '../../frame/line.ts';
import { innerHeight, innerWidth } from '../../frame/pane.ts';
import { count, shortTime } from '../../terminal/format.ts';
import { fit, shown, shownName, widthOf } from '../../terminal/text.ts';
import type { Role } from '../../terminal/theme.ts';
import { focusedRow, isInRange } from './files-state.ts';
import type { FilesState } from './files-state.ts';
import { infoLines } from './info-lines.ts';
import type { InfoFacts } from './info-lines.ts';
import type { Row } from './rows.ts';

/** One of the places at the left: somewhere in the vault, or another screen. */
interface PlaceItem {
  readonly label: string;
  readonly badge: string | undefined;
}

export interface FilesViewInput {
  readonly state: FilesState;
  readonly places: readonly PlaceItem[];
  readonly info: InfoFacts;
  /** A path inside the vault as the account sees it. */
  readonly shownPath: (names: readonly EntryName[]) => readonly EntryName[];
  /** Days that removed entries are kept. */
  readonly trashDays: number;
}

/** Wide enough for the names; and for what stands beside them, as long as it does not take the list's room. */
const placesWidth = { least: 19, most: 26 } as const;

function widthOfPlaces(places: readonly PlaceItem[]): number {
  const widest = Math.max(0, ...places.map((place) => widthOf(placeText(place))));
  return Math.min(placesWidth.most, Math.max(placesWidth.least, widest + 4));
}

function placeText({ label, badge }: PlaceItem): string {
  return badge === undefined ? label : `${label} ${badge}`;
}

/** The Files screen for a state: pure. */
export function filesView(input: FilesViewInput, space: Space): ScreenView {
  const { state } = input;
  if (state.viewTop !== undefined) return { crumbs: crumbsOf(input), panes: [viewPane(input, space, state.viewTop)] };
  const shows = visiblePanes(state, space);
  const infoWidth = Math.min(60, Math.floor(space.columns * 0.36));
  const left = shows.places ? (shows.list ? widthOfPlaces(input.places) : space.columns) : 0;
  const right = shows.info ? infoWidth : 0;
  const panes: ScreenPane[] = [];
  if (shows.places) panes.push(placesPane(input, space, left));
  if (shows.list) panes.push(listPane(input, space, space.columns - left - right));
  if (shows.info) panes.push(infoPane(input, space, right));
  return { crumbs: crumbsOf(input), panes };
}

function visiblePanes(
  { pane, showsInfo }: FilesState,
  { panes }: Space,
): { readonly places: boolean; readonly list: boolean; readonly info: boolean } {
  if (panes === 1) return { places: pane === 'places', list: pane === 'list', info: false };
  if (panes === 2) return { places: pane === 'places' || !showsInfo, list: true, info: showsInfo && pane === 'list' };
  return { places: true, list: true, info: showsInfo };
}

function crumbsOf({ state: { place }, shownPath }: FilesViewInput): readonly string[] {
  if (place.kind === 'trash') return ['Trash'];
  if (place.kind === 'found') return ['Home', `found "${place.query}"`];
  return ['Home', ...shownPath(place.names).map(shownName)];
}

function placesPane({ state, places }: FilesViewInput, space: Space, width: number): ScreenPane {
  const isFocused = state.pane === 'places';
  const inner = innerWidth({ width, height: space.rows, isBare: space.isBare });
  const lines = places.map((place, index): Line => {
    const isHere = index === state.places.cursor;
    const sign = isHere ? `${space.theme.glyphs.cursor} ` : '  ';
    return [span(sign), span(fit(placeText(place), inner - 2), isHere && isFocused ? 'focus' : 'plain')];
  });
  return { title: 'Places', lines, isFocused, cursorLine: state.places.cursor, width };
}

function listPane(input: FilesViewInput, space: Space, width: number): ScreenPane {
  const { state } = input;
  const size = { width, height: space.rows, isBare: space.isBare };
  const height = innerHeight(size);
  const list = settle(state.list, { count: state.rows.length, height });
  const lines = state.rows.slice(list.top, list.top + height).map((row, index) =>
    rowLine(row, {
      input,
      space,
      width: innerWidth(size),
      isHere: list.top + index === list.cursor,
      isMarked: state.marks.has(row) || isInRange({ ...state, list }, list.top + index),
    }),
  );
  return {
    title: listTitle(state),
    lines: lines.length === 0 ? [[span(` ${emptyText(state)}`, 'dim')]] : lines,
    isFocused: state.pane === 'list',
    cursorLine: list.cursor - list.top,
    width,
  };
}

function listTitle({ place, all, rows, marks, query, sorting }: FilesState): string {
  const name =
    place.kind === 'folder' ? shownName(place.names.at(-1) ?? 'Home') : place.kind === 'trash' ? 'Trash' : 'Found';
  const counts = [all.length === rows.length ? String(all.length) : `${rows.length} of ${all.length}`];
  if (marks.size > 0) counts.push(`${marks.size} marked`);
  if (query !== '') counts.push(`filter "${shown(query)}"`);
  if (sorting.by !== 'name' || sorting.isReversed)
    counts.push(`by ${sorting.by}${sorting.isReversed ? ', reversed' : ''}`);
  if (place.kind === 'found' && place.isMore) counts.push('and more');
  return `${name} (${counts.join(', ')})`;
}

function emptyText({ place, query, all }: FilesState): string {
  if (query !== '') return 'nothing matches the filter: Esc shows all';
  if (all.length > 0) return 'only hidden names here: . shows them';
  if (place.kind === 'trash') return 'nothing was removed that is still kept';
  if (place.kind === 'found') return 'nothing found';
  return 'empty: u uploads, a makes something new';
}

interface RowSpace {
  readonly input: FilesViewInput;
  readonly space: Space;
  readonly width: number;
  readonly isHere: boolean;
  readonly isMarked: boolean;
}

const sizeWidth = 9;
const timeWidth = 12;

function rowLine(row: Row, { input, space, width, isHere, isMarked }: RowSpace): Line {
  const { glyphs } = space.theme;
  const signs = `${isHere ? glyphs.cursor : ' '}${isMarked ? glyphs.mark : ' '} `;
  const nameWidth = Math.max(8, width - signs.length - sizeWidth - timeWidth - 3);
  const role = isHere && input.state.pane === 'list' ? 'focus' : isMarked ? 'marked' : nameRole(row);
  const { size, time } = columnsOf(row, input, space.nowMs);
  return [
    span(signs, isMarked ? 'marked' : 'plain'),
    span(fit(nameText(row), nameWidth, { ellipsis: glyphs.ellipsis }), role),
    span(`  ${fit(size, sizeWidth, { align: 'right' })} ${fit(time, timeWidth)}`, 'dim'),
  ];
}

function columnsOf(
  { kind, size: bytes, mtimeMs, removedAtMs }: Row,
  { trashDays }: FilesViewInput,
  nowMs: number,
): { readonly size: string; readonly time: string } {
  const size =
    kind === 'file' ? formatSize(bytes) : kind === 'symlink' ? 'link' : kind === 'mount' ? 'shared' : 'folder';
  if (removedAtMs === undefined) return { size, time: shortTime(mtimeMs, nowMs) };
  const left = Math.ceil((removedAtMs + trashDays * dayMs - nowMs) / dayMs);
  return { size, time: left > 0 ? `${count(left, 'day')} left` : 'expiring' };
}

function nameText({ name: own, kind, path }: Row): string {
  const name = path === undefined ? shownName(own) : `/${path.map(shownName).join('/')}`;
  if (kind === 'directory' || kind === 'mount') return `${name}/`;
  return kind === 'symlink' ? `${name}@` : name;
}

function nameRole({ kind }: Row): Role {
  if (kind === 'directory' || kind === 'mount') return 'folder';
  return kind === 'symlink' ? 'link' : 'plain';
}

/** Facts and content in the whole width. */
function viewPane({ state, info }: FilesViewInput, space: Space, top: number): ScreenPane {
  const size = { width: space.columns, height: space.rows, isBare: space.isBare };
  const row = focusedRow(state);
  const height = innerHeight(size);
  const room = { width: innerWidth(size) - 2, height: top + height, space };
  const lines = row === undefined ? [] : infoLines({ row, info, preview: state.preview }, room);
  const first = Math.min(top, Math.max(0, lines.length - height));
  const title = row === undefined ? 'View' : shownName(row.name);
  return {
    title,
    lines: lines.slice(first).map((one) => [span(' '), ...one]),
    isFocused: true,
    cursorLine: 0,
    width: space.columns,
  };
}

function infoPane({ state, info }: FilesViewInput, space: Space, width: number): ScreenPane {
  const size = { width, height: space.rows, isBare: space.isBare };
  const row = focusedRow(state);
  const lines =
    row === undefined
      ? []
      : infoLines(
          { row, info, preview: state.preview },
          {
            width: innerWidth(size) - 2,
            height: innerHeight(size),
            space,
          },
        );
  return { title: 'Info', lines: lines.map((one) => [span(' '), ...one]), isFocused: false, width };
}
