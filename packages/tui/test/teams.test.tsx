import { expect, test } from '@jest/globals';
import type { Account, OutgoingShare, Person, Team, TeamMember } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { Store } from '../src/app/store.ts';
import { SharingScreen } from '../src/screens/sharing/sharing-screen.ts';
import type { Services } from '../src/services/services.ts';
import { Shares } from '../src/services/shares.ts';
import { drawn, expectLegible } from './draw-screen.ts';
import { ScriptedUi, settled } from './scripted-ui.ts';

const hostile = '\u001b[2Jevil\u202Ename';
const id = (fill: number): never => new Uint8Array(32).fill(fill) as never;

function person(username: string, trust: Person['trust'] = 'certified'): Person {
  return { account: id(username.length), username, fingerprint: id(7), trust };
}

const me = person('owner', 'verified');

function team(name: string, owner: Person, people = 3): Team {
  const members = Array.from({ length: people }, () => ({}) as never);
  return { id: id(100 + name.length), name, owner, isOwn: owner === me, people: members };
}

const family = team('family', me);
const choir = team('the choir', person('friend'));
const plans = {
  names: ['plans'],
  mount: { entry: id(1), name: 'plans', kind: 'mount' },
  member: { ...person('team:family', 'verified'), account: family.id },
  role: 'write',
  state: 'active',
} as unknown as OutgoingShare;

const members: readonly TeamMember[] = [
  { person: me, isOwner: true, state: 'active' },
  { person: person('bob'), isOwner: false, state: 'active' },
  { person: person(hostile, 'unverified'), isOwner: false, state: 'left' },
];

/** An account that manages one team and is in another. */
function scene(answers: readonly unknown[] = [], outgoing: readonly OutgoingShare[] = [plans]) {
  const ui = new ScriptedUi(answers);
  const { said } = ui;
  const teams = {
    list: async () => [family, choir],
    members: async () => members,
    through: () => [],
    create: async (name: string) => void said.push(`created ${name}`),
    add: async (_: Team, { username, trust }: Person) => void said.push(`added ${username} (${trust})`),
    remove: async (_: Team, account: Uint8Array) => void said.push(`removed ${account[0]}`),
    leave: async ({ name }: Team) => void said.push(`left ${name}`),
  };
  const account = {
    info: { username: 'owner', scope: 'full', account: me.account },
    people: {
      find: async (name: string) => person(name, name === 'stranger' ? 'unverified' : 'certified'),
      words: () => Array.from({ length: 12 }, (_, index) => `word${index}`),
      verify: ({ username }: Person) => said.push(`verified ${username}`),
    },
    sharing: { finishPending: async () => undefined, workOff: async () => undefined, outgoing: async () => outgoing },
    shared: { list: async () => [] },
    teams,
  } as unknown as Account;
  const shares = new Shares({ account, onChanged: () => undefined, onProblem: (error) => ui.fail(error) });
  const services = { ui, account, shares, vault: { tree: {} }, news: new Store(0) } as unknown as Services;
  return { ui, said, teams, shares, services, screen: new SharingScreen(services, () => undefined) };
}

/** The screen with everybody of the own team in sight, the cursor so many rows below the first. */
async function at(made: ReturnType<typeof scene>, row: number): Promise<SharingScreen> {
  await made.shares.refresh();
  await made.shares.lookInto(family);
  for (let step = 0; step < row; step += 1) made.screen.run('down', 20);
  return made.screen;
}

test('teams stand below the shares, and everybody in one that was looked into', async () => {
  const made = scene();
  await made.shares.refresh();
  const before = drawn(made.screen).join('\n');
  expect(before).toMatch(/Sharing \(1 from you, 0 with you, 2 teams\)/);
  expect(before).toMatch(/team family +yours, 3 people[^]*team the choir +of friend, 3 people/);
  expect(before).not.toMatch(/bob/);
  made.screen.run('down', 20);
  made.screen.run('open', 20);
  await settled();
  const text = drawn(made.screen).join('\n');
  expect(text).toMatch(/> team family[^]*owner, you +manages it[^]*bob +is in it[^]*not compared {2}left/);
  expect(text).toMatch(/shared with it:[^]*\/plans: may change it/);
  made.screen.run('open', 20);
  await settled();
  expect(drawn(made.screen).join('\n')).not.toMatch(/bob/);
});

test('names of others are drawn harmlessly, at any size, without colours and for screen readers', async () => {
  const made = scene();
  await at(made, 0);
  await expectLegible(() => new SharingScreen(made.services, () => undefined));
  expect(drawn(made.screen).join('')).not.toMatch(/[\p{Cc}\u202E]/u);
});

test('a team is made, and somebody taken in once that was agreed to', async () => {
  const created = scene(['  club ']);
  created.screen.run('createTeam', 20);
  await settled();
  expect(created.said).toEqual(['created club', 'team club is made: a takes people in, m shares with it']);
  const added = scene(['stranger', true, true]);
  (await at(added, 1)).run('addMember', 20);
  await settled();
  expect(added.ui.asked[1]).toMatch(/Is it really stranger\?.*word0 +word1/);
  expect(added.ui.asked[2]).toMatch(/stranger gets what is shared with the team.*1 share\./);
  expect(added.said).toContain('added stranger (verified)');
  const refused = scene(['stranger', false]);
  (await at(refused, 1)).run('addMember', 20);
  await settled();
  expect(refused.said).toEqual([]);
});

test('somebody is taken out once that was agreed to, and what waits for a new key is told', async () => {
  const made = scene([true], [{ ...plans, state: 'pending' }]);
  (await at(made, 3)).run('unshare', 20);
  await settled();
  expect(made.ui.asked[0]).toMatch(/Take bob out of family.*new keys.*1 share\. What bob has read/);
  expect(made.said).toEqual([
    'removed 3',
    'bob is no longer in family; 1 share of others get a new key when their owner is there',
  ]);
  const kept = scene([false]);
  (await at(kept, 3)).run('unshare', 20);
  await settled();
  expect(kept.said).toEqual([]);
});

test('a team of somebody else is left, its people are not ours to take out, and an own team is not left', async () => {
  const made = scene([true]);
  const screen = await at(made, 1);
  expect(screen.can('unshare')).toMatch(/you manage this team/);
  expect(screen.can('saveShare')).toMatch(/this is no share/);
  screen.run('down', 20);
  expect(screen.can('unshare')).toMatch(/you manage this team/);
  screen.run('last', 20);
  expect(screen.can('addMember')).toBe('friend manages this team');
  screen.run('unshare', 20);
  await settled();
  expect(made.ui.asked[0]).toMatch(/Leave team the choir.*Only friend can take you in again/);
  expect(made.said).toEqual(['left the choir', 'you are no longer in the choir']);
});

test('what a team refuses is said in place', async () => {
  const made = scene(['bob', true]);
  made.teams.add = () => Promise.reject(new CofferError('EXISTS', 'bob is in the team already'));
  (await at(made, 1)).run('addMember', 20);
  await settled();
  expect(made.said).toEqual(['failed: bob is in the team already']);
});
