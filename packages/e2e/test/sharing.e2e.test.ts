import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';

/** Two people, each on a machine that holds the keys of the account. */
async function people(vault: Vault): Promise<{ readonly alice: Coffer; readonly bob: Coffer }> {
  const [alice, bob] = await Promise.all([vault.addPerson('alice'), vault.addPerson('bob')]);
  return { alice: alice.device, bob: bob.device };
}

test('alice shares a folder with bob, who reads it and may not write', async () => {
  await using vault = await startVault();
  const { alice, bob } = await people(vault);
  const source = vault.folder.join('docs');
  mkdirSync(`${source}/deep`, { recursive: true });
  writeFileSync(`${source}/plan.txt`, 'the plan');
  writeFileSync(`${source}/deep/notes.txt`, 'the notes');
  await alice.json(['put', source, '/']);
  await alice.json(['share', '/docs', 'bob']);

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
  await expect(alice.json(['ls', '/docs'])).resolves.toHaveLength(2);
  const refused = await bob.run(['put', copy, '/Shared/alice/docs', '--json']);
  expect(refused).toMatchObject({ exitCode: 6, error: { code: 'NOT_ALLOWED' } });
});
