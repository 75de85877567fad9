import { detailPane, listPane } from '../../app/list-pane.ts';
import type { ScreenView, Space } from '../../app/screen.ts';
import { span } from '../../frame/line.ts';
import type { Line, Span } from '../../frame/line.ts';
import { adminRowDetails, adminRowText } from './admin-rows.ts';
import { rowsOf, sections, waitingIn } from './admin-state.ts';
import type { AdminData, AdminState, Section } from './admin-state.ts';

const sectionTitles: Readonly<Record<Section, string>> = {
  users: 'Users',
  requests: 'Requests',
  sessions: 'Sessions',
  alerts: 'Alerts',
  invites: 'Invites',
  server: 'Server',
  log: 'Log',
};

/** Rows above a list: the sections. */
export const headRows = 1;

/** The Administration screen for a state: pure. */
export function adminView(state: AdminState, data: AdminData, space: Space): ScreenView {
  const { section } = state;
  const rows = rowsOf(section, data);
  const list = state.lists[section];
  const left = space.panes === 1 ? space.columns : Math.floor(space.columns * 0.6);
  const pane = listPane(
    {
      title: titleOf(section, data, rows.length),
      head: [sectionLine(section, data, space)],
      rows: rows.map((row) => adminRowText(row, space)),
      list,
      empty: emptyText(section, data),
    },
    space,
    left,
  );
  const here = rows[Math.min(list.cursor, rows.length - 1)];
  const details = here === undefined ? [] : adminRowDetails(here, space);
  const beside = left < space.columns ? [detailPane('About it', details, { space, width: space.columns - left })] : [];
  return { crumbs: ['Administration', sectionTitles[section]], panes: [pane, ...beside] };
}

/** The section in sight stands in brackets; a number says how many wait in one. */
function sectionLine(current: Section, data: AdminData, space: Space): Line {
  return sections.flatMap((section): Span[] => {
    const waiting = waitingIn(section, data);
    const text = `${sectionTitles[section]}${waiting === 0 ? '' : ` ${space.theme.glyphs.warning}${waiting}`}`;
    return section === current ? [span(`[${text}]`, 'title')] : [span(` ${text} `, waiting === 0 ? 'dim' : 'warning')];
  });
}

function titleOf(section: Section, { log }: AdminData, count: number): string {
  if (section !== 'log') return `${sectionTitles[section]} (${count})`;
  const { category, username } = log.wanted;
  const about = [category ?? 'all', ...(username === undefined ? [] : [`of ${username}`])].join(', ');
  return `Log (${about}; as it is written)`;
}

function emptyText(section: Section, { lists }: AdminData): string {
  if (section === 'log') return 'nothing was written in the last 24 hours';
  const known = lists[section === 'server' ? 'status' : section];
  return known === undefined ? 'the server has not answered' : emptyTexts[section];
}

const emptyTexts: Readonly<Record<Exclude<Section, 'log'>, string>> = {
  users: 'there are no accounts',
  requests: 'nobody asked for anything',
  sessions: 'nobody is connected',
  alerts: 'nothing was noticed',
  invites: 'there are no invites: a makes one',
  server: '',
};
