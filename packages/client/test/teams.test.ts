import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { equalBytes, idKey } from '@coffer/core';
import type { JournalVault } from '../src/vaults/journal-vault.ts';
import { codeOf } from './support/code-of.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';
import { add, create, membersOf, newTeam, removeFrom, workOff } from './support/teams.ts';

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

/** The departure alone, as when the process ends there. */
function removeOnly(owner: Machine, team: string, name: string): Promise<void> {
  return owner.run(async ({ people, teams }) =>
    teams.remove(await teams.find(team), (await people.find(name)).account),
  );
}

/** Epoch and length of the share as its owner's journal has them. */
function shareAt(path: string): Promise<{ readonly epoch: number; readonly seq: number } | undefined> {
  return alice.run(async ({ places }) => ((await places.resolve(path)).vault as JournalVault).state);
}

describe('a team', () => {
  test('reads what is shared with it, on every machine of every member, and strangers do not', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob']);
    await expect(bob.read(`${theirs}/plan.txt`)).resolves.toBe('the plan');
    const phone = await machines.machine('bob');
    await expect(phone.read(`${theirs}/plan.txt`)).resolves.toBe('the plan');
    expect(await codeOf(carol.read(`${theirs}/plan.txt`))).toBe('NOT_FOUND');
    expect(await codeOf(bob.write(`${theirs}/plan.txt`, 'mine'))).toBe('NOT_ALLOWED');
    await expect(alice.shares()).resolves.toContain(`${path} team:${team} read active`);
    await expect(bob.run(({ teams }) => teams.find(team))).resolves.toMatchObject({ isOwn: false });
    await expect(membersOf(bob, team)).resolves.toEqual(['alice active', 'bob active']);
  });

  test('a writer of it writes, also the one who came last and to a share that nobody touched since', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob'], 'write');
    await bob.write(`${theirs}/from-bob.txt`, 'bob');
    const before = await shareAt(path);
    await add(alice, team, 'carol');
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before?.epoch, seq: before?.seq });
    await expect(carol.read(`${theirs}/from-bob.txt`)).resolves.toBe('bob');
    await carol.write(`${theirs}/from-carol.txt`, 'carol');
    await expect(alice.read(`${path}/from-carol.txt`)).resolves.toBe('carol');
    await expect(bob.read(`${theirs}/from-carol.txt`)).resolves.toBe('carol');
  });

  test('is fetched again by a machine that lost what it kept of it', async () => {
    const { path, theirs } = await newTeam(alice, ['bob'], 'write');
    await bob.write(`${theirs}/from-bob.txt`, 'bob');
    await alice.read(`${path}/from-bob.txt`);
    for (const { profile } of [alice, bob]) rmSync(profile.teamsPath, { recursive: true });
    await alice.write(`${path}/from-alice.txt`, 'alice');
    rmSync(alice.profile.teamsPath, { recursive: true });
    await alice.share(path, 'carol');
    await bob.write(`${theirs}/more.txt`, 'more');
    await expect(carol.read(`${theirs}/more.txt`)).resolves.toBe('more');
  });

  test('somebody with whom the folder is shared directly judges what the team writes', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob'], 'write');
    await bob.write(`${theirs}/from-bob.txt`, 'bob');
    await alice.share(path, 'carol');
    await expect(carol.read(`${theirs}/from-bob.txt`)).resolves.toBe('bob');
    await alice.unshare(path, `team:${team}`);
    const late = await machines.machine('carol');
    await expect(late.read(`${theirs}/from-bob.txt`)).resolves.toBe('bob');
    expect(await codeOf(bob.read(`${theirs}/from-bob.txt`))).toBe('NOT_FOUND');
  });

  test('a member shares with the team what is its own, and keeps the others out of its own vault', async () => {
    const { team } = await newTeam(alice, ['bob', 'carol']);
    await bob.write(`/bobs-${team}/notes.txt`, 'from bob');
    await bob.share(`/bobs-${team}`, `team:${team}`, 'write');
    await expect(carol.read(`/Shared/bob/bobs-${team}/notes.txt`)).resolves.toBe('from bob');
    await expect(alice.read(`/Shared/bob/bobs-${team}/notes.txt`)).resolves.toBe('from bob');
    expect(await codeOf(removeFrom(bob, team, 'carol'))).toBe('NOT_ALLOWED');
    expect(await codeOf(add(bob, team, 'alice'))).toBe('NOT_ALLOWED');
  });
});

describe('a departure', () => {
  test('ends the keys of the team and of its shares: who went is served nothing, who stays reads on', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob', 'carol'], 'write');
    await bob.read(`${theirs}/plan.txt`);
    const before = await shareAt(path);
    await removeFrom(alice, team, 'bob');
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: (before?.epoch ?? 0) + 1 });
    await alice.write(`${path}/plan.txt`, 'without bob');
    expect(await codeOf(bob.read(`${theirs}/plan.txt`))).toBe('NOT_FOUND');
    await expect(carol.read(`${theirs}/plan.txt`)).resolves.toBe('without bob');
    await carol.write(`${theirs}/plan.txt`, 'from carol');
    await expect(alice.read(`${path}/plan.txt`)).resolves.toBe('from carol');
  });

  test('a member leaves by itself, and the next visit of the owner ends the keys', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob', 'carol']);
    await bob.run(async ({ teams }) => teams.leave(await teams.find(team)));
    expect(await codeOf(bob.read(`${theirs}/plan.txt`))).toBe('NOT_FOUND');
    await expect(membersOf(alice, team)).resolves.toContain('bob left');
    const before = await shareAt(path);
    await workOff(alice);
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: (before?.epoch ?? 0) + 1 });
    await expect(membersOf(alice, team)).resolves.toEqual(['alice active', 'carol active']);
    await expect(carol.read(`${theirs}/plan.txt`)).resolves.toBe('the plan');
  });

  test('with the owner of a share offline it is pending, and any machine of the owner works it off', async () => {
    const { team } = await newTeam(alice, ['bob', 'carol']);
    const path = `/bobs-${team}`;
    await bob.write(`${path}/notes.txt`, 'before');
    await bob.share(path, `team:${team}`, 'write');
    await expect(carol.read(`/Shared/bob${path}/notes.txt`)).resolves.toBe('before');
    await removeFrom(alice, team, 'carol');
    expect(await codeOf(carol.read(`/Shared/bob${path}/notes.txt`))).toBe('NOT_FOUND');
    await expect(bob.shares()).resolves.toContain(`${path} team:${team} write pending`);
    const phone = await machines.machine('bob');
    await workOff(phone);
    await expect(bob.shares()).resolves.toContain(`${path} team:${team} write active`);
    await expect(alice.read(`/Shared/bob${path}/notes.txt`)).resolves.toBe('before');
  });

  test('interrupted after the team’s own commit, is finished by whichever machine comes next', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob', 'carol']);
    const before = await shareAt(path);
    await removeOnly(alice, team, 'bob');
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before?.epoch });
    await expect(alice.shares()).resolves.toContain(`${path} team:${team} read pending`);
    const laptop = await machines.machine('alice');
    await workOff(laptop);
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: (before?.epoch ?? 0) + 1 });
    await expect(carol.read(`${theirs}/plan.txt`)).resolves.toBe('the plan');
    await workOff(alice);
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: (before?.epoch ?? 0) + 1 });
  });

  test('who comes back reads again, and what was written in between', async () => {
    const { team, path, theirs } = await newTeam(alice, ['bob'], 'write');
    await removeFrom(alice, team, 'bob');
    await alice.write(`${path}/plan.txt`, 'while bob was away');
    await add(alice, team, 'bob');
    await expect(bob.read(`${theirs}/plan.txt`)).resolves.toBe('while bob was away');
    await bob.write(`${theirs}/plan.txt`, 'back');
    await expect(alice.read(`${path}/plan.txt`)).resolves.toBe('back');
  });
});

test('somebody who left an own team keeps what it has pending until its owner has acted', async () => {
  const { team, path } = await newTeam(alice, ['bob', 'carol']);
  await bob.run(async ({ teams }) => teams.leave(await teams.find(team)));
  await expect(alice.shares()).resolves.toContain(`${path} team:${team} read pending`);
  await workOff(alice);
  await expect(alice.shares()).resolves.toContain(`${path} team:${team} read active`);
});

describe('what is refused, with nothing changed', () => {
  test('a second team of the name, strange names, oneself, somebody twice, nobody, a team in a team', async () => {
    const { team } = await newTeam(alice, ['bob']);
    expect(await codeOf(create(alice, team))).toBe('EXISTS');
    for (const name of ['', 'a/b', 'a~b', 'team:a', 'x'.repeat(65)])
      expect(await codeOf(create(alice, name))).toBe('INVALID');
    expect(await codeOf(add(alice, team, 'bob'))).toBe('EXISTS');
    expect(await codeOf(add(alice, team, 'alice'))).toBe('INVALID');
    expect(await codeOf(add(alice, team, 'nobody'))).toBe('NOT_FOUND');
    expect(await codeOf(removeFrom(alice, team, 'carol'))).toBe('NOT_FOUND');
    expect(await codeOf(alice.run(async ({ teams }) => teams.leave(await teams.find(team))))).toBe('INVALID');
    const inTeam = alice.run(async ({ teams, sharing }) =>
      teams.add(await teams.find(team), await sharing.find(`team:${team}`)),
    );
    expect(await codeOf(inTeam)).toBe('INVALID');
    await expect(membersOf(alice, team)).resolves.toEqual(['alice active', 'bob active']);
  });

  test('a share with a team that the account is not in, and with one twice', async () => {
    const { team, path } = await newTeam(alice, ['bob']);
    await carol.write('/carols/file.txt', 'x');
    expect(await codeOf(carol.share('/carols', `team:${team}`))).toBe('NOT_FOUND');
    expect(await codeOf(alice.share(path, `team:${team}`))).toBe('EXISTS');
  });

  test('a person whose keys nobody vouches for, and a team of such a person', async () => {
    const { team } = await newTeam(alice, ['bob']);
    const dave = await machines.person(`dave-${team}`, { certified: false });
    expect(await codeOf(add(alice, team, dave.username))).toBe('NOT_ALLOWED');
    const his = `his-${team}`;
    await create(dave, his);
    await add(dave, his, 'alice');
    await alice.write(`/secret-${team}/file.txt`, 'x');
    expect(await codeOf(alice.share(`/secret-${team}`, `team:${his}`))).toBe('NOT_ALLOWED');
    await alice.run(async ({ people }) => people.verify(await people.find(dave.username)));
    await alice.share(`/secret-${team}`, `team:${his}`);
    await expect(dave.read(`/Shared/alice/secret-${team}/file.txt`)).resolves.toBe('x');
  });

  test('two teams of one name are told apart, and nothing goes to the wrong one', async () => {
    const { team } = await newTeam(alice, ['bob']);
    await create(carol, team);
    await add(carol, team, 'bob');
    await bob.write(`/mine-${team}/file.txt`, 'x');
    expect(await codeOf(bob.share(`/mine-${team}`, `team:${team}`))).toBe('NOT_FOUND');
    const marked = await bob.run(async ({ teams }) =>
      (await teams.list()).filter(({ name }) => name.startsWith(`${team}~`)).map(({ owner }) => owner.username),
    );
    expect(marked.toSorted()).toEqual(['alice', 'carol']);
  });

  test('a name means no other team when the server hides the one that this device knows', async () => {
    const { team } = await newTeam(alice, ['bob']);
    const id = await bob.run(async ({ teams }) => (await teams.find(team)).id);
    await create(carol, team);
    await add(carol, team, 'bob');
    machines.lies.handlers['vault.list'] = (honest) => async (request, call) => ({
      vaults: (await honest(request, call)).vaults.filter(({ vault }) => !equalBytes(vault, id)),
    });
    await bob.write(`/hidden-${team}/file.txt`, 'x');
    const refused = await bob.share(`/hidden-${team}`, `team:${team}`).catch((error: unknown) => error);
    const [marked] = await bob.run(async ({ teams }) =>
      (await teams.list()).filter(({ name }) => name.startsWith(team)).map(({ name }) => name),
    );
    machines.lies.handlers = {};
    expect(refused).toMatchObject({ code: 'NOT_FOUND', hint: expect.stringContaining(`${team}~`) });
    expect(marked).toMatch(/~[0-9a-f]{8}$/);
    const named = `${team}~${idKey(id).slice(0, 12)}`;
    await bob.share(`/hidden-${team}`, `team:${named}`);
    await expect(alice.read(`/Shared/bob/hidden-${team}/file.txt`)).resolves.toBe('x');
    expect(await codeOf(carol.read(`/Shared/bob/hidden-${team}/file.txt`))).toBe('NOT_FOUND');
    const shown = (await bob.shares()).find((line) => line.startsWith(`/hidden-${team} `));
    expect(shown).toContain(`team:${team}~${idKey(id).slice(0, 8)}`);
    await expect(bob.takeFrom(`/hidden-${team}`, `team:${team}`)).resolves.toBeUndefined();
    await bob.takeFrom(`/hidden-${team}`, `team:${team}~${idKey(id).slice(0, 8)}`);
    expect(await codeOf(alice.read(`/Shared/bob/hidden-${team}/file.txt`))).toBe('NOT_FOUND');
  });

  test('an unattended machine changes no team', async () => {
    const { team } = await newTeam(alice, ['bob']);
    const worker = await machines.machine('alice', 'file');
    expect(await codeOf(create(worker, `${team}-2`))).toBe('NOT_ALLOWED');
  });
});
