import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { makeTree, startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
const patienceMs = 600_000;

interface People {
  readonly alice: Coffer;
  readonly bob: Coffer;
  readonly carol: Coffer;
  /** A second machine of each. */
  readonly laptop: Coffer;
  readonly phone: Coffer;
  readonly tablet: Coffer;
}

/** Three people with two machines each, all with the keys of their accounts. */
async function threePeople(vault: Vault): Promise<People> {
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => vault.addPerson(name)));
  if (alice === undefined || bob === undefined || carol === undefined) throw new TypeError('three people are expected');
  const [laptop, phone, tablet] = await Promise.all([alice, bob, carol].map((one) => vault.ownDevice(one)));
  if (laptop === undefined || phone === undefined || tablet === undefined)
    throw new TypeError('three more are expected');
  return { alice: alice.device, bob: bob.device, carol: carol.device, laptop, phone, tablet };
}

/** The first machine of a person puts a file into a folder of its own. */
async function putFile(vault: Vault, device: Coffer, { path, text }: { path: string; text: string }): Promise<void> {
  const file = vault.folder.join('file.txt');
  writeFileSync(file, text);
  await device.json(['put', file, path]);
}

const textAt = async (device: Coffer, path: string): Promise<string> => (await device.run(['cat', path])).stdout;

test(
  'people join a team and go: what is shared with it follows, on every machine',
  async () => {
    await using vault = await startVault();
    const { alice, bob, carol, laptop, phone, tablet } = await threePeople(vault);
    await alice.json(['team', 'create', 'family']);
    await alice.json(['team', 'add', 'family', 'bob']);
    await alice.json(['mkdir', '/plans']);
    await putFile(vault, alice, { path: '/plans/trip.txt', text: 'to the sea' });
    const shared = await alice.run(['share', '/plans', 'team:family', '--write']);
    expect(shared.stdout).toContain('shared with team:family, which you manage: its members may change it');

    await expect(bob.json(['team', 'list'])).resolves.toMatchObject([
      { name: 'family', owner: 'alice', own: false, members: 2 },
    ]);
    expect(await textAt(bob, '/Shared/alice/plans/trip.txt')).toBe('to the sea');
    expect(await textAt(phone, '/Shared/alice/plans/trip.txt')).toBe('to the sea');
    await putFile(vault, bob, { path: '/Shared/alice/plans/bob.txt', text: 'from bob' });
    expect(await textAt(laptop, '/plans/bob.txt')).toBe('from bob');
    await expect(carol.run(['ls', '/Shared/alice', '--json'])).resolves.toMatchObject({ exitCode: 4 });

    await laptop.json(['team', 'add', 'family', 'carol']);
    await expect(carol.json(['shares'])).resolves.toMatchObject([
      { path: '/Shared/alice/plans', owner: 'alice', member: 'family', kind: 'team', role: 'write', state: 'active' },
    ]);
    expect(await textAt(carol, '/Shared/alice/plans/bob.txt')).toBe('from bob');
    await putFile(vault, tablet, { path: '/Shared/alice/plans/carol.txt', text: 'from carol' });
    expect(await textAt(bob, '/Shared/alice/plans/carol.txt')).toBe('from carol');
    expect((await carol.run(['notifications'])).stdout).toContain('alice took you into a team');

    await alice.json(['team', 'remove', 'family', 'bob']);
    for (const machine of [bob, phone]) {
      const lost = await machine.run(['cat', '/Shared/alice/plans/trip.txt', '--json']);
      expect(lost).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });
    }
    await putFile(vault, alice, { path: '/plans/later.txt', text: 'without bob' });
    expect(await textAt(tablet, '/Shared/alice/plans/later.txt')).toBe('without bob');
    await expect(alice.json(['team', 'show', 'family'])).resolves.toMatchObject({
      members: [
        { member: 'alice', role: 'owner', state: 'active' },
        { member: 'carol', role: 'member', state: 'active' },
      ],
      shares: [{ path: '/plans', owner: 'alice', role: 'write', state: 'active' }],
    });

    await carol.json(['team', 'leave', 'family']);
    await expect(tablet.run(['ls', '/Shared/alice/plans', '--json'])).resolves.toMatchObject({ exitCode: 4 });
    await alice.json(['shares']);
    await expect(alice.json(['team', 'show', 'family'])).resolves.toMatchObject({ members: [{ member: 'alice' }] });

    await alice.json(['unshare', '/plans', 'team:family']);
    await expect(alice.json(['shares'])).resolves.toEqual([]);
  },
  patienceMs,
);

test(
  'the owner of a share is away during a departure: it is pending until one of their machines is there',
  async () => {
    await using vault = await startVault();
    const { alice, bob, carol, phone, tablet } = await threePeople(vault);
    await alice.json(['team', 'create', 'work']);
    for (const name of ['bob', 'carol']) await alice.json(['team', 'add', 'work', name]);
    await bob.json(['mkdir', '/notes']);
    await putFile(vault, bob, { path: '/notes/one.txt', text: 'one' });
    await bob.json(['share', '/notes', 'team:work', '--write']);
    expect(await textAt(carol, '/Shared/bob/notes/one.txt')).toBe('one');

    await expect(alice.json(['team', 'remove', 'work', 'carol'])).resolves.toMatchObject({
      member: 'carol',
      pending: [{ path: '/Shared/bob/notes', owner: 'bob' }],
    });
    const lost = await tablet.run(['cat', '/Shared/bob/notes/one.txt', '--json']);
    expect(lost).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });
    await expect(alice.json(['shares'])).resolves.toMatchObject([{ member: 'work', kind: 'team', state: 'pending' }]);

    // A sync is a visit too.
    const folder = vault.folder.join('elsewhere');
    makeTree({ target: folder, files: 3, oddities: 'none' });
    await phone.json(['sync', folder, '/elsewhere']);
    await expect(alice.json(['shares'])).resolves.toMatchObject([{ member: 'work', kind: 'team', state: 'active' }]);
    await putFile(vault, bob, { path: '/notes/two.txt', text: 'two' });
    expect(await textAt(alice, '/Shared/bob/notes/two.txt')).toBe('two');
  },
  patienceMs,
);

test(
  'what is refused about teams says why and what to do, and changes nothing',
  async () => {
    await using vault = await startVault();
    const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
    const refused = async (device: Coffer, args: readonly string[]): Promise<string> => {
      const { error } = await device.run([...args, '--json']);
      expect(error?.hint ?? error?.message).toBeTruthy();
      return error?.code ?? 'done';
    };
    await alice.device.json(['team', 'create', 'family']);
    await expect(refused(alice.device, ['team', 'create', 'family'])).resolves.toBe('EXISTS');
    await expect(refused(alice.device, ['team', 'create', 'fam:ily'])).resolves.toBe('INVALID');
    await expect(refused(alice.device, ['team', 'add', 'family', 'nobody'])).resolves.toBe('NOT_FOUND');
    await expect(refused(alice.device, ['team', 'add', 'family', 'alice'])).resolves.toBe('INVALID');
    await expect(refused(alice.device, ['team', 'remove', 'family', 'bob'])).resolves.toBe('NOT_FOUND');
    await expect(refused(alice.device, ['team', 'leave', 'family'])).resolves.toBe('INVALID');
    await expect(refused(bob.device, ['team', 'show', 'family'])).resolves.toBe('NOT_FOUND');
    await alice.device.json(['mkdir', '/docs']);
    await expect(refused(alice.device, ['share', '/docs', 'team:other'])).resolves.toBe('NOT_FOUND');
    await alice.device.json(['team', 'add', 'family', 'bob']);
    await expect(refused(bob.device, ['team', 'add', 'family', 'alice'])).resolves.toBe('NOT_ALLOWED');
    await expect(refused(bob.device, ['team', 'remove', 'family', 'alice'])).resolves.toBe('NOT_ALLOWED');
    await alice.device.json(['share', '/docs', 'team:family']);
    await expect(refused(bob.device, ['unshare', '/Shared/alice/docs'])).resolves.toBe('NOT_ALLOWED');
    await expect(refused(alice.device, ['share', '/docs', 'team:family'])).resolves.toBe('EXISTS');
    await expect(alice.device.json(['shares'])).resolves.toHaveLength(1);
    const admin = await vault.ownDevice(vault.admin);
    const { stdout } = await admin.run(['admin', 'logs', '--category', 'team']);
    const lines = stdout.split('\n');
    expect(lines.filter((line) => line.includes('team-created'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('member-read'))).toHaveLength(1);
  },
  patienceMs,
);
