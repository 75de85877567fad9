import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { concatBytes, equalBytes, u64 } from '@coffer/core';
import { openCommitBody, teamKeyPair } from '@coffer/crypto';
import { bodyAssociatedData, parseCommit, teamFingerprint } from '@coffer/journal';
import type { Commit } from '@coffer/journal';
import { payloadsOf } from '@coffer/protocol';
import type { DataSource } from '@coffer/protocol';
import { accountKeyOf } from '../src/profile/epoch-keys.ts';
import { epochsIn } from '../src/state/epoch-grants.ts';
import { EpochSecrets } from '../src/state/epoch-secrets.ts';
import type { EpochKey } from '../src/state/epoch-secrets.ts';
import { codeOf } from './support/code-of.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';

// Logins stretch passwords, and the machine may be busy.
jest.setTimeout(240_000);

let machines: Machines;
let alice: Machine;
let bob: Machine;
let carol: Machine;
let names = 0;

beforeAll(async () => {
  machines = await Machines.open();
  alice = await machines.person('alice');
  bob = await machines.person('bob');
  carol = await machines.person('carol');
});
afterEach(() => {
  machines.lies.handlers = {};
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

const create = (owner: Machine, name: string): Promise<unknown> => owner.run(({ teams }) => teams.create(name));

/** As the command does it: the team, then what is shared with it. */
function add(owner: Machine, team: string, name: string): Promise<void> {
  return owner.run(async ({ people, sharing, teams }) => {
    await teams.add(await teams.find(team), await people.find(name));
    await sharing.workOff();
  });
}

function removeFrom(owner: Machine, team: string, name: string): Promise<void> {
  return owner.run(async ({ people, sharing, teams }) => {
    await teams.remove(await teams.find(team), (await people.find(name)).account);
    await sharing.workOff();
  });
}

/** The departure alone, as when the process ends there. */
function removeOnly(owner: Machine, team: string, name: string): Promise<void> {
  return owner.run(async ({ people, teams }) =>
    teams.remove(await teams.find(team), (await people.find(name)).account),
  );
}

const workOff = (machine: Machine): Promise<void> => machine.run(({ sharing }) => sharing.workOff());

/** A team of alice's own with these people, and a folder of hers that it has. */
async function newTeam(people: readonly string[], role: 'read' | 'write' = 'read') {
  const team = `team-${(names += 1)}`;
  const path = `/folder-${names}`;
  await create(alice, team);
  for (const name of people) await add(alice, team, name);
  await alice.write(`${path}/plan.txt`, 'the plan');
  await alice.share(path, `team:${team}`, role);
  return { team, path, theirs: `/Shared/alice${path}` };
}

/** Epoch and members of the share as its owner's journal has them. */
function shareAt(path: string) {
  return alice.run(async ({ places }) => {
    const { vault } = await places.resolve(path);
    const { state } = vault as unknown as { state: { epoch: number; vault: Uint8Array; seq: number } };
    return state;
  });
}

const membersOf = (machine: Machine, team: string): Promise<readonly string[]> =>
  machine.run(async ({ teams }) =>
    (await teams.members(await teams.find(team))).map(({ person, state }) => `${person.username} ${state}`),
  );

describe('a team', () => {
  test('reads what is shared with it, on every machine of every member, and strangers do not', async () => {
    const { team, path, theirs } = await newTeam(['bob']);
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
    const { team, path, theirs } = await newTeam(['bob'], 'write');
    await bob.write(`${theirs}/from-bob.txt`, 'bob');
    const before = await shareAt(path);
    await add(alice, team, 'carol');
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before.epoch, seq: before.seq });
    await expect(carol.read(`${theirs}/from-bob.txt`)).resolves.toBe('bob');
    await carol.write(`${theirs}/from-carol.txt`, 'carol');
    await expect(alice.read(`${path}/from-carol.txt`)).resolves.toBe('carol');
    await expect(bob.read(`${theirs}/from-carol.txt`)).resolves.toBe('carol');
  });

  test('is fetched again by a machine that lost what it kept of it', async () => {
    const { path, theirs } = await newTeam(['bob'], 'write');
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
    const { path, theirs } = await newTeam(['bob'], 'write');
    await bob.write(`${theirs}/from-bob.txt`, 'bob');
    await alice.share(path, 'carol');
    await expect(carol.read(`${theirs}/from-bob.txt`)).resolves.toBe('bob');
    await alice.unshare(path, `team:team-${names}`);
    const late = await machines.machine('carol');
    await expect(late.read(`${theirs}/from-bob.txt`)).resolves.toBe('bob');
    expect(await codeOf(bob.read(`${theirs}/from-bob.txt`))).toBe('NOT_FOUND');
  });

  test('a member shares with the team what is its own, and keeps the others out of its own vault', async () => {
    const { team } = await newTeam(['bob', 'carol']);
    await bob.write(`/bobs-${names}/notes.txt`, 'from bob');
    await bob.share(`/bobs-${names}`, `team:${team}`, 'write');
    await expect(carol.read(`/Shared/bob/bobs-${names}/notes.txt`)).resolves.toBe('from bob');
    await expect(alice.read(`/Shared/bob/bobs-${names}/notes.txt`)).resolves.toBe('from bob');
    expect(await codeOf(removeFrom(bob, team, 'carol'))).toBe('NOT_ALLOWED');
    expect(await codeOf(add(bob, team, 'alice'))).toBe('NOT_ALLOWED');
  });
});

describe('a departure', () => {
  test('ends the keys of the team and of its shares: who went is served nothing, who stays reads on', async () => {
    const { team, path, theirs } = await newTeam(['bob', 'carol'], 'write');
    await bob.read(`${theirs}/plan.txt`);
    const before = await shareAt(path);
    await removeFrom(alice, team, 'bob');
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before.epoch + 1 });
    await alice.write(`${path}/plan.txt`, 'without bob');
    expect(await codeOf(bob.read(`${theirs}/plan.txt`))).toBe('NOT_FOUND');
    await expect(carol.read(`${theirs}/plan.txt`)).resolves.toBe('without bob');
    await carol.write(`${theirs}/plan.txt`, 'from carol');
    await expect(alice.read(`${path}/plan.txt`)).resolves.toBe('from carol');
  });

  test('a member leaves by itself, and the next visit of the owner ends the keys', async () => {
    const { team, path, theirs } = await newTeam(['bob', 'carol']);
    await bob.run(async ({ teams }) => teams.leave(await teams.find(team)));
    expect(await codeOf(bob.read(`${theirs}/plan.txt`))).toBe('NOT_FOUND');
    await expect(membersOf(alice, team)).resolves.toContain('bob left');
    const before = await shareAt(path);
    await workOff(alice);
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before.epoch + 1 });
    await expect(membersOf(alice, team)).resolves.toEqual(['alice active', 'carol active']);
    await expect(carol.read(`${theirs}/plan.txt`)).resolves.toBe('the plan');
  });

  test('with the owner of a share offline it is pending, and any machine of the owner works it off', async () => {
    const { team } = await newTeam(['bob', 'carol']);
    const path = `/bobs-${(names += 1)}`;
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
    const { team, path, theirs } = await newTeam(['bob', 'carol']);
    const before = await shareAt(path);
    await removeOnly(alice, team, 'bob');
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before.epoch });
    await expect(alice.shares()).resolves.toContain(`${path} team:${team} read pending`);
    const laptop = await machines.machine('alice');
    await workOff(laptop);
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before.epoch + 1 });
    await expect(carol.read(`${theirs}/plan.txt`)).resolves.toBe('the plan');
    await workOff(alice);
    await expect(shareAt(path)).resolves.toMatchObject({ epoch: before.epoch + 1 });
  });

  test('who comes back reads again, and what was written in between', async () => {
    const { team, path, theirs } = await newTeam(['bob'], 'write');
    await removeFrom(alice, team, 'bob');
    await alice.write(`${path}/plan.txt`, 'while bob was away');
    await add(alice, team, 'bob');
    await expect(bob.read(`${theirs}/plan.txt`)).resolves.toBe('while bob was away');
    await bob.write(`${theirs}/plan.txt`, 'back');
    await expect(alice.read(`${path}/plan.txt`)).resolves.toBe('back');
  });
});

test('who went opens none of the later commits with all keys it ever had, also when the server hands them over', async () => {
  const { team, path } = await newTeam(['bob', 'carol'], 'write');
  const ids = await bob.run(async ({ shared, teams }) => {
    const share = await shared.find('alice', path.slice(1));
    return { share: share?.vault.id ?? new Uint8Array(32), team: (await teams.find(team)).id };
  });
  await alice.write(`${path}/plan.txt`, 'with bob');
  await removeFrom(alice, team, 'bob');
  const versions = 20;
  for (let version = 0; version < versions; version += 1) await alice.write(`${path}/plan.txt`, `version ${version}`);
  const commits = { share: await journalOf(ids.share), team: await journalOf(ids.team) };
  const key = await keyOf(bob);
  const ofTeam = learned(ids.team, key, commits.team);
  const teamSeed = (_team: Uint8Array, fingerprint: Uint8Array): Uint8Array | undefined =>
    [0, 1, 2, 3].flatMap((n) => {
      const secret = ofTeam.secret(n);
      const pair = secret && teamKeyPair(secret, n);
      return pair && equalBytes(teamFingerprint(pair.publicKey), fingerprint) ? [pair.seed] : [];
    })[0];
  const ofShare = learned(ids.share, { ...key, teamSeed }, commits.share);
  const opened = commits.share.filter((commit) => opens(commit, ofShare.secret(commit.header.epoch)));
  const later = commits.share.filter(({ header }) => header.epoch > 0);
  expect(later.length).toBeGreaterThanOrEqual(versions);
  expect(opened.filter(({ header }) => header.epoch > 0)).toHaveLength(0);
  expect(opened.length).toBeGreaterThan(0);
});

/** What the server holds of a journal, as its operator could give it to anybody. */
async function journalOf(vault: Uint8Array): Promise<readonly Commit[]> {
  const commits: Commit[] = [];
  machines.lies.handlers['vault.pull'] = (honest) => async (request, call) => {
    if (equalBytes(request.vault, vault) && commits.length === 0)
      commits.push(...(await commitsOf((await honest({ ...request, after: 0 }, call)).data)));
    return honest(request, call);
  };
  const laptop = await machines.machine('alice');
  await laptop.run(async ({ sharing, teams }) => {
    await teams.list();
    await sharing.outgoing();
  });
  machines.lies.handlers = {};
  return commits;
}

async function keyOf({ profile }: Machine): Promise<EpochKey> {
  const record = profile.requireRecord();
  const keys = await profile.keystore.open(record, () => Promise.reject(new Error('no password')));
  if (keys.kind !== 'full') throw new Error('a full device is expected');
  return accountKeyOf(record, keys);
}

function learned(vault: Uint8Array, key: EpochKey, commits: readonly Commit[]): EpochSecrets {
  const secrets = new EpochSecrets(vault, key);
  for (const { header } of commits) {
    const { records, grants } = epochsIn(header, { vault, account: key.account });
    for (const record of records) secrets.learn(record);
    for (const grant of grants) secrets.learnGrant(grant);
  }
  return secrets;
}

function opens({ header, body }: Commit, epochSecret: Uint8Array | undefined): boolean {
  if (epochSecret === undefined) return false;
  openCommitBody({ epochSecret, n: header.epoch, associatedData: bodyAssociatedData(header), body });
  return true;
}

async function commitsOf(data: DataSource): Promise<Commit[]> {
  const commits: Commit[] = [];
  for await (const parts of payloadsOf(data)) {
    const frame = parts instanceof Uint8Array ? parts : concatBytes(...parts);
    commits.push(parseCommit(Uint8Array.from(frame).subarray(8)));
  }
  return commits;
}

describe('what is refused, with nothing changed', () => {
  test('a second team of the name, strange names, oneself, somebody twice, nobody, a team in a team', async () => {
    const { team } = await newTeam(['bob']);
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
    const { team, path } = await newTeam(['bob']);
    await carol.write('/carols/file.txt', 'x');
    expect(await codeOf(carol.share('/carols', `team:${team}`))).toBe('NOT_FOUND');
    expect(await codeOf(alice.share(path, `team:${team}`))).toBe('EXISTS');
  });

  test('a person whose keys nobody vouches for, and a team of such a person', async () => {
    const { team } = await newTeam(['bob']);
    const dave = await machines.person(`dave-${names}`, { certified: false });
    expect(await codeOf(add(alice, team, dave.username))).toBe('NOT_ALLOWED');
    const his = `his-${names}`;
    await create(dave, his);
    await add(dave, his, 'alice');
    await alice.write(`/secret-${names}/file.txt`, 'x');
    expect(await codeOf(alice.share(`/secret-${names}`, `team:${his}`))).toBe('NOT_ALLOWED');
    await alice.run(async ({ people }) => people.verify(await people.find(dave.username)));
    await alice.share(`/secret-${names}`, `team:${his}`);
    await expect(dave.read(`/Shared/alice/secret-${names}/file.txt`)).resolves.toBe('x');
  });

  test('two teams of one name are told apart, and nothing goes to the wrong one', async () => {
    const { team } = await newTeam(['bob']);
    await create(carol, team);
    await add(carol, team, 'bob');
    await bob.write(`/mine-${names}/file.txt`, 'x');
    expect(await codeOf(bob.share(`/mine-${names}`, `team:${team}`))).toBe('NOT_FOUND');
    const marked = await bob.run(async ({ teams }) =>
      (await teams.list()).filter(({ name }) => name.startsWith(`${team}~`)).map(({ owner }) => owner.username),
    );
    expect(marked.toSorted()).toEqual(['alice', 'carol']);
  });

  test('an unattended machine changes no team', async () => {
    const { team } = await newTeam(['bob']);
    const worker = await machines.machine('alice', 'file');
    expect(await codeOf(create(worker, `${team}-2`))).toBe('NOT_ALLOWED');
  });
});

describe('a server that lies about a team', () => {
  /** What it gives for pulls of a team: the honest commits, changed. */
  function pulls(team: Uint8Array, change: (commits: readonly Commit[]) => readonly Commit[]): void {
    machines.lies.handlers['vault.pull'] = (honest) => async (request, call) => {
      if (!equalBytes(request.vault, team)) return honest(request, call);
      const { response, data } = await honest({ ...request, after: 0 }, call);
      const shown = change(await commitsOf(data));
      const last = shown.at(-1);
      const head = last === undefined ? response : { seq: last.header.seq, head: last.hash };
      return { response: head, data: framesOf(shown.filter(({ header }) => header.seq > request.after)) };
    };
  }

  async function* framesOf(commits: readonly Commit[]): AsyncGenerator<readonly Uint8Array[]> {
    for (const { bytes } of commits) yield [u64(Date.now()), bytes];
  }

  const idOf = (machine: Machine, team: string): Promise<Uint8Array> =>
    machine.run(async ({ teams }) => (await teams.find(team)).id);

  test('an old membership is no continuation of what was seen; the departed gets nothing by it', async () => {
    const { team } = await newTeam(['bob', 'carol']);
    const path = `/bobs-${(names += 1)}`;
    await bob.write(`${path}/notes.txt`, 'before');
    await bob.share(path, `team:${team}`);
    await removeFrom(alice, team, 'carol');
    await workOff(bob);
    const id = await idOf(bob, team);
    pulls(id, (commits) => commits.slice(0, -1));
    expect(await codeOf(workOff(bob))).toBe('ROLLBACK');
    // A new machine of bob's has seen nothing of the team, but the share records which head it was judged at.
    machines.lies.handlers = {};
    const phone = await machines.machine('bob');
    pulls(id, (commits) => commits.slice(0, -1));
    expect(await codeOf(phone.list(path))).toBe('INTEGRITY');
  });

  test('a server that went back with the authority’s word is followed, and then goes on', async () => {
    const erin = await machines.person('erin');
    const { team } = await newTeam(['erin', 'carol']);
    await expect(membersOf(erin, team)).resolves.toHaveLength(3);
    const id = await idOf(erin, team);
    const last = (await journalOf(id))[1];
    if (last === undefined) throw new Error('erin was taken in');
    const restored = { seq: 2, head: last.hash };
    pulls(id, (commits) => commits.slice(0, 2));
    machines.lies.handlers['vault.list'] = (honest) => async (request, call) => ({
      vaults: (await honest(request, call)).vaults.map((one) =>
        equalBytes(one.vault, id) ? { ...one, ...restored } : one,
      ),
    });
    expect(await codeOf(membersOf(erin, team))).toBe('NOT_FOUND');
    const pins = erin.profile.pins();
    const generation = pins.generation + 1;
    pins.acceptGeneration([{ n: generation, heads: [{ vault: id, ...restored }] }]);
    machines.lies.handlers['session.hello'] = (honest) => async (request, call) => ({
      ...(await honest(request, call)),
      generation,
    });
    await expect(membersOf(erin, team)).resolves.toEqual(['alice active', 'erin active']);
    delete machines.lies.handlers['vault.list'];
    delete machines.lies.handlers['vault.pull'];
    await expect(membersOf(erin, team)).resolves.toHaveLength(3);
  });

  test('another team in its place, or its commits under another signature, are refused', async () => {
    const { team } = await newTeam(['bob']);
    const id = await idOf(alice, team);
    await create(carol, `${team}-of-carol`);
    await add(carol, `${team}-of-carol`, 'bob');
    const other = await idOf(carol, `${team}-of-carol`);
    const theirs: Commit[] = [];
    pulls(other, (commits) => (theirs.push(...commits), commits));
    const phone = await machines.machine('bob');
    await phone.run(({ teams }) => teams.list());
    expect(theirs.length).toBeGreaterThan(0);
    const swapped = await machines.machine('bob');
    pulls(id, () => theirs);
    await expect(swapped.run(({ teams }) => teams.find(team))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    pulls(id, (commits) =>
      commits.map((commit) => {
        const bytes = Uint8Array.from(commit.bytes);
        // One byte of the signature: header and body stay what they were.
        const at = Buffer.from(bytes).indexOf(Buffer.from(commit.signature));
        bytes[at + 5] = (bytes[at + 5] ?? 0) ^ 1;
        return parseCommit(bytes);
      }),
    );
    const forged = await machines.machine('bob');
    await expect(forged.run(({ teams }) => teams.find(team))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a team that the server gives another member in its list is what its journal says', async () => {
    const { team, theirs } = await newTeam(['bob']);
    const id = await idOf(alice, team);
    const head = await alice.run(async ({ teams }) => {
      await teams.find(team);
      return new Uint8Array(32);
    });
    machines.lies.handlers['vault.list'] = (honest) => async (request, call) => {
      const { vaults } = await honest(request, call);
      const owner = vaults[0]?.owner ?? new Uint8Array(16);
      return { vaults: [...vaults, { vault: id, kind: 'team', owner, role: 'owner', seq: 99, head }] };
    };
    expect(await codeOf(carol.run(({ teams }) => teams.find(team)))).toBe('NOT_FOUND');
    machines.lies.handlers = {};
    expect(await codeOf(carol.read(`${theirs}/plan.txt`))).toBe('NOT_FOUND');
  });
});
