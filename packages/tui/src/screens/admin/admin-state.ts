import type { ServerLists } from '../../services/server-desk.ts';
import { idKey } from '@coffer/core';
import type { LogState, LoggedText } from '../../services/server-log.ts';
import { listStart } from '../../app/list-state.ts';
import type { ListState } from '../../app/list-state.ts';
import { serverRows } from './server-rows.ts';
import type { ServerRow } from './server-rows.ts';

/** Parts of the screen, in the order in which Tab goes through them. */
export const sections = ['users', 'requests', 'sessions', 'alerts', 'invites', 'server', 'log'] as const;

export type Section = (typeof sections)[number];

export interface AdminState {
  readonly section: Section;
  readonly lists: Readonly<Record<Section, ListState>>;
  /** What the cursor stays on while its list changes; undefined: where it is. In the log: its end. */
  readonly held: Readonly<Partial<Record<Section, RowKey>>>;
}

/** Names a row from one answer of the server to the next. */
type RowKey = string | LoggedText;

/** Everything that the screen draws. */
export interface AdminData {
  readonly lists: ServerLists;
  readonly log: LogState;
  /** This account administers the server no more. */
  readonly isDenied: boolean;
}

export const adminStart: AdminState = {
  section: 'users',
  lists: {
    users: listStart,
    requests: listStart,
    sessions: listStart,
    alerts: listStart,
    invites: listStart,
    server: listStart,
    log: listStart,
  },
  held: {},
};

/** The section that many steps further, round and round. */
export function turn(state: AdminState, by: 1 | -1): AdminState {
  const at = (sections.indexOf(state.section) + by + sections.length) % sections.length;
  return { ...state, section: sections[at] ?? 'users' };
}

/** The cursor was moved: it holds the row that it is on now. */
export function withList(state: AdminState, list: ListState, rows: readonly AdminRow[]): AdminState {
  const { section } = state;
  const isAtEnd = section === 'log' && list.cursor >= rows.length - 1;
  const row = rows[list.cursor];
  const held = { ...state.held, [section]: row === undefined || isAtEnd ? undefined : keyOf(row) };
  return { ...state, lists: { ...state.lists, [section]: list }, held };
}

/** The list of the section in sight changed: the cursor goes where its row went; the log is followed to its end. */
export function hold(state: AdminState, rows: readonly AdminRow[]): AdminState {
  const { section } = state;
  const { [section]: before } = state.lists;
  const key = state.held[section];
  const found = key === undefined ? -1 : rows.findIndex((row) => keyOf(row) === key);
  const last = Math.max(0, rows.length - 1);
  const isAtEnd = section === 'log' && key === undefined;
  const cursor = isAtEnd ? last : found === -1 ? Math.min(before.cursor, last) : found;
  if (isAtEnd) return { ...state, lists: { ...state.lists, [section]: { ...before, cursor } } };
  return withList(state, { ...before, cursor }, rows);
}

function keyOf(row: AdminRow): RowKey {
  switch (row.section) {
    case 'users':
      return row.user.username;
    case 'requests':
      return idKey(row.request.request);
    case 'sessions':
      return idKey(row.session.session);
    case 'alerts':
      return String(row.alert.id);
    case 'invites':
      return idKey(row.invite.id);
    case 'server':
      return row.row.text;
    case 'log':
      return row.line;
    default:
      return row satisfies never;
  }
}

/** What is under the cursor, by its section. */
export type AdminRow =
  | { readonly section: 'users'; readonly user: NonNullable<ServerLists['users']>[number] }
  | { readonly section: 'requests'; readonly request: NonNullable<ServerLists['requests']>[number] }
  | { readonly section: 'sessions'; readonly session: NonNullable<ServerLists['sessions']>[number] }
  | { readonly section: 'alerts'; readonly alert: NonNullable<ServerLists['alerts']>[number] }
  | { readonly section: 'invites'; readonly invite: NonNullable<ServerLists['invites']>['invites'][number] }
  | { readonly section: 'server'; readonly row: ServerRow }
  | { readonly section: 'log'; readonly line: LogState['lines'][number] };

/** The rows of a section; none while the server has not answered. */
export function rowsOf(section: Section, { lists, log }: AdminData): readonly AdminRow[] {
  switch (section) {
    case 'users':
      return (lists.users ?? []).map((user) => ({ section, user }));
    case 'requests':
      return (lists.requests ?? []).map((request) => ({ section, request }));
    case 'sessions':
      return (lists.sessions ?? []).map((session) => ({ section, session }));
    case 'alerts':
      return (lists.alerts ?? []).map((alert) => ({ section, alert }));
    case 'invites':
      return (lists.invites?.invites ?? []).map((invite) => ({ section, invite }));
    case 'server':
      return lists.status === undefined ? [] : serverRows(lists.status).map((row) => ({ section, row }));
    case 'log':
      return log.lines.map((line) => ({ section, line }));
    default:
      return section satisfies never;
  }
}

/** How many of a section want somebody to act; undefined where nothing can. */
export function waitingIn(section: Section, { lists }: AdminData): number {
  if (section === 'requests') return (lists.requests ?? []).filter(({ state }) => state === 'open').length;
  if (section === 'alerts') return (lists.alerts ?? []).filter(({ acknowledgedMs }) => acknowledgedMs === null).length;
  return 0;
}
