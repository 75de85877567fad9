import { detailPane, listPane } from '../../app/list-pane.ts';
import type { ScreenView, Space } from '../../app/screen.ts';
import { lineWidth, span } from '../../frame/line.ts';
import type { Line, Span } from '../../frame/line.ts';
import { adminRowDetails, adminRowText } from './admin-rows.ts';
import { sections, waitingIn } from './admin-state.ts';
import type { AdminData, AdminRow, AdminState, Section } from './admin-state.ts';

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

/** The Administration screen for a state and the rows of its section: pure. */
export function adminView(
  state: AdminState,
  { data, rows }: { readonly data: AdminData; readonly rows: readonly AdminRow[] },
  space: Space,
): ScreenView {
  const { section } = state;
  const list = state.lists[section];
  const left = space.panes === 1 ? space.columns : Math.floor(space.columns * 0.6);
  const pane = listPane(
    {
      title: titleOf(section, data, rows.length),
      head: [sectionLine(section, data, { space, width: left - 2 })],
      // Only what is in sight is put into words.
      rows: {
        length: rows.length,
        slice: (from, to) => rows.slice(from, to).map((row) => adminRowText(row, space)),
      },
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

/** The section in sight stands in brackets; a number says how many wait in one. Where there is no room for all, the first are left out. */
function sectionLine(current: Section, data: AdminData, { space, width }: LineSpace): Line {
  const { glyphs } = space.theme;
  const parts = sections.map((section): Span => {
    const waiting = waitingIn(section, data);
    const text = `${sectionTitles[section]}${waiting === 0 ? '' : ` ${glyphs.warning}${waiting}`}`;
    return section === current ? span(`[${text}]`, 'title') : span(` ${text} `, waiting === 0 ? 'dim' : 'warning');
  });
  const seen = sections.indexOf(current) + 1;
  let first = 0;
  while (first < seen - 1 && lineWidth([span(glyphs.ellipsis), ...parts.slice(first, seen)]) > width) first += 1;
  return first === 0 ? parts : [span(glyphs.ellipsis, 'dim'), ...parts.slice(first)];
}

interface LineSpace {
  readonly space: Space;
  readonly width: number;
}

function titleOf(section: Section, { log }: AdminData, count: number): string {
  if (section !== 'log') return `${sectionTitles[section]} (${count})`;
  const { category, username } = log.wanted;
  const about = [category ?? 'all', ...(username === undefined ? [] : [`of ${username}`])].join(', ');
  const phases = { loading: 'being read', following: 'as it is written', ended: 'ENDED' } as const;
  return `Log (${about}; ${phases[log.phase.kind]})`;
}

function emptyText(section: Section, { lists, log, isDenied }: AdminData): string {
  if (isDenied) return 'you do not administer this server any more';
  if (section === 'log') return logEmptyText(log);
  const known = lists[section === 'server' ? 'status' : section];
  return known === undefined ? 'the server has not answered' : emptyTexts[section];
}

function logEmptyText({ phase }: AdminData['log']): string {
  if (phase.kind === 'ended') return `it is not followed any more: ${phase.why}`;
  return phase.kind === 'loading' ? 'the server has not answered' : 'nothing was written in the last 24 hours';
}

const emptyTexts: Readonly<Record<Exclude<Section, 'log'>, string>> = {
  users: 'there are no accounts',
  requests: 'nobody asked for anything',
  sessions: 'nobody is connected',
  alerts: 'nothing was noticed',
  invites: 'there are no invites: a makes one',
  server: '',
};
