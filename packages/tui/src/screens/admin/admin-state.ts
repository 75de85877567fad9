import type { ServerLists } from '../../services/server-desk.ts';
import type { LogState } from '../../services/server-log.ts';
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
}

/** Everything that the screen draws. */
export interface AdminData {
  readonly lists: ServerLists;
  readonly log: LogState;
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
};

/** The section that many steps further, round and round. */
export function turn(state: AdminState, by: 1 | -1): AdminState {
  const at = (sections.indexOf(state.section) + by + sections.length) % sections.length;
  return { ...state, section: sections[at] ?? 'users' };
}

export function withList(state: AdminState, list: ListState): AdminState {
  return { ...state, lists: { ...state.lists, [state.section]: list } };
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
