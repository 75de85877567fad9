import { sharedWithTeam } from '@coffer/client';
import type { Account, Person, ShareState, Team, TeamMember } from '@coffer/client';
import { CofferError, idKey } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome, requireFullDevice } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { safeText } from '../safe-text.ts';
import { displayPath } from '../vault-paths.ts';

const none = z.strictObject({});
const named = { args: z.tuple([Text]), options: none };
const withMember = { args: z.tuple([Text, Text]), options: none };

/** One share that a team has. */
interface SharedWithTeam {
  readonly path: string;
  readonly owner: string;
  readonly role: string;
  readonly state: ShareState;
}

export const create: Command = async (context, input) => {
  const [name] = parseInput(input, named).args;
  await using session = await opened(context);
  const id = await session.account.teams.create(name, context.signal);
  context.output.result({
    json: () => ({ name, id: idKey(id), owner: session.account.info.username }),
    text: () => `team ${safeText(name)} is made; take people in with: coffer team add ${safeText(name)} MEMBER`,
  });
  return undefined;
};

export const list: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: none });
  await using session = await opened(context);
  await session.workOff();
  const teams = await session.account.teams.list(context.signal);
  context.output.result({
    json: () =>
      teams.map(({ id, name, owner, isOwn, people }) => ({
        name,
        id: idKey(id),
        owner: owner.username,
        own: isOwn,
        members: people.length,
      })),
    text: () =>
      table(teams.map(({ name, owner, people }) => [name, `of ${owner.username}`, peopleText(people.length)])),
  });
  return undefined;
};

export const show: Command = async (context, input) => {
  const [name] = parseInput(input, named).args;
  await using session = await opened(context);
  await session.workOff();
  const team = await session.account.teams.find(name, context.signal);
  session.warnOf(team.owner);
  const members = await session.account.teams.members(team, context.signal);
  const shares = await sharedWith(session.account, team, context.signal);
  context.output.result({
    json: () => ({
      name,
      id: idKey(team.id),
      owner: team.owner.username,
      members: members.map(({ person, isOwner, state }) => ({ member: person.username, role: roleOf(isOwner), state })),
      shares,
    }),
    text: () => showText(members, shares),
  });
  return undefined;
};

export const add: Command = async (context, input) => {
  const [name, member] = parseInput(input, withMember).args;
  await using session = await opened(context);
  const { people, teams } = session.account;
  const team = await teams.find(name, context.signal);
  const person = await people.find(member, context.signal);
  await teams.add(team, person, context.signal);
  await session.workOff();
  context.output.result({
    json: () => ({ name, member: person.username }),
    text: () => `${safeText(person.username)} is in ${safeText(name)}, and gets what is shared with it`,
  });
  return undefined;
};

export const remove: Command = async (context, input) => {
  const [name, member] = parseInput(input, withMember).args;
  await using session = await opened(context);
  const { teams } = session.account;
  const team = await teams.find(name, context.signal);
  const { account, username } = await memberNamed(session, { team, member }, context.signal);
  await teams.remove(team, account, context.signal);
  await session.workOff();
  const again = await teams.find(name, context.signal);
  const pending = (await sharedWith(session.account, again, context.signal)).filter(({ state }) => state === 'pending');
  context.output.result({
    json: () => ({ name, member: username, pending: pending.map(({ path, owner }) => ({ path, owner })) }),
    text: () => removedText(name, username, pending),
  });
  return undefined;
};

export const leave: Command = async (context, input) => {
  const [name] = parseInput(input, named).args;
  await using session = await opened(context);
  const { teams } = session.account;
  await teams.leave(await teams.find(name, context.signal), context.signal);
  context.output.result({
    json: () => ({ name }),
    text: () => `you are no longer in ${safeText(name)}, and do not get what is shared with it`,
  });
  return undefined;
};

async function opened(context: CommandContext): Promise<HomeSession> {
  const session = await openHome(context);
  try {
    requireFullDevice(session.account);
    await session.pulled();
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/** Somebody in the team by the name that is shown: the account may be gone. @throws NOT_FOUND */
async function memberNamed(
  { account }: HomeSession,
  { team, member }: { readonly team: Team; readonly member: string },
  signal: AbortSignal,
): Promise<Person> {
  const members = await account.teams.members(team, signal);
  const found = members.find(({ person }) => person.username === member.normalize('NFKC').toLowerCase());
  if (found !== undefined) return found.person;
  throw new CofferError('NOT_FOUND', `${safeText(member)} is not in the team`, {
    hint: 'See who is: coffer team show NAME',
  });
}

/** What the account sees of that; others may share more with the team only with its members. */
async function sharedWith(account: Account, team: Team, signal: AbortSignal): Promise<readonly SharedWithTeam[]> {
  const outgoing = await account.sharing.outgoing(signal);
  const incoming = await account.shared.list(signal);
  return sharedWithTeam(team, { teams: account.teams, outgoing, incoming }).map(
    ({ names, ownerName = account.info.username, role, state }) => ({
      path: displayPath(names),
      owner: ownerName,
      role,
      state,
    }),
  );
}

function showText(members: readonly TeamMember[], shares: readonly SharedWithTeam[]): string {
  const people = table(members.map(({ person, isOwner, state }) => [person.username, roleOf(isOwner), state]));
  if (shares.length === 0) return `${people}\n\nnothing is shared with it`;
  return `${people}\n\n${table(shares.map(({ path, owner, role, state }) => [path, owner, role, state]))}`;
}

function removedText(name: string, username: string, pending: readonly SharedWithTeam[]): string {
  const done = `${safeText(username)} is no longer in ${safeText(name)}, and gets nothing that is written from now on`;
  if (pending.length === 0) return done;
  const waiting = pending.map(({ path, owner }) => `  ${safeText(path)} (${safeText(owner)})`).join('\n');
  return `${done}; these get a new key when their owner is there next:\n${waiting}`;
}

function roleOf(isOwner: boolean): 'owner' | 'member' {
  return isOwner ? 'owner' : 'member';
}

function peopleText(count: number): string {
  return count === 1 ? '1 person' : `${count} people`;
}
