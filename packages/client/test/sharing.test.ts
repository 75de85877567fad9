import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CofferError, equalBytes, idKey } from '@coffer/core';
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
afterAll(async () => await machines?.[Symbol.asyncDispose]());

/** A folder of alice's own with two files. */
async function newFolder(): Promise<string> {
  const name = `folder-${(names += 1)}`;
  await alice.write(`/${name}/plan.txt`, 'the plan');
  await alice.write(`/${name}/deep/notes.txt`, 'the notes');
  return name;
}

describe('a folder shared for reading', () => {
  test('is found under /Shared, read, and not written to; its owner sees it where it was', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob');
    await expect(bob.list(`/Shared/alice/${name}`)).resolves.toEqual([
      `/Shared/alice/${name}/deep/notes.txt`,
      `/Shared/alice/${name}/plan.txt`,
    ]);
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
    expect(await codeOf(bob.write(`/Shared/alice/${name}/plan.txt`, 'mine'))).toBe('NOT_ALLOWED');
    await expect(alice.read(`/${name}/deep/notes.txt`)).resolves.toBe('the notes');
    await alice.write(`/${name}/plan.txt`, 'a better plan');
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('a better plan');
    expect(await codeOf(carol.read(`/Shared/alice/${name}/plan.txt`))).toBe('NOT_FOUND');
  });

  test('is there on another machine of either, made before or after', async () => {
    const name = await newFolder();
    const [laptop, phone] = [await machines.machine('alice'), await machines.machine('bob')];
    await alice.share(`/${name}`, 'bob');
    await expect(laptop.read(`/${name}/plan.txt`)).resolves.toBe('the plan');
    await expect(phone.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
  });

  test('a file can be shared by itself', async () => {
    const name = await newFolder();
    await alice.share(`/${name}/plan.txt`, 'bob');
    await expect(bob.read('/Shared/alice/plan.txt')).resolves.toBe('the plan');
    await expect(alice.read(`/${name}/plan.txt`)).resolves.toBe('the plan');
    await alice.unshare(`/${name}/plan.txt`, 'bob');
  });
});

describe('a folder shared for writing', () => {
  test('both write and read each other, and versions name the device', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    await bob.write(`/Shared/alice/${name}/plan.txt`, 'from bob');
    await bob.write(`/Shared/alice/${name}/new/file.txt`, 'a new one');
    await expect(alice.read(`/${name}/plan.txt`)).resolves.toBe('from bob');
    await expect(alice.read(`/${name}/new/file.txt`)).resolves.toBe('a new one');
    await alice.write(`/${name}/plan.txt`, 'from alice');
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('from alice');
    await bob.remove(`/Shared/alice/${name}/plan.txt`);
    await expect(alice.list(`/${name}`)).resolves.not.toContain(`/${name}/plan.txt`);
  });

  test('two write at once, and nothing is lost', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    const writes = Array.from({ length: 4 }, (_, index) => [
      alice.write(`/${name}/alice-${index}.txt`, `a${index}`),
      bob.write(`/Shared/alice/${name}/bob-${index}.txt`, `b${index}`),
    ]).flat();
    await Promise.all(writes);
    const files = await alice.list(`/${name}`);
    expect(files.filter((path) => /(alice|bob)-\d/.test(path))).toHaveLength(8);
    await expect(bob.read(`/Shared/alice/${name}/alice-3.txt`)).resolves.toBe('a3');
  });

  test('the shared folder itself stays: a member neither removes it nor puts another beside it', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    await bob.remove(`/Shared/alice/${name}`).catch(() => undefined);
    await expect(alice.read(`/${name}/plan.txt`)).resolves.toBe('the plan');
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
  });
});

describe('what is refused, with nothing changed', () => {
  test.each([
    ['oneself', 'alice', 'INVALID'],
    ['nobody', 'nobody', 'NOT_FOUND'],
  ])('sharing with %s', async (_who, person, code) => {
    const name = await newFolder();
    expect(await codeOf(alice.share(`/${name}`, person))).toBe(code);
    await expect(alice.list(`/${name}`)).resolves.toHaveLength(2);
  });

  test('sharing twice; the other role is a change', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob');
    expect(await codeOf(alice.share(`/${name}`, 'bob'))).toBe('EXISTS');
    await alice.share(`/${name}`, 'bob', 'write');
    await bob.write(`/Shared/alice/${name}/plan.txt`, 'now it works');
    await alice.share(`/${name}`, 'bob', 'read');
    expect(await codeOf(bob.write(`/Shared/alice/${name}/plan.txt`, 'not any more'))).toBe('NOT_ALLOWED');
  });

  test('the whole vault, a path inside a share, a folder that holds one', async () => {
    const name = await newFolder();
    await alice.share(`/${name}/deep`, 'bob');
    expect(await codeOf(alice.share('/', 'bob'))).toBe('INVALID');
    expect(await codeOf(alice.share(`/${name}`, 'bob'))).toBe('INVALID');
    const inside = alice.run(async (account) => {
      const { vault, path } = await account.places.resolve(`/${name}/deep/notes.txt`);
      const entry = vault.tree.lookup(path);
      if (entry === undefined) throw new Error('it is there');
      return account.sharing.share({ entry, person: await account.people.find('carol'), role: 'read' });
    });
    expect(await codeOf(inside)).toBe('NOT_FOUND');
  });

  test('a person whose keys nobody vouches for, until the words are compared', async () => {
    const name = await newFolder();
    const dave = await machines.person('dave', { certified: false });
    expect(await codeOf(alice.share(`/${name}`, 'dave'))).toBe('NOT_ALLOWED');
    await expect(alice.list(`/${name}`)).resolves.toHaveLength(2);
    await alice.run(async ({ people }) => people.verify(await people.find('dave')));
    await alice.share(`/${name}`, 'dave');
    await expect(dave.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
  });

  test('an unattended machine shares nothing and says so', async () => {
    const name = await newFolder();
    const worker = await machines.machine('alice', 'file');
    expect(await codeOf(worker.share(`/${name}`, 'bob'))).toBe('NOT_ALLOWED');
    await alice.share(`/${name}`, 'bob');
    expect(await codeOf(worker.read(`/${name}/plan.txt`))).toBe('NOT_ALLOWED');
  });
});

describe('a share that cannot be finished', () => {
  afterEach(() => {
    machines.lies.handlers = {};
  });

  /** Nothing goes into any vault but the home vault. */
  function noSpaceInShares(): void {
    const { home } = alice.profile.requireRecord();
    machines.lies.handlers['vault.append'] = (honest) => (request, call) => {
      if (equalBytes(request.vault, home)) return honest(request, call);
      throw new CofferError('QUOTA', 'the account is full');
    };
  }

  const finish = (machine: Machine): Promise<void> => machine.run((account) => account.sharing.finishPending());

  test('for a chunk that the server lost stays a folder with all its files', async () => {
    const name = await newFolder();
    const { home } = alice.profile.requireRecord();
    let isLost = true;
    machines.lies.handlers['vault.append'] = (honest) => (request, call) => {
      if (equalBytes(request.vault, home) || !isLost) return honest(request, call);
      isLost = false;
      throw new CofferError('MISSING_CHUNKS', 'a chunk is not there');
    };
    let asked = 0;
    machines.lies.handlers['chunk.has'] = (honest) => async (request, call) =>
      (asked += 1) === 1 ? { present: new Uint8Array([0]) } : honest(request, call);
    expect(await codeOf(alice.share(`/${name}`, 'bob'))).toBe('MISSING_CHUNKS');
    expect(asked).toBeGreaterThan(1);
    await expect(alice.list(`/${name}`)).resolves.toHaveLength(2);
    machines.lies.handlers = {};
    await finish(alice);
    await expect(bob.list(`/Shared/alice/${name}`)).resolves.toHaveLength(2);
  });

  test('keeps none of the others back, and is told', async () => {
    const [one, other] = [await newFolder(), await newFolder()];
    noSpaceInShares();
    expect(await codeOf(alice.share(`/${one}`, 'bob'))).toBe('QUOTA');
    expect(await codeOf(alice.share(`/${other}`, 'bob'))).toBe('QUOTA');
    machines.lies.handlers = {};
    const laptop = await machines.machine('alice');
    await laptop.share(`/${one}/deep`, 'carol');
    expect(await codeOf(finish(alice))).toBe('INVALID');
    await expect(bob.read(`/Shared/alice/${other}/plan.txt`)).resolves.toBe('the plan');
    await expect(alice.read(`/${one}/deep/notes.txt`)).resolves.toBe('the notes');
    await alice.remove(`/${one}/deep/notes.txt`);
    await expect(alice.list(`/${one}`)).resolves.toEqual(expect.arrayContaining([`/${one}/plan.txt`]));
  });
});

test('of two shares with one name none has it, whoever gave it', async () => {
  const [one, other] = [await newFolder(), await newFolder()];
  await alice.share(`/${one}`, 'carol', 'write');
  await alice.share(`/${other}`, 'carol', 'write');
  await alice.share(`/${other}`, 'bob', 'write');
  await bob.run(async ({ shared }) => {
    const share = await shared.find('alice', other);
    if (share === undefined) throw new Error('it is shared');
    await using batch = share.vault.batch();
    await batch.move(share.entry.entry, { parent: share.entry.parent, name: one });
    await batch.commit();
  });
  expect(await codeOf(carol.write(`/Shared/alice/${one}/plan.txt`, 'which?'))).toBe('NOT_FOUND');
  const shown = await carol.run(async ({ shared }) =>
    (await shared.list()).filter(({ entry }) => entry.name === one).map(({ name, vault }) => [name, idKey(vault.id)]),
  );
  expect(shown).toHaveLength(2);
  for (const [name, vault] of shown) {
    expect(name).toBe(`${one} (${String(vault).slice(0, 8)})`);
    await expect(carol.read(`/Shared/alice/${String(name)}/plan.txt`)).resolves.toBe('the plan');
  }
});

test('a share that one process is making is not finished by another', async () => {
  const name = await newFolder();
  const { home } = alice.profile.requireRecord();
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  machines.lies.handlers['vault.append'] = (honest) => async (request, call) => {
    if (!equalBytes(request.vault, home)) {
      reached.resolve();
      machines.lies.handlers = {};
      await goOn.promise;
    }
    return honest(request, call);
  };
  const sharing = alice.share(`/${name}`, 'bob');
  await reached.promise;
  const kind = await alice.run(async (account) => {
    await account.sharing.finishPending();
    const { vault, path } = await account.places.resolve(`/${name}`, { follow: false });
    return vault.tree.lookup(path)?.kind;
  });
  expect(kind).toBe('directory');
  const second = await newFolder();
  const waiting = alice.share(`/${second}`, 'bob');
  goOn.resolve();
  await Promise.all([sharing, waiting]);
  for (const one of [name, second]) await expect(bob.read(`/Shared/alice/${one}/plan.txt`)).resolves.toBe('the plan');
});

describe('who loses a share', () => {
  test('is refused at once, and what is written later is sealed with a key that was never theirs', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob', 'write');
    await alice.share(`/${name}`, 'carol');
    await bob.read(`/Shared/alice/${name}/plan.txt`);
    await alice.unshare(`/${name}`, 'bob');
    expect(await codeOf(bob.read(`/Shared/alice/${name}/plan.txt`))).toBe('NOT_FOUND');
    await alice.write(`/${name}/plan.txt`, 'without bob');
    await expect(carol.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('without bob');
    await expect(alice.shares()).resolves.toContain(`/${name} carol read active`);
    await expect(alice.shares()).resolves.not.toContain(`/${name} bob write active`);
  });

  test('may come back, and reads what was written in between', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob');
    await alice.unshare(`/${name}`, 'bob');
    await alice.write(`/${name}/plan.txt`, 'in between');
    await alice.share(`/${name}`, 'bob');
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('in between');
  });

  test('by leaving is not served any more, and the owner ends the key with the next visit', async () => {
    const name = await newFolder();
    await alice.share(`/${name}`, 'bob');
    await bob.run(async ({ shared, sharing }) => {
      const share = await shared.find('alice', name);
      if (share === undefined) throw new Error('it is shared');
      await sharing.leave(share);
    });
    expect(await codeOf(bob.read(`/Shared/alice/${name}/plan.txt`))).toBe('NOT_FOUND');
    await expect(alice.shares()).resolves.toContain(`/${name} bob read left`);
    await alice.run((account) => account.sharing.workOff());
    await expect(alice.shares()).resolves.not.toContain(`/${name} bob read left`);
    await alice.share(`/${name}`, 'bob');
    await expect(bob.read(`/Shared/alice/${name}/plan.txt`)).resolves.toBe('the plan');
  });

  test('whose account is gone is shown, and taken off by the name that was known or is shown', async () => {
    const [one, other] = [await newFolder(), await newFolder()];
    for (const name of [one, other]) await alice.share(`/${name}`, 'bob');
    const gone = (): never => {
      throw new CofferError('NOT_FOUND', 'there is no such account');
    };
    machines.lies.handlers = { 'directory.lookUp': () => gone, 'directory.identity': () => gone };
    const shown = `bob~${idKey(bob.account).slice(0, 8)}`;
    await expect(alice.shares()).resolves.toContain(`/${one} ${shown} read active`);
    await alice.run((account) => account.sharing.workOff());
    await expect(alice.takeFrom(`/${one}`, 'Bob')).resolves.toBe(shown);
    await expect(alice.takeFrom(`/${other}`, shown)).resolves.toBe(shown);
    await expect(alice.takeFrom(`/${other}`, 'carol')).resolves.toBeUndefined();
    machines.lies.handlers = {};
    for (const name of [one, other]) expect(await codeOf(bob.list(`/Shared/alice/${name}`))).toBe('NOT_FOUND');
  });
});
