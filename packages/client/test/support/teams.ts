import type { Machine } from './machines.ts';

export const create = (owner: Machine, name: string): Promise<unknown> => owner.run(({ teams }) => teams.create(name));

/** As the command does it: the team, then what is shared with it. */
export function add(owner: Machine, team: string, name: string): Promise<void> {
  return owner.run(async ({ people, sharing, teams }) => {
    await teams.add(await teams.find(team), await people.find(name));
    await sharing.workOff();
  });
}

export function removeFrom(owner: Machine, team: string, name: string): Promise<void> {
  return owner.run(async ({ people, sharing, teams }) => {
    await teams.remove(await teams.find(team), (await people.find(name)).account);
    await sharing.workOff();
  });
}

export const workOff = (machine: Machine): Promise<void> => machine.run(({ sharing }) => sharing.workOff());

/** Names with states, the owner's first. */
export const membersOf = (machine: Machine, team: string): Promise<readonly string[]> =>
  machine.run(async ({ teams }) =>
    (await teams.members(await teams.find(team))).map(({ person, state }) => `${person.username} ${state}`),
  );

let names = 0;

export interface SharedTeam {
  readonly team: string;
  /** Unlike that of any other. */
  readonly number: number;
  /** Of the folder that the team has, as its owner sees it, and as the others do. */
  readonly path: string;
  readonly theirs: string;
}

/** A team of its owner with these people, and a folder of the owner's that it has. */
export async function newTeam(
  owner: Machine,
  people: readonly string[],
  role: 'read' | 'write' = 'read',
): Promise<SharedTeam> {
  const number = (names += 1);
  const [team, path] = [`team-${number}`, `/folder-${number}`];
  await create(owner, team);
  for (const name of people) await add(owner, team, name);
  await owner.write(`${path}/plan.txt`, 'the plan');
  await owner.share(path, `team:${team}`, role);
  return { team, number, path, theirs: `/Shared/${owner.username}${path}` };
}
