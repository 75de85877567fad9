import { displayName, formatPath } from '@coffer/client';
import type { IncomingShare, OutgoingShare, Person, PersonTrust } from '@coffer/client';
import { toHex } from '@coffer/core';
import { detailPane, listPane } from '../../app/list-pane.ts';
import type { Detail, ListRow } from '../../app/list-pane.ts';
import type { ListState } from '../../app/list-state.ts';
import type { ScreenView, Space } from '../../app/screen.ts';
import { roleWords } from '../../services/share-entry.ts';
import type { SharesState } from '../../services/shares.ts';
import { count } from '../../terminal/format.ts';
import type { Role } from '../../terminal/theme.ts';
import { isOwnRow, teamRowDetails, teamRows, teamRowText } from './team-rows.ts';
import type { TeamFacts, TeamRow } from './team-rows.ts';

/** A row of the screen: one member of one share of the account, what somebody shares with it, or a team with its members. */
export type SharingRow =
  | { readonly kind: 'outgoing'; readonly share: OutgoingShare }
  | { readonly kind: 'incoming'; readonly share: IncomingShare }
  | TeamRow;

export function sharingRows({ outgoing, incoming, teams }: SharesState, facts: TeamFacts): readonly SharingRow[] {
  return [
    ...outgoing.map((share) => ({ kind: 'outgoing' as const, share })),
    ...incoming.map((share) => ({ kind: 'incoming' as const, share })),
    ...teamRows(teams, facts),
  ];
}

export interface SharingViewInput {
  readonly state: SharesState;
  readonly rows: readonly SharingRow[];
  readonly list: ListState;
}

/** The Sharing screen for a state: pure. */
export function sharingView({ state, rows, list }: SharingViewInput, space: Space): ScreenView {
  const left = space.panes === 1 ? space.columns : Math.floor(space.columns * 0.6);
  const teams = state.teams.length === 0 ? '' : `, ${count(state.teams.length, 'team')}`;
  const title = `Sharing (${state.outgoing.length} from you, ${state.incoming.length} with you${teams})`;
  const empty = state.isKnown ? 'nothing is shared: m shares something, t makes a team' : 'the server has not answered';
  const texts = rows.map((row) => rowText(row, space));
  const panes = [listPane({ title, rows: texts, list, empty }, space, left)];
  const here = rows[Math.min(list.cursor, rows.length - 1)];
  if (left < space.columns)
    panes.push(
      detailPane('About it', here === undefined ? [] : rowDetails(here), { space, width: space.columns - left }),
    );
  return { crumbs: ['Sharing'], panes };
}

/** What a row is about: the path of a share as the account sees it, a team, a person. */
export function titleOf(row: SharingRow): string {
  if (row.kind === 'team') return `team ${row.known.team.name}`;
  return row.kind === 'member' ? row.member.person.username : pathOf(row);
}

/** The path of a share as the account sees it. */
export function pathOf(row: Exclude<SharingRow, TeamRow>): string {
  return row.kind === 'outgoing'
    ? formatPath(row.share.names)
    : formatPath(['Shared', row.share.ownerName, row.share.name]);
}

/** The other side of a row: of a team who manages it. */
export function personOf(row: SharingRow): Person {
  if (row.kind === 'team') return row.known.team.owner;
  if (row.kind === 'member') return row.member.person;
  return row.kind === 'outgoing' ? row.share.member : row.share.owner;
}

/** Everything that is known of a row, beside the list or in a dialog. */
export function rowDetails(row: SharingRow): readonly Detail[] {
  const facts: Detail[] = [{ text: titleOf(row), role: 'title' }, ...ownDetails(row)];
  if ((row.kind === 'team' || row.kind === 'member') && isOwnRow(row)) return facts;
  const person = personOf(row);
  const { text, role } = trustWords[person.trust];
  return [
    ...facts,
    { text: '' },
    { text: `${person.username}: ${text}.`, role },
    { text: `keys ${toHex(person.fingerprint).slice(0, 16)}`, role: 'dim' },
  ];
}

function ownDetails(row: SharingRow): readonly Detail[] {
  if (row.kind === 'outgoing') return outgoingDetails(row.share);
  return row.kind === 'incoming' ? incomingDetails(row.share) : teamRowDetails(row);
}

function outgoingDetails({ member, role, state }: OutgoingShare): Detail[] {
  return [
    { text: `shared by you with ${member.username}, who ${roleWords[role]}` },
    ...(state === 'active' ? [] : [{ text: stateWords[state], role: 'warning' as const }]),
    { text: 'r changes what they may do, d takes it back.', role: 'dim' },
  ];
}

function incomingDetails({ ownerName, role, entry }: IncomingShare): Detail[] {
  const what = entry.kind === 'directory' ? 'folder' : 'file';
  return [
    { text: `a ${what} of ${ownerName}; you ${role === 'read' ? 'may read it' : 'may change it'}` },
    { text: 's saves it to this machine, d leaves it.', role: 'dim' },
  ];
}

const stateWords: Readonly<Record<Exclude<OutgoingShare['state'], 'active'>, string>> = {
  left: 'they left; a new key takes away what they could still read',
  unconfirmed: 'they have new keys and get nothing further: compare the words with w, then share again',
  pending: 'waits for a new key: somebody went who still has the old one',
};

const trustWords: Readonly<Record<PersonTrust, { readonly text: string; readonly role: Role }>> = {
  certified: { text: 'the administrator vouches for name and keys', role: 'good' },
  verified: { text: 'you compared the words', role: 'good' },
  unverified: { text: 'nobody made sure of the keys yet; w compares words', role: 'warning' },
  changed: { text: 'OTHER KEYS than this device knew; w compares words', role: 'error' },
};

function rowText(row: SharingRow, { theme: { glyphs } }: Space): ListRow {
  const { trust } = personOf(row);
  const isSure = trust === 'certified' || trust === 'verified';
  const doubt = isSure
    ? ''
    : trust === 'changed'
      ? `${glyphs.failed} other keys  `
      : `${glyphs.warning} not compared  `;
  if (row.kind === 'team' || row.kind === 'member') return teamRowText(row, doubt);
  if (row.kind === 'incoming') {
    const { role, ownerName, name } = row.share;
    const text = `${glyphs.down} from ${ownerName}: ${displayName(name)}`;
    return { text, note: `${doubt}you ${role === 'read' ? 'read' : 'write'}`, role: isSure ? 'plain' : 'warning' };
  }
  const { member, role, state } = row.share;
  const isActive = state === 'active';
  const note = `${doubt}${isActive ? (role === 'read' ? 'reads' : 'writes') : state}`;
  return {
    text: `${glyphs.up} to ${member.username}: ${pathOf(row)}`,
    note,
    role: isActive && isSure ? 'plain' : 'warning',
  };
}
