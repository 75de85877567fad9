import { sharedWithTeam } from '@coffer/client';
import type { Person, Team, TeamShare } from '@coffer/client';
import { count } from '../terminal/format.ts';
import type { Services } from './services.ts';
import { findPerson, madeSure } from './verify-person.ts';

type Parts = Pick<Services, 'ui' | 'account' | 'shares'>;

/** Makes a team that the account manages. */
export async function createTeam({ ui, shares }: Parts): Promise<void> {
  const typed = await ui.ask({
    title: 'What is the new team called?',
    hint: 'its members see the name; without ~, / and colons',
    check: (text) => (text.trim() === '' ? 'a name is needed' : undefined),
  });
  const name = typed?.trim();
  if (name === undefined) return;
  const isDone = await ui.work(`making team ${name}`, (signal) => shares.createTeam(name, signal));
  if (isDone) ui.say(`team ${name} is made: a takes people in, m shares with it`, 'good');
}

/** Takes somebody into a team; words are compared first with somebody whose keys nobody vouches for. */
export async function addMember(parts: Parts, team: Team): Promise<void> {
  const { ui, shares } = parts;
  const typed = await ui.ask({
    title: `Take whom into ${team.name}?`,
    hint: 'the name of somebody at this server',
    check: (text) => (text.trim() === '' ? 'a name is needed' : undefined),
  });
  const found = typed === undefined ? undefined : await findPerson(parts, typed.trim());
  const person = found && (await madeSure(parts, found));
  if (person === undefined) return;
  const { username } = person;
  const isAgreed = await ui.confirm({
    title: `Take ${username} into ${team.name}`,
    lines: [
      `${username} gets what is shared with the team, now and later: ${sharesText(parts, team)}.`,
      'They can be taken out again; what they copied until then stays with them.',
    ],
    yes: 'take them in',
  });
  if (!isAgreed) return;
  const isDone = await ui.work(`taking ${username} in`, (signal) => shares.addMember({ team, person }, signal));
  if (isDone) ui.say(`${username} is in ${team.name}, and gets what is shared with it`, 'good');
}

/** Takes somebody out of a team, and says which shares still wait for a new key. */
export async function removeMember(parts: Parts, { team, person }: { readonly team: Team; readonly person: Person }) {
  const { ui, shares } = parts;
  const { username } = person;
  const isAgreed = await ui.confirm({
    title: `Take ${username} out of ${team.name}`,
    lines: [
      `${username} gets nothing that is written from now on: the team and what is shared with it get new keys.`,
      `It has ${sharesText(parts, team)}. What ${username} has read or copied until now stays with them.`,
    ],
    yes: 'take them out',
  });
  if (!isAgreed) return;
  const isDone = await ui.work(`taking ${username} out`, (signal) => shares.removeMember({ team, person }, signal));
  if (!isDone) return;
  await shares.refresh();
  const pending = teamShares(parts, team).filter(({ state }) => state === 'pending').length;
  const waiting = pending === 0 ? '' : `; ${count(pending, 'share')} of others get a new key when their owner is there`;
  ui.say(`${username} is no longer in ${team.name}${waiting}`, 'good');
}

/** Leaves a team of somebody else. */
export async function leaveTeam(parts: Parts, team: Team): Promise<void> {
  const { ui, shares } = parts;
  const isAgreed = await ui.confirm({
    title: `Leave team ${team.name}`,
    lines: [
      `You no longer get what is shared with it, on any device: ${sharesText(parts, team)}.`,
      `Only ${team.owner.username} can take you in again. What was saved to this machine stays.`,
    ],
    yes: 'leave it',
  });
  if (!isAgreed) return;
  const isDone = await ui.work(`leaving ${team.name}`, (signal) => shares.leaveTeam(team, signal));
  if (isDone) ui.say(`you are no longer in ${team.name}`, 'good');
}

/** What of it this account sees. */
export function teamShares({ account, shares }: Pick<Parts, 'account' | 'shares'>, team: Team): readonly TeamShare[] {
  return sharedWithTeam(team, { ...shares.store.state, teams: account.teams });
}

function sharesText(parts: Parts, team: Team): string {
  return count(teamShares(parts, team).length, 'share');
}
