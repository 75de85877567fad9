import { expect, test } from '@jest/globals';
import { idKey, rootEntry, systemClock } from '@coffer/core';
import type { Entry } from '@coffer/client';
import { Store } from '../src/app/store.ts';
import { FileCommands } from '../src/screens/files/file-commands.ts';
import type { FilesState } from '../src/screens/files/files-state.ts';
import { homeVolume } from '../src/services/open-volume.ts';
import { FileActions } from '../src/services/file-actions.ts';
import type { Services } from '../src/services/services.ts';
import { UndoStack } from '../src/services/undo-stack.ts';
import { PastVault } from './past-vault.ts';

const { signal } = new AbortController();

function openActions(vault: PastVault): FileActions {
  return new FileActions({ vault, clock: systemClock, onChanged: () => undefined });
}

function entryAt({ tree }: PastVault, path: string): Entry {
  const entry = tree.lookup(path);
  if (entry === undefined) throw new Error(`there is no ${path}`);
  return entry;
}

test('a folder that lies in the trash is destroyed with all files that went with it', async () => {
  const vault = new PastVault();
  const actions = openActions(vault);
  const files = [await vault.putText('/docs/a', '1'), await vault.putText('/docs/sub/b', '2')];
  const docs = entryAt(vault, '/docs');
  await actions.trash([docs], signal);
  await actions.destroy([docs], signal);
  expect(vault.purged.map(idKey).toSorted()).toEqual(files.map(idKey).toSorted());
});

test('what was put into a folder since it was made is not removed unasked', async () => {
  const vault = new PastVault();
  const actions = openActions(vault);
  const undo = new UndoStack();
  undo.push(await actions.makeFolder(rootEntry, 'new', signal));
  await vault.putText('/elsewhere', 'x');
  expect(undo.top?.takesAlong?.()).toEqual([]);
  await vault.putText('/new/file', 'x');
  const asked: string[] = [];
  let isAgreed = false;
  const ui = {
    confirm: async ({ lines }: { readonly lines: readonly string[] }) => {
      asked.push(lines.at(-1) ?? '');
      return isAgreed;
    },
    work: async (_label: string, task: (stop: AbortSignal) => Promise<void>) => {
      await task(signal);
      return true;
    },
    say: () => undefined,
    fail: (error: unknown) => asked.push(String(error)),
  };
  const services = { ui, vault, actions, undo, clock: systemClock, local: { cwd: '/' } } as unknown as Services;
  const commands = new FileCommands(services, { store: new Store({} as FilesState), volume: homeVolume(vault) });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
  };
  commands.run('undo');
  await settled();
  expect(asked).toEqual(['In all: 1 folder with 1 file.']);
  expect(vault.tree.lookup('/new/file')).toBeDefined();
  isAgreed = true;
  commands.run('undo');
  await settled();
  expect(vault.tree.lookup('/new')).toBeUndefined();
});
