import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { compareTrees, makeTree, startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
const patienceMs = 400_000;

/** Two people, each on a machine that holds the keys of the account. */
async function people(vault: Vault): Promise<{ readonly alice: Coffer; readonly bob: Coffer }> {
  const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
  return { alice: alice.device, bob: bob.device };
}

test(
  'alice shares a folder with bob, who reads it, then writes it, then loses it',
  async () => {
    await using vault = await startVault();
    const { alice, bob } = await people(vault);
    const source = vault.folder.join('docs');
    mkdirSync(`${source}/deep`, { recursive: true });
    writeFileSync(`${source}/plan.txt`, 'the plan');
    writeFileSync(`${source}/deep/notes.txt`, 'the notes');
    await alice.json(['put', source, '/']);
    const before = await contentBytes(alice);
    await alice.json(['share', '/docs', 'bob']);
    // The journal of the share is new; of the contents nothing was sent again.
    await expect(contentBytes(alice)).resolves.toBe(before);

    await expect(bob.json(['shares'])).resolves.toMatchObject([
      { path: '/Shared/alice/docs', owner: 'alice', member: 'bob', role: 'read', state: 'active' },
    ]);
    await expect(bob.json(['ls', '-R', '/Shared/alice/docs'])).resolves.toMatchObject([
      { path: '/Shared/alice/docs/deep' },
      { path: '/Shared/alice/docs/deep/notes.txt' },
      { path: '/Shared/alice/docs/plan.txt', size: 8 },
    ]);
    const copy = vault.folder.join('copy.txt');
    await bob.json(['get', '/Shared/alice/docs/plan.txt', copy]);
    expect(readFileSync(copy, 'utf8')).toBe('the plan');
    const refused = await bob.run(['put', copy, '/Shared/alice/docs', '--json']);
    expect(refused).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });

    await alice.json(['share', '/docs', 'bob', '--write']);
    await bob.json(['put', copy, '/Shared/alice/docs/from-bob.txt']);
    await expect(alice.json(['ls', '/docs'])).resolves.toHaveLength(3);
    expect((await alice.run(['notifications'])).stdout).toContain('bob made a change in');
    await bob.json(['cp', '/Shared/alice/docs/plan.txt', '/mine.txt']);
    expect((await bob.run(['cat', '/mine.txt'])).stdout).toBe('the plan');
    const moved = await bob.run(['mv', '/mine.txt', '/Shared/alice/docs', '--json']);
    expect(moved).toMatchObject({ exitCode: 2, error: { code: 'INVALID' } });
    const removed = await alice.run(['rm', '-r', '/docs', '--json']);
    expect(removed).toMatchObject({ exitCode: 2, error: { code: 'INVALID' } });

    await alice.json(['unshare', '/docs', 'bob']);
    const lost = await bob.run(['cat', '/Shared/alice/docs/plan.txt', '--json']);
    expect(lost).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });
    expect((await bob.run(['cat', '/mine.txt'])).stdout).toBe('the plan');
    expect((await bob.run(['notifications'])).stdout).toMatch(
      /alice shared .*\n?.*alice ended|alice ended[^]*alice shared/,
    );
  },
  patienceMs,
);

test(
  'two people write into one share at once: everything is there, for both',
  async () => {
    await using vault = await startVault();
    const { alice, bob } = await people(vault);
    await alice.json(['mkdir', '/docs']);
    await alice.json(['share', '/docs', 'bob', '--write']);
    await bob.json(['ls', '/Shared/alice/docs']);
    const numbers = [0, 1, 2, 3];
    const write = (device: Coffer, path: string, text: string) => device.run(['put', '-', path], { input: text });
    const ended = await Promise.all(
      numbers.flatMap((number) => [
        write(alice, `/docs/alice-${number}.txt`, `hers ${number}`),
        write(bob, `/Shared/alice/docs/bob-${number}.txt`, `his ${number}`),
        write(number % 2 === 0 ? alice : bob, `${number % 2 === 0 ? '' : '/Shared/alice'}/docs/both.txt`, `${number}`),
      ]),
    );
    expect(
      ended.map(({ exitCode, stderr }) => [exitCode, stderr]).filter(([exitCode]) => exitCode !== 0 && exitCode !== 5),
    ).toEqual([]);
    for (const [device, path] of [
      [alice, '/docs'],
      [bob, '/Shared/alice/docs'],
    ] as const) {
      const names = (await device.json<{ name: string }[]>(['ls', path])).map(({ name }) => name);
      expect(names).toEqual(
        ['alice', 'bob'].flatMap((who) => numbers.map((one) => `${who}-${one}.txt`)).concat('both.txt'),
      );
      expect((await device.run(['cat', `${path}/alice-3.txt`])).stdout).toBe('hers 3');
      expect((await device.run(['cat', `${path}/bob-3.txt`])).stdout).toBe('his 3');
    }
  },
  patienceMs,
);

/** What the contents take on the server, without their history. */
async function contentBytes(device: Coffer): Promise<number> {
  const usage = await device.json<{ storedBytes: number; journalBytes: number }>(['usage']);
  return usage.storedBytes - usage.journalBytes;
}

test(
  'a folder that holds a share is synced with it, by its owner and by a member',
  async () => {
    await using vault = await startVault();
    const { alice, bob } = await people(vault);
    const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
    makeTree({ target: `${source}/team`, files: 12, oddities: 'none' });
    writeFileSync(`${source}/own.txt`, 'only mine');
    await alice.json(['sync', source, '/work']);
    await alice.json(['share', '/work/team', 'bob', '--write']);

    // A share cuts with a key of its own: files of several chunks are sealed anew by the first sync after sharing.
    const first = await alice.json(['sync', source, '/work']);
    expect(first).toMatchObject({ sent: 0, removed: 0, failed: 0 });
    const again = await alice.json(['sync', source, '/work']);
    expect(again).toMatchObject({ sent: 0, modified: 0, removed: 0, failed: 0 });
    await bob.json(['sync', copy, '/Shared/alice/team', '--mode', 'two-way']);
    expect(compareTrees(`${source}/team`, copy)).toEqual([]);
    writeFileSync(`${copy}/from-bob.txt`, 'from bob');
    await bob.json(['sync', copy, '/Shared/alice/team', '--mode', 'two-way']);
    const down = await alice.json(['sync', source, '/work', '--mode', 'two-way']);
    expect(down).toMatchObject({ received: 1, conflicts: 0, failed: 0 });
    expect(compareTrees(`${source}/team`, copy)).toEqual([]);
    expect(readFileSync(`${source}/own.txt`, 'utf8')).toBe('only mine');
  },
  patienceMs,
);

test(
  'two people see the same words, and what they compared holds',
  async () => {
    await using vault = await startVault();
    const { alice, bob } = await people(vault);
    const hers = await alice.json<{ readonly words: string[] }>(['verify-person', 'bob']);
    const his = await bob.json<{ readonly words: string[] }>(['verify-person', 'alice', '--yes']);
    expect(hers.words).toHaveLength(12);
    expect(his).toMatchObject({ words: hers.words, trust: 'verified' });
    await expect(bob.json(['verify-person', 'alice'])).resolves.toMatchObject({ trust: 'verified' });
    const nobody = await alice.run(['verify-person', 'nobody', '--json']);
    expect(nobody).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });
  },
  patienceMs,
);
