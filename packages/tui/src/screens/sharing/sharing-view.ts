import { displayName, formatPath } from '@coffer/client';
import type { IncomingShare, OutgoingShare, Person, PersonTrust } from '@coffer/client';
import { toHex } from '@coffer/core';
import { detailPane, listPane } from '../../app/list-pane.ts';
import type { Detail, ListRow } from '../../app/list-pane.ts';
import type { ListState } from '../../app/list-state.ts';
import type { ScreenView, Space } from '../../app/screen.ts';
import { roleWords } from '../../services/share-entry.ts';
import type { SharesState } from '../../services/shares.ts';
import type { Role } from '../../terminal/theme.ts';

/** A row of the screen: one member of one share of the account, or what somebody shares with it. */
export type SharingRow =
  | { readonly kind: 'outgoing'; readonly share: OutgoingShare }
  | { readonly kind: 'incoming'; readonly share: IncomingShare };

export function sharingRows({ outgoing, incoming }: SharesState): readonly SharingRow[] {
  return [
    ...outgoing.map((share) => ({ kind: 'outgoing' as const, share })),
    ...incoming.map((share) => ({ kind: 'incoming' as const, share })),
  ];
}

export interface SharingViewInput {
  readonly state: SharesState;
  readonly list: ListState;
}

/** The Sharing screen for a state: pure. */
export function sharingView({ state, list }: SharingViewInput, space: Space): ScreenView {
  const rows = sharingRows(state);
  const left = space.panes === 1 ? space.columns : Math.floor(space.columns * 0.6);
  const title = `Sharing (${state.outgoing.length} from you, ${state.incoming.length} with you)`;
  const empty = state.isKnown ? 'nothing is shared: m shares a file or folder' : 'the server has not answered';
  const texts = rows.map((row) => rowText(row, space));
  const panes = [listPane({ title, rows: texts, list, empty }, space, left)];
  const here = rows[Math.min(list.cursor, rows.length - 1)];
  if (left < space.columns)
    panes.push(detailPane('Share', here === undefined ? [] : rowDetails(here), { space, width: space.columns - left }));
  return { crumbs: ['Sharing'], panes };
}

/** The path of a share as the account sees it. */
export function pathOf(row: SharingRow): string {
  return row.kind === 'outgoing'
    ? formatPath(row.share.names)
    : formatPath(['Shared', row.share.ownerName, row.share.name]);
}

/** The other side of a row. */
export function personOf(row: SharingRow): Person {
  return row.kind === 'outgoing' ? row.share.member : row.share.owner;
}

/** Everything that is known of a share, beside the list or in a dialog. */
export function rowDetails(row: SharingRow): readonly Detail[] {
  const person = personOf(row);
  const { text, role } = trustWords[person.trust];
  return [
    { text: pathOf(row), role: 'title' },
    ...(row.kind === 'outgoing' ? outgoingDetails(row.share) : incomingDetails(row.share)),
    { text: '' },
    { text: `${person.username}: ${text}.`, role },
    { text: `keys ${toHex(person.fingerprint).slice(0, 16)}`, role: 'dim' },
  ];
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
