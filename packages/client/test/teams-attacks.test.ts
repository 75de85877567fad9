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
afterEach(() => {
  machines.lies.handlers = {};
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

test('who went opens none of the later commits with all keys it ever had, also when the server hands them over', async () => {
  const { team, path } = await newTeam(alice, ['bob', 'carol'], 'write');
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
    const { team } = await newTeam(alice, ['bob', 'carol']);
    const path = `/bobs-${team}`;
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
    const { team } = await newTeam(alice, ['erin', 'carol']);
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
    const { team } = await newTeam(alice, ['bob']);
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
    const { team, theirs } = await newTeam(alice, ['bob']);
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
