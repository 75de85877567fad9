import type { Entry, EntryName } from '@coffer/client';
import { listStart, settle } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { NameFilter } from './name-filter.ts';
import type { Preview } from '../../preview/draw-content.ts';
import { byName, isHidden, sortRows } from './rows.ts';
import type { Row, Sorting } from './rows.ts';

/** What the list shows: a folder, what was removed, or what was found. */
export type Place =
  | { readonly kind: 'folder'; readonly entry: Entry; readonly names: readonly EntryName[] }
  | { readonly kind: 'trash' }
  | { readonly kind: 'found'; readonly query: string; readonly isMore: boolean };

/** What will be pasted. */
interface Clipboard {
  readonly mode: 'copy' | 'move';
  readonly entries: readonly Entry[];
}

/** Everything that the Files screen shows; immutable. */
export interface FilesState {
  readonly place: Place;
  /** All rows of the place, sorted. */
  readonly all: readonly Row[];
  /** Those that hidden names and the filter leave. */
  readonly rows: readonly Row[];
  readonly filter: NameFilter;
  readonly query: string;
  readonly list: ListState;
  readonly marks: ReadonlySet<Row>;
  /** Row at which a range began. */
  readonly rangeFrom: number | undefined;
  readonly sorting: Sorting;
  readonly showsHidden: boolean;
  readonly pane: 'places' | 'list';
  readonly places: ListState;
  readonly showsInfo: boolean;
  /** Lines scrolled in the view that takes the whole width; undefined while it is closed. */
  readonly viewTop: number | undefined;
  readonly clipboard: Clipboard | undefined;
  readonly preview: Preview | undefined;
}

export function filesAt(place: Place, rows: readonly Row[]): FilesState {
  const base: FilesState = {
    place,
    all: [],
    rows: [],
    filter: new NameFilter([]),
    query: '',
    list: listStart,
    marks: new Set(),
    rangeFrom: undefined,
    sorting: byName,
    showsHidden: false,
    pane: 'list',
    places: listStart,
    showsInfo: true,
    viewTop: undefined,
    clipboard: undefined,
    preview: undefined,
  };
  return withRows(base, rows);
}

/** Another place: filter, marks and range were about the old one. */
export function moveToPlace(
  state: FilesState,
  { place, rows, list }: { readonly place: Place; readonly rows: readonly Row[]; readonly list: ListState },
): FilesState {
  const cleared = {
    ...state,
    place,
    query: '',
    marks: new Set<Row>(),
    rangeFrom: undefined,
    preview: undefined,
    viewTop: undefined,
    list,
  };
  return withRows(cleared, rows);
}

/** New rows of the same place: cursor and marks stay with their entries. */
export function refreshRows(state: FilesState, rows: readonly Row[]): FilesState {
  const here = focusedRow(state);
  const marked = new Set([...state.marks].map(({ key }) => key));
  const next = withRows({ ...state, marks: new Set<Row>() }, rows);
  const at = here === undefined ? -1 : next.rows.findIndex(({ key }) => key === here.key);
  const marks = new Set(marked.size === 0 ? [] : next.all.filter(({ key }) => marked.has(key)));
  const cursor = at < 0 ? state.list.cursor : at;
  return { ...next, marks, list: { cursor: Math.min(cursor, Math.max(0, next.rows.length - 1)), top: state.list.top } };
}

export function withSorting(state: FilesState, sorting: Sorting, unsorted: readonly Row[]): FilesState {
  return refreshRows({ ...state, sorting }, unsorted);
}

export function withQuery(state: FilesState, query: string): FilesState {
  return visible({ ...state, query, rangeFrom: undefined, list: listStart });
}

export function withHidden(state: FilesState, showsHidden: boolean): FilesState {
  const here = focusedRow(state);
  const next = visible({ ...state, showsHidden, rangeFrom: undefined });
  const at = here === undefined ? 0 : next.rows.indexOf(here);
  return { ...next, list: { cursor: Math.max(0, at), top: state.list.top } };
}

/** The row under the cursor; undefined in an empty list. */
export function focusedRow({ rows, list }: FilesState): Row | undefined {
  return rows[list.cursor];
}

/** What an action is about: the marked rows, else the one under the cursor. */
export function chosenRows(state: FilesState): readonly Row[] {
  if (state.marks.size > 0) return state.all.filter((row) => state.marks.has(row));
  const row = focusedRow(state);
  return row === undefined ? [] : [row];
}

/** Whether {@link chosenRows} would find anything; costs nothing where that looks at every row. */
export function hasChosen(state: FilesState): boolean {
  return state.marks.size > 0 || focusedRow(state) !== undefined;
}

export function toggleMark(state: FilesState): FilesState {
  const row = focusedRow(state);
  if (row === undefined) return state;
  const marks = new Set(state.marks);
  if (!marks.delete(row)) marks.add(row);
  return { ...state, marks };
}

export function toggleAll(state: FilesState): FilesState {
  const areAll = state.rows.length > 0 && state.rows.every((row) => state.marks.has(row));
  return { ...state, marks: new Set(areAll ? [] : state.rows), rangeFrom: undefined };
}

/** Begins a range at the cursor; a second time marks all of it. */
export function toggleRange(state: FilesState): FilesState {
  if (state.rangeFrom === undefined) return { ...state, rangeFrom: state.list.cursor };
  const [first, last] = [state.rangeFrom, state.list.cursor].toSorted((a, b) => a - b);
  const inside = state.rows.slice(first, (last ?? 0) + 1);
  return { ...state, marks: new Set([...state.marks, ...inside]), rangeFrom: undefined };
}

export function isInRange({ rangeFrom, list }: FilesState, index: number): boolean {
  if (rangeFrom === undefined) return false;
  return index >= Math.min(rangeFrom, list.cursor) && index <= Math.max(rangeFrom, list.cursor);
}

/** Peels off one layer: the view, a range, marks, the filter. The same state when there is none. */
export function peel(state: FilesState): FilesState {
  if (state.viewTop !== undefined) return { ...state, viewTop: undefined };
  if (state.rangeFrom !== undefined) return { ...state, rangeFrom: undefined };
  if (state.marks.size > 0) return { ...state, marks: new Set() };
  if (state.query === '') return state;
  const here = focusedRow(state);
  const next = visible({ ...state, query: '' });
  const at = here === undefined ? 0 : Math.max(0, next.rows.indexOf(here));
  return { ...next, list: { cursor: at, top: at } };
}

/** The state with its cursor where a screen of that height shows it. */
export function settled(state: FilesState, height: number): FilesState {
  return { ...state, list: settle(state.list, { count: state.rows.length, height }) };
}

function withRows(state: FilesState, rows: readonly Row[]): FilesState {
  const all = state.place.kind === 'trash' ? rows : sortRows(rows, state.sorting);
  return visible({ ...state, all, filter: new NameFilter(all) });
}

function visible(state: FilesState): FilesState {
  const found = state.filter.matching(state.query);
  const hides = !state.showsHidden && state.place.kind === 'folder';
  return { ...state, rows: hides && found.some(isHidden) ? found.filter((row) => !isHidden(row)) : found };
}
