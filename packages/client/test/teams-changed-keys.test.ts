import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { idKey, systemClock, systemRandom } from '@coffer/core';
import { xwingKeyPair } from '@coffer/crypto';
import { revokeOwn } from '../src/index.ts';
import type { RevokeOwnReport } from '../src/index.ts';
import { OwnChain } from '../src/login/identity-chain.ts';
import { makeGenesis } from '../src/vaults/genesis.ts';
import type { JournalVault } from '../src/vaults/journal-vault.ts';
import { oneFrame } from '../src/vaults/transfers.ts';
import { codeOf } from './support/code-of.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';
import { password } from './support/real-server.ts';

// Logins stretch passwords, and the machine may be busy.
jest.setTimeout(240_000);

let machines: Machines;
let alice: Machine;
let bob: Machine;
let carol: Machine;

beforeAll(async () => {
  machines = await Machines.open();
  alice = await machines.person('alice');
  bob = await machines.person('bob');
  carol = await machines.person('carol');
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

/** A team of alice's with both others, and a folder that it writes to. */
async function newTeam(name: string): Promise<string> {
  await alice.run(async ({ people, teams }) => {
    await teams.create(name);
    for (const person of ['bob', 'carol']) await teams.add(await teams.find(name), await people.find(person));
  });
  await alice.write(`/${name}/plan.txt`, 'the plan');
  await alice.share(`/${name}`, `team:${name}`, 'write');
  return `/Shared/alice/${name}/plan.txt`;
}

/** A second machine of a person is taken, and revoked on the first. */
async function steal(
  owner: Machine,
  misuse: (stolen: Machine) => Promise<unknown> = (stolen) => stolen.run(({ teams }) => teams.list()),
): Promise<RevokeOwnReport> {
  const stolen = await machines.machine(owner.username);
  await misuse(stolen);
  const { device } = stolen.profile.requireRecord();
  return revokeOwn({ profile: owner.profile, device, password: () => Promise.resolve(password) });
}

const epochOf = (path: string): Promise<number> =>
  alice.run(async ({ places }) => ((await places.resolve(path)).vault as JournalVault).state?.epoch ?? -1);

const teamEpoch = (name: string): Promise<number> =>
  alice.run(async ({ teams }) => {
    const { id } = await teams.find(name);
    const own = (await teams.ownVaults()).find((vault) => Buffer.compare(vault.id, id) === 0);
    await own?.pull();
    return own?.state?.epoch ?? -1;
  });

const verify = (machine: Machine, username: string): Promise<void> =>
  machine.run(async ({ people }) => people.verify(await people.find(username)));

test('a member whose machine was stolen is out of the keys until its new ones are made sure of', async () => {
  const path = await newTeam('one');
  const before = { share: await epochOf('/one'), team: await teamEpoch('one') };
  await steal(bob);
  const states = (): Promise<readonly string[]> =>
    carol.run(async ({ teams }) =>
      (await teams.members(await teams.find('one'))).map(({ person, state }) => `${person.username} ${state}`),
    );
  await expect(states()).resolves.toEqual(['alice active', 'bob pending', 'carol active']);
  await alice.run(({ sharing }) => sharing.workOff());
  await expect(states()).resolves.toEqual(['alice active', 'bob unconfirmed', 'carol active']);
  expect(await teamEpoch('one')).toBe(before.team + 1);
  expect(await epochOf('/one')).toBe(before.share + 1);
  await alice.write('/one/plan.txt', 'after the theft');
  await expect(carol.read(path)).resolves.toBe('after the theft');
  expect(await codeOf(bob.read(path))).toBeDefined();
  const addAgain = (): Promise<void> =>
    alice.run(async ({ people, sharing, teams }) => {
      await teams.add(await teams.find('one'), await people.find('bob'));
      await sharing.workOff();
    });
  expect(await codeOf(addAgain())).toBe('NOT_ALLOWED');
  await verify(alice, 'bob');
  await addAgain();
  await expect(bob.read(path)).resolves.toBe('after the theft');
  await bob.write(path, 'from bob');
  await expect(alice.read('/one/plan.txt')).resolves.toBe('from bob');
  const settled = { share: await epochOf('/one'), team: await teamEpoch('one') };
  await alice.run(({ sharing }) => sharing.workOff());
  expect({ share: await epochOf('/one'), team: await teamEpoch('one') }).toEqual(settled);
});

test('the owner whose machine was stolen gives team and shares new keys; others trust it with theirs when they know the new ones', async () => {
  await newTeam('two');
  await carol.write('/hers/notes.txt', 'before');
  await carol.share('/hers', 'team:two');
  const before = { share: await epochOf('/two'), team: await teamEpoch('two') };
  await steal(alice);
  expect(await teamEpoch('two')).toBeGreaterThan(before.team);
  expect(await epochOf('/two')).toBeGreaterThan(before.share);
  await expect(alice.shares()).resolves.toContain('/two team:two write active');
  await alice.write('/two/plan.txt', 'after the theft');
  // Until she has compared words it is somebody with other keys who shares this.
  const marked = `/Shared/alice~${idKey(alice.account).slice(0, 8)}/two/plan.txt`;
  await expect(carol.read(marked)).resolves.toBe('after the theft');
  await carol.run(({ sharing }) => sharing.workOff());
  await expect(carol.shares()).resolves.toContain('/hers team:two read pending');
  await carol.write('/hers/notes.txt', 'after');
  expect(await codeOf(alice.read('/Shared/carol/hers/notes.txt'))).toBeDefined();
  await verify(carol, 'alice');
  await carol.run(({ sharing }) => sharing.workOff());
  await expect(carol.shares()).resolves.toContain('/hers team:two read active');
  await expect(alice.read('/Shared/carol/hers/notes.txt')).resolves.toBe('after');
});

/** A team whose secret is sealed to a key that nobody of the account has: it is of use to its maker alone. @returns its name */
async function garbageTeam(thief: Machine): Promise<string> {
  const { profile } = thief;
  const { account } = profile.requireRecord();
  const keys = await profile.keystore.open(profile.requireRecord(), () => Promise.reject(new Error('no password')));
  if (keys.kind !== 'full') throw new Error('a full device is expected');
  const { publicKey: sealKey } = xwingKeyPair(systemRandom.bytes(32));
  const identity = { ...OwnChain.open(profile.chainPath, account).current, sealKey };
  const { commit } = makeGenesis(
    { kind: 'team', name: 'whatever', identity, secrets: keys },
    { clock: systemClock, random: systemRandom },
  );
  machines.lies.handlers['vault.create'] = (honest) => (request, call) =>
    honest(request, { ...call, data: oneFrame(commit.bytes) });
  await thief.run(({ teams }) => teams.create('replaced'));
  machines.lies.handlers = {};
  return `~${idKey(commit.vault).slice(0, 8)}`;
}

test('a team that a thief made so that it gets no new key is no member of own shares after the revocation, and the person is told', async () => {
  const erin = await machines.person('erin');
  await erin.write('/diary/today.txt', 'before');
  await erin.write('/plans/plan.txt', 'the plan');
  await erin.share('/plans', 'carol');
  let team = '';
  const report = await steal(erin, async (stolen) => {
    team = await garbageTeam(stolen);
    await stolen.share('/diary', `team:${team}`, 'write');
    await stolen.share('/plans', `team:${team}`);
  });
  expect(team).toMatch(/^~[0-9a-f]{8}$/);
  expect(report).toMatchObject({ rotated: true, vaults: 3, lostTeams: [team] });
  await expect(erin.shares()).resolves.toEqual(['/plans carol read active']);
  const members = await erin.run(async ({ places }) => {
    const { vault } = await places.resolve('/diary');
    return (vault as JournalVault).state?.members.size;
  });
  expect(members).toBe(1);
  await erin.write('/diary/today.txt', 'after');
  await expect(erin.read('/diary/today.txt')).resolves.toBe('after');
});
