import { formatPath } from '@coffer/client';
import type { Person, Team, TeamMember, TeamShare } from '@coffer/client';
import type { Detail, ListRow } from '../../app/list-pane.ts';
import { roleWords } from '../../services/share-entry.ts';
import type { KnownTeam } from '../../services/shares.ts';
import { count } from '../../terminal/format.ts';

/** A team that the account is in; under one that was looked into everybody who is in it. */
export type TeamRow =
  | { readonly kind: 'team'; readonly known: KnownTeam; readonly shares: readonly TeamShare[] }
  | { readonly kind: 'member'; readonly team: Team; readonly member: TeamMember; readonly isSelf: boolean };

/** What teams and people are to the account. */
export interface TeamFacts {
  readonly sharesOf: (team: Team) => readonly TeamShare[];
  readonly isSelf: (person: Person) => boolean;
}

export function teamRows(teams: readonly KnownTeam[], { sharesOf, isSelf }: TeamFacts): readonly TeamRow[] {
  return teams.flatMap((known) => [
    { kind: 'team' as const, known, shares: sharesOf(known.team) },
    ...(known.members ?? []).map((member) => ({
      kind: 'member' as const,
      team: known.team,
      member,
      isSelf: isSelf(member.person),
    })),
  ]);
}

/** Rows about the account itself: nobody compares words with oneself. */
export function isOwnRow(row: TeamRow): boolean {
  return row.kind === 'team' ? row.known.team.isOwn : row.isSelf;
}

/** `doubt`: that nobody has made sure of somebody's keys. */
export function teamRowText(row: TeamRow, doubt: string): ListRow {
  if (row.kind === 'team') {
    const { name, owner, isOwn, people } = row.known.team;
    const whose = isOwn ? 'yours' : `of ${owner.username}`;
    const isSure = doubt === '';
    return {
      text: `team ${name}`,
      note: `${doubt}${whose}, ${peopleText(people.length)}`,
      role: isSure ? 'plain' : 'warning',
    };
  }
  const { isSelf, member } = row;
  const { person, isOwner, state } = member;
  const isPlain = doubt === '' && state === 'active';
  return {
    text: `     ${person.username}${isSelf ? ', you' : ''}`,
    note: `${doubt}${isOwner ? 'manages it' : state === 'left' ? 'left' : 'is in it'}`,
    role: isPlain ? 'plain' : 'warning',
  };
}

export function teamRowDetails(row: TeamRow): readonly Detail[] {
  return row.kind === 'team' ? teamDetails(row.known, row.shares) : memberDetails(row);
}

function teamDetails({ team, members }: KnownTeam, shares: readonly TeamShare[]): Detail[] {
  const { owner, isOwn, people } = team;
  return [
    { text: isOwn ? 'you manage it' : `${owner.username} manages it` },
    { text: `${peopleText(people.length)}; Enter ${members === undefined ? 'shows' : 'hides'} them`, role: 'dim' },
    {
      text: isOwn ? 'a takes people in, d on a person takes them out, m shares with it.' : 'd leaves it.',
      role: 'dim',
    },
    { text: '' },
    { text: shares.length === 0 ? 'nothing is shared with it' : 'shared with it:' },
    ...shares.map(({ names, role, state }): Detail => {
      const waits = state === 'pending' ? ', waits for a new key' : '';
      return { text: `  ${formatPath(names)}: ${roleWords[role]}${waits}`, role: waits === '' ? 'plain' : 'warning' };
    }),
  ];
}

function memberDetails({ team, member }: Extract<TeamRow, { kind: 'member' }>): Detail[] {
  const { isOwner, state } = member;
  return [
    { text: isOwner ? `manages team ${team.name}` : `is in team ${team.name}` },
    ...(state === 'left'
      ? [{ text: 'they left; a new key takes away what they could still read', role: 'warning' as const }]
      : []),
    ...(team.isOwn && !isOwner ? [{ text: 'd takes them out of it.', role: 'dim' as const }] : []),
  ];
}

function peopleText(number: number): string {
  return count(number, 'person', 'people');
}
