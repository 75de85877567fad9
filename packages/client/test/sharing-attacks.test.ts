import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  concatBytes,
  equalBytes,
  idKey,
  newEntryId,
  randomId,
  rootEntry,
  systemClock,
  systemRandom,
  timestampFromMs,
  u64,
} from '@coffer/core';
import { openCommitBody, ed25519KeyPair } from '@coffer/crypto';
import { bodyAssociatedData, makeCommit, parseCommit } from '@coffer/journal';
import type { Commit, Ref } from '@coffer/journal';
import { payloadsOf } from '@coffer/protocol';
import type { DataSource } from '@coffer/protocol';
import type { Account, Ignored } from '../src/index.ts';
import type { JournalVault } from '../src/vaults/journal-vault.ts';
import { codeOf } from './support/code-of.ts';
import { Machines } from './support/machines.ts';
import type { Machine } from './support/machines.ts';

jest.setTimeout(240_000);

let machines: Machines;
let alice: Machine;
let bob: Machine;
let mallory: Machine;
let names = 0;

beforeAll(async () => {
  machines = await Machines.open();
  alice = await machines.person('alice');
  bob = await machines.person('bob');
  mallory = await machines.person('mallory');
});
afterEach(() => {
  machines.lies.handlers = {};
});
afterAll(async () => await machines?.[Symbol.asyncDispose]());

async function newFolder(): Promise<string> {
  const name = `folder-${(names += 1)}`;
  await alice.write(`/${name}/plan.txt`, 'the plan');
  return name;
}

/** The share that bob sees. */
async function shareOf(account: Account, name: string): Promise<JournalVault> {
  const share = await account.shared.find('alice', name);
  if (share === undefined) throw new Error(`${name} is not shared`);
  return share.vault;
}

describe('a server that lies about people', () => {
  test('another account under the name gets nothing sealed', async () => {
    const name = await newFolder();
    const { account } = mallory;
    machines.lies.handlers['directory.lookUp'] = () => () => Promise.resolve({ account, username: 'carl' });
    expect(await codeOf(alice.share(`/${name}`, 'carl'))).toBe('NOT_ALLOWED');
    machines.lies.handlers['directory.lookUp'] = () => () => Promise.resolve({ account, username: 'bob' });
    expect(await codeOf(alice.share(`/${name}`, 'bob'))).toBe('NOT_ALLOWED');
    await expect(alice.list(`/${name}`)).resolves.toEqual([`/${name}/plan.txt`]);
  });

  test('keys that are not those seen before, with the statements of somebody else, are refused', async () => {
    const name = await newFolder();
    await alice.run(async ({ people }) => void (await people.find('bob')));
    const laptop = await machines.machine('alice');
    machines.lies.handlers['directory.identity'] = (honest) => (request, call) =>
      honest({ ...request, account: mallory.account }, call);
    expect(await codeOf(laptop.run(({ people }) => people.find('bob')))).toBe('INTEGRITY');
    expect(await codeOf(laptop.share(`/${name}`, 'bob'))).toBe('INTEGRITY');
  });

  test('without the certificate nobody is believed, and who is shown as owner is told', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    const phone = await machines.machine('bob');
    machines.lies.handlers['directory.identity'] = (honest) => async (request, call) => ({
      ...(await honest(request, call)),
      certificate: null,
    });
    await phone.run(async (account) => {
      expect((await account.shared.list())[0]?.owner.trust).toBe('unverified');
    });
    expect(await codeOf(phone.write(`/Shared/alice/${name}/plan.txt`, 'sealed for whom?'))).toBe('NOT_ALLOWED');
  });
});

describe('a server that lies about a share', () => {
  /** What it gives for a pull: the honest commits, changed. */
  function pulls(change: (commits: readonly Commit[]) => readonly Commit[]): void {
    machines.lies.handlers['vault.pull'] = (honest) => async (request, call) => {
      const { response, data } = await honest(request, call);
      const shown = change(await commitsOf(data));
      const last = shown.at(-1);
      const head = last === undefined ? response : { seq: last.header.seq, head: last.hash };
      return { response: head, data: framesOf(shown) };
    };
  }

  async function* framesOf(commits: readonly Commit[]): AsyncGenerator<readonly Uint8Array[]> {
    for (const { bytes } of commits) yield [u64(Date.now()), bytes];
  }

  /** A commit on top of the last one, with anybody's key. */
  function forged(
    commits: readonly Commit[],
    by: { machine: Machine; seed: Uint8Array },
    refs: readonly Ref[],
  ): Commit {
    const last = commits.at(-1);
    if (last === undefined) throw new Error('nothing to go on from');
    const { account, device } = by.machine.profile.requireRecord();
    const header = {
      ...last.header,
      vault: last.vault,
      seq: last.header.seq + 1,
      prev: last.hash,
      account,
      device,
      commitId: randomId<'commit'>(systemRandom),
      at: timestampFromMs(Date.now()),
      refs,
    };
    const { bodyHash: _bodyHash, ...rest } = header;
    return makeCommit({ header: rest, body: new Uint8Array(100), sign: ed25519KeyPair(by.seed).sign });
  }

  async function deviceSeedOf(machine: Machine): Promise<Uint8Array> {
    const { profile } = machine;
    const keys = await profile.keystore.open(profile.requireRecord(), () => Promise.reject(new Error('no password')));
    return keys.deviceSeed;
  }

  test('a commit in the name of a reader, signed by the reader, is refused by everybody', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob');
    const by = { machine: bob, seed: await deviceSeedOf(bob) };
    await alice.read(`/${name}/plan.txt`);
    const entry = newEntryId(systemClock, systemRandom);
    const { vault } = await alice.run(async ({ sharing }) => {
      const share = (await sharing.outgoing()).find((one) => one.names[0] === name);
      return { vault: share?.mount.target as Uint8Array };
    });
    pulls((commits) => {
      const isShare = commits.some((one) => equalBytes(one.vault, vault));
      const drop: Ref = { kind: 'drop', entries: [entry], reason: 'removed' };
      return isShare ? [...commits, forged(commits, by, [drop])] : commits;
    });
    const phone = await machines.machine('bob');
    expect(await codeOf(phone.read(`/Shared/alice/${name}/plan.txt`))).toBe('INTEGRITY');
    machines.lies.handlers = {};
    await expect(phone.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
  });

  test('a member that the owner did not admit, signed by whom it will, is refused', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    const by = { machine: bob, seed: await deviceSeedOf(bob) };
    const zero = new Uint8Array(32);
    const member: Ref = {
      kind: 'member',
      member: mallory.account,
      role: 'read',
      fingerprint: zero,
      chainHead: zero,
      seals: [{ worker: null, sealed: new Uint8Array(1200) }],
    };
    pulls((commits) => {
      const isShare = commits[0]?.header.refs.some((ref) => ref.kind === 'genesis' && ref.vaultKind === 'share');
      return isShare === true ? [...commits, forged(commits, by, [member])] : commits;
    });
    const phone = await machines.machine('bob');
    expect(await codeOf(phone.read(`/Shared/alice/${name}/plan.txt`))).toBe('INTEGRITY');
  });

  test('an older membership shown again is a rollback', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob');
    await alice.unshare(`/${name}`, 'bob');
    await alice.read(`/${name}/plan.txt`);
    machines.lies.handlers['vault.pull'] = (honest) => async (request, call) => {
      const answer = await honest(request, call);
      return answer.response.seq > 4 ? answer : { ...answer, response: { ...answer.response, seq: 1 } };
    };
    expect(await codeOf(alice.read(`/${name}/plan.txt`))).toBe('ROLLBACK');
  });

  test('another vault in the place of the one that is mounted is refused', async () => {
    const [one, other] = [await newFolder(), await newFolder()];
    await alice.share(`/${one}`, 'bob');
    await alice.share(`/${other}`, 'bob');
    const laptop = await machines.machine('alice');
    const vaults = await alice.run(async ({ sharing }) => {
      const all = await sharing.outgoing();
      return [one, other].map((name) => all.find(({ names: [first] }) => first === name)?.mount.target as Uint8Array);
    });
    machines.lies.handlers['vault.pull'] = (honest) => (request, call) =>
      honest(
        {
          ...request,
          vault: equalBytes(request.vault, vaults[0] ?? rootEntry) ? (vaults[1] ?? rootEntry) : request.vault,
        },
        call,
      );
    expect(await codeOf(laptop.read(`/${one}/plan.txt`))).toBe('INTEGRITY');
  });
});

describe('a member that writes what it must not', () => {
  async function attack(name: string, work: (vault: JournalVault) => Promise<unknown>): Promise<unknown> {
    return bob.run(async (account) => work(await shareOf(account, name)));
  }

  test.each<[string, (vault: JournalVault) => Promise<unknown>]>([
    [
      'a body that nobody can open',
      (vault) =>
        vault.change(async () => {
          const epoch = { n: vault.state?.epoch ?? 0, secret: systemRandom.bytes(32) };
          return { refs: [{ kind: 'drop', entries: [shared(vault)], reason: 'removed' }], epoch };
        }),
    ],
    [
      'a drop that no operation stands behind',
      (vault) => vault.change(async () => ({ refs: [{ kind: 'drop', entries: [shared(vault)], reason: 'removed' }] })),
    ],
    [
      'a mount',
      async (vault) => {
        await using batch = vault.items();
        const entry = newEntryId(systemClock, systemRandom);
        const parent = shared(vault);
        const target = systemRandom.bytes(32);
        await batch.add({
          operation: ['put', entry, parent, 'trap', 'mount', 0, [0, 0], 0o755, [], target],
          moved: entry,
          entries: [entry],
        });
        await batch.commit();
      },
    ],
    [
      'the removal of the shared folder',
      async (vault) => {
        await using batch = vault.batch();
        await batch.remove([shared(vault)]);
        await batch.commit();
      },
    ],
    [
      'another folder beside the shared one',
      async (vault) => {
        await using batch = vault.batch();
        await batch.makeDirectory({ parent: rootEntry, name: 'beside', mtime: [0, 0], mode: 0o755 });
        await batch.commit();
      },
    ],
    [
      'the shared folder moved below itself',
      async (vault) => {
        await using batch = vault.batch();
        const inside = await batch.makeDirectory({ parent: shared(vault), name: 'inside', mtime: [0, 0], mode: 0o755 });
        await batch.move(shared(vault), { parent: inside, name: 'lost' });
        await batch.commit();
      },
    ],
  ])('%s counts for nothing, and all goes on', async (_what, work) => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    await attack(name, work).catch(() => undefined);
    await expect(alice.read(`/${name}/plan.txt`)).resolves.toBe('the plan');
    await alice.write(`/${name}/after.txt`, 'goes on');
    await expect(bob.read(`/Shared/alice/${name}/after.txt`)).resolves.toBe('goes on');
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
    await expect(alice.list('/')).resolves.toContain(`/${name}`);
  });

  test('a drop without an operation is set right by the next visit of the owner, though nobody writes', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    const [id, file] = await bob.run(async (account) => {
      const vault = await shareOf(account, name);
      return [vault.id, vault.tree.children(shared(vault))[0]?.entry ?? rootEntry];
    });
    await attack(name, (vault) =>
      vault.change(async () => ({ refs: [{ kind: 'drop', entries: [file], reason: 'removed' }] })),
    );
    for (let visit = 0; visit < 2; visit += 1) await alice.run((account) => account.sharing.workOff());
    const commits: Commit[] = [];
    machines.lies.handlers['vault.pull'] = (honest) => async (request, call) => {
      if (equalBytes(request.vault, id))
        commits.push(...(await commitsOf((await honest({ ...request, after: 0 }, call)).data)));
      return honest(request, call);
    };
    await alice.read(`/${name}/plan.txt`);
    const kept = commits.flatMap(({ header }) => header.refs.filter((ref) => ref.kind === 'keep'));
    expect(kept.map(({ entry }) => idKey(entry))).toEqual([idKey(file)]);
  });

  test("somebody else's chunk that no version of the share refers to is refused by the server", async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    const code = await codeOf(
      attack(name, async (vault) => {
        await using batch = vault.items();
        const entry = newEntryId(systemClock, systemRandom);
        const [hash, id, key] = [systemRandom.bytes(32), systemRandom.bytes(32), systemRandom.bytes(32)];
        const operation = [
          'put',
          entry,
          shared(vault),
          'stolen',
          'file',
          5,
          [0, 0],
          0o644,
          [[hash, 5, 90, alice.account, id, key]],
        ] as const;
        const ref = {
          kind: 'put',
          entry,
          chunks: [{ uploader: alice.account, ids: id }],
          segments: new Uint8Array(0),
        } as const;
        await batch.add({ operation, ref, entries: [entry] });
        await batch.commit();
      }),
    );
    expect(code).toBe('NOT_ALLOWED');
  });

  test('who wrote it is known', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    await attack(name, (vault) =>
      vault.change(async () => ({ refs: [{ kind: 'drop', entries: [shared(vault)], reason: 'removed' }] })),
    );
    const told: Ignored[] = [];
    await alice.run(
      async (account) => void (await account.places.resolve(`/${name}`)),
      undefined,
      (one) => told.push(one),
    );
    expect(told).toHaveLength(1);
    expect(told[0]?.authors[0]?.account).toEqual(bob.account);
    const known = await alice.run(async ({ people }) => people.known(bob.account));
    expect(known.username).toBe('bob');
  });
});

test('a device whose person lost the share, with all its keys and the whole storage, opens 0 of 200 later versions', async () => {
  const name = await newFolder();
  await alice.share(`/${name}`, 'bob', 'write');
  await bob.read(`/Shared/alice/${name}/plan.txt`);
  const secrets = await bob.run(async (account) => {
    const vault = await shareOf(account, name);
    return { id: vault.id, epochs: [vault.epochSecret(0)] };
  });
  await alice.unshare(`/${name}`, 'bob');
  const versions = 200;
  await alice.run(async (account) => {
    const { vault, path } = await account.places.resolve(`/${name}/plan.txt`);
    for (let round = 0; round < versions; round += 1) {
      const file = vault.tree.lookup(path);
      if (file === undefined) throw new Error('the file is gone');
      await using batch = vault.batch();
      await batch.setAttributes(file.entry, { mtime: [round, 0], mode: 0o644 });
      await batch.commit();
    }
  });
  const later: Commit[] = [];
  machines.lies.handlers['vault.pull'] = (honest) => async (request, call) => {
    const answer = await honest({ ...request, after: 0 }, call);
    if (equalBytes(request.vault, secrets.id)) later.push(...(await commitsOf(answer.data)));
    return honest(request, call);
  };
  await alice.read(`/${name}/plan.txt`);
  const after = later.filter(({ header }) => header.epoch > 0);
  expect(after.length).toBeGreaterThanOrEqual(versions);
  const opened = after.filter((commit) => secrets.epochs.some((epochSecret) => opens(commit, epochSecret)));
  expect(opened).toHaveLength(0);
  expect(
    later.filter((commit) => secrets.epochs.some((epochSecret) => opens(commit, epochSecret))).length,
  ).toBeGreaterThan(0);
});

async function commitsOf(data: DataSource): Promise<Commit[]> {
  const commits: Commit[] = [];
  for await (const parts of payloadsOf(data)) {
    const frame = parts instanceof Uint8Array ? parts : concatBytes(...parts);
    commits.push(parseCommit(Uint8Array.from(frame).subarray(8)));
  }
  return commits;
}

/** With the number of its epoch and with every other: a secret is tried for whatever it may be. */
function opens({ header, body }: Commit, epochSecret: Uint8Array): boolean {
  return [0, header.epoch].some((n) => {
    try {
      openCommitBody({ epochSecret, n, associatedData: bodyAssociatedData(header), body });
      return true;
    } catch {
      return false;
    }
  });
}

function shared(vault: JournalVault): Uint8Array {
  const [entry] = vault.tree.children(rootEntry);
  if (entry === undefined) throw new Error('a share has its entry');
  return entry.entry;
}
