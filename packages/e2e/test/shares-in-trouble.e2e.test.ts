import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';

/** Each command is a process that opens a sealed keystore; the machine may be busy. */
const patienceMs = 400_000;

const plan = '/Shared/alice/docs/plan.txt';

/** Alice shares a folder with bob, who may write. */
async function sharedFolder(vault: Vault) {
  const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
  await alice.device.json(['mkdir', '/docs']);
  await put(vault, alice.device, { text: 'the plan', path: '/docs/plan.txt' });
  await alice.device.json(['share', '/docs', 'bob', '--write']);
  return { alice, bob };
}

async function put(vault: Vault, device: Coffer, { text, path }: { readonly text: string; readonly path: string }) {
  const file = vault.folder.join(`file ${text}`);
  writeFileSync(file, text);
  await device.json(['put', file, path]);
}

async function nameOf(device: Coffer): Promise<string> {
  return (await device.json<{ readonly device: string }>(['whoami'])).device;
}

const text = async (device: Coffer, path: string): Promise<string> => (await device.run(['cat', path])).stdout;

test(
  'what a suspended account shares goes on without it, what a removed one shared is gone',
  async () => {
    await using vault = await startVault();
    const { alice, bob } = await sharedFolder(vault);
    const admin = (args: readonly string[]) =>
      vault.machine.json(['admin', 'user', ...args, '--storage', vault.storage]);

    await admin(['suspend', 'alice']);
    expect(await alice.device.run(['ls', '/docs', '--json'])).toMatchObject({ exitCode: 3 });
    expect(await text(bob.device, plan)).toBe('the plan');
    await put(vault, bob.device, { text: 'by bob', path: '/Shared/alice/docs/by-bob.txt' });

    await admin(['resume', 'alice']);
    expect(await text(alice.device, '/docs/by-bob.txt')).toBe('by bob');

    await admin(['suspend', 'bob']);
    expect(await bob.device.run(['cat', plan, '--json'])).toMatchObject({ exitCode: 3 });
    await alice.device.json(['unshare', '/docs', 'bob']);
    await admin(['resume', 'bob']);
    expect(await bob.device.run(['cat', plan, '--json'])).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });

    await alice.device.json(['share', '/docs', 'bob']);
    expect(await text(bob.device, plan)).toBe('the plan');
    await admin(['remove', 'alice', '--yes']);
    expect(await alice.device.run(['ls', '/', '--json'])).toMatchObject({ exitCode: 3 });
    expect(await bob.device.run(['cat', plan, '--json'])).toMatchObject({ exitCode: 4, error: { code: 'NOT_FOUND' } });
    // Bob's own vault is as it was.
    await put(vault, bob.device, { text: 'mine', path: '/mine.txt' });
    expect(await text(bob.device, '/mine.txt')).toBe('mine');
  },
  patienceMs,
);

test(
  'the stolen laptop of a member, and that of the owner, read nothing further of what is shared',
  async () => {
    await using vault = await startVault();
    const { alice, bob } = await sharedFolder(vault);
    const [laptop, stolen] = [await vault.ownDevice(bob), bob.device];
    expect(await text(stolen, plan)).toBe('the plan');
    await laptop.json(['device', 'revoke', await nameOf(stolen), '--yes']);
    expect(await stolen.run(['cat', plan, '--json'])).toMatchObject({ exitCode: 3 });
    expect(await text(laptop, plan)).toBe('the plan');
    await put(vault, alice.device, { text: 'after the theft', path: '/docs/after.txt' });
    expect(await text(laptop, '/Shared/alice/docs/after.txt')).toBe('after the theft');
    expect(await stolen.run(['ls', '/Shared/alice/docs', '--json'])).toMatchObject({ exitCode: 3 });

    const desk = await vault.ownDevice(alice);
    await desk.json(['device', 'revoke', await nameOf(alice.device), '--yes']);
    expect(await alice.device.run(['ls', '/docs', '--json'])).toMatchObject({ exitCode: 3 });
    await put(vault, desk, { text: 'from the desk', path: '/docs/desk.txt' });

    // Both have new keys now, which nobody vouches for: each makes sure of the other's before anything is sealed to them.
    const locked = await laptop.run(['cat', '/Shared/alice/docs/desk.txt', '--json']);
    expect(locked).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
    await expect(desk.json(['shares'])).resolves.toMatchObject([{ member: 'bob', state: 'unconfirmed' }]);
    const unsure = await desk.run(['share', '/docs', 'bob', '--write', '--json']);
    expect(unsure).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
    const words = await desk.json<{ readonly words: string[] }>(['verify-person', 'bob', '--yes']);
    await expect(laptop.json(['verify-person', 'alice', '--yes'])).resolves.toMatchObject({ words: words.words });
    await desk.json(['share', '/docs', 'bob', '--write']);
    await expect(desk.json(['shares'])).resolves.toMatchObject([{ member: 'bob', state: 'active' }]);
    expect(await text(laptop, '/Shared/alice/docs/desk.txt')).toBe('from the desk');
  },
  patienceMs,
);
