import { expect, test } from '@jest/globals';
import type { IncomingShare } from '@coffer/client';
import { displayName } from '@coffer/client';
import { Store } from '../src/app/store.ts';
import { FileCommands } from '../src/screens/files/file-commands.ts';
import { filesAt } from '../src/screens/files/files-state.ts';
import { entryRow } from '../src/screens/files/rows.ts';
import { homeVolume, sharedVolume } from '../src/services/open-volume.ts';
import type { Volume } from '../src/services/open-volume.ts';
import type { Services } from '../src/services/services.ts';
import { PastVault } from './past-vault.ts';

const above = ['Shared', 'friend', 'plans'];

function shareOf(more: { readonly role: string; readonly trust: string }): IncomingShare {
  return { ownerName: 'friend', role: more.role, owner: { trust: more.trust } } as unknown as IncomingShare;
}

/** What may be done with the first row of a share. */
async function commandsIn(volume: (vault: PastVault) => Volume): Promise<FileCommands> {
  const vault = new PastVault();
  await vault.putText('/plans/trip.txt', 'to the sea');
  const made = volume(vault);
  const top = made.top();
  const store = new Store(
    filesAt(
      { kind: 'folder', entry: top, names: [] },
      vault.tree.children(top.entry).map((entry) => entryRow(entry)),
    ),
  );
  const services = { local: { cwd: '/' }, undo: { top: undefined }, account: { info: { scope: 'full' } } };
  return new FileCommands(services as unknown as Services, { store, volume: made });
}

test('the top of a share is the folder that is shared, named as the account sees it', async () => {
  const vault = new PastVault();
  await vault.putText('/plans/trip.txt', 'to the sea');
  const volume = sharedVolume({ vault, above, share: undefined });
  expect(displayName(volume.top().name)).toBe('plans');
  expect(volume.shown(['plans', 'trip.txt'])).toEqual([...above, 'trip.txt']);
  expect(volume.canChange).toBe(true);
});

test('a file that is shared stands alone in its share', async () => {
  const vault = new PastVault();
  await vault.putText('/note.txt', 'a note');
  expect(displayName(sharedVolume({ vault, above, share: undefined }).top().name)).toBe('');
});

test.each([
  ['read', 'certified', 'friend lets you read it only'],
  ['write', 'unverified', expect.stringMatching(/nobody made sure of the keys of friend/)],
  ['write', 'verified', true],
])('what may be changed in a share: %s, %s', async (role, trust, expected) => {
  const commands = await commandsIn((vault) => sharedVolume({ vault, above, share: shareOf({ role, trust }) }));
  for (const action of ['rename', 'trash', 'upload', 'make', 'edit', 'destroy'] as const) {
    expect(commands.can(action)).toEqual(expected);
  }
  expect(commands.can('save')).toBe(true);
  expect(commands.can('share')).toMatch(/shared already/);
});

test('in the home vault everything may be done', async () => {
  const commands = await commandsIn((vault) => ({
    ...homeVolume(vault),
    top: () => vault.tree.lookup('/plans') ?? vault.tree.root(),
  }));
  expect(commands.can('rename')).toBe(true);
  expect(commands.can('share')).toBe(true);
});
