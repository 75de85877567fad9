import { expect, test } from '@jest/globals';
import { newEntryId, rootEntry, systemClock, systemRandom } from '@coffer/core';
import type { Entry, Vault } from '@coffer/client';
import { FileActions } from '../src/services/file-actions.ts';

const never = new AbortController().signal;

function entry(name: string, kind: Entry['kind'], parent = rootEntry): Entry {
  const made = newEntryId(systemClock, systemRandom);
  return {
    entry: made,
    parent,
    name,
    kind,
    size: 0,
    mtime: [0, 0],
    mode: 0o755,
    content: [],
    seq: 1,
  } as unknown as Entry;
}

/** A folder with something in it, and which entries were removed. */
function vaultOf(top: Entry, inside: Entry): { readonly actions: FileActions; readonly removed: Uint8Array[] } {
  const removed: Uint8Array[] = [];
  const batch = {
    makeDirectory: () => Promise.resolve(top.entry),
    remove: (ids: readonly Uint8Array[]) => void removed.push(...ids),
    commit: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const tree = {
    get: (id: Uint8Array) => [top, inside].find((one) => one.entry === id),
    child: () => undefined,
    walk: (id: Uint8Array) => (id === top.entry ? [top, inside] : [inside]).map((one) => ({ entry: one, path: [] })),
  };
  const history = { versions: () => [], purge: () => Promise.resolve() };
  const vault = { tree, history, batch: () => batch } as unknown as Vault;
  return { actions: new FileActions({ vault, clock: systemClock, onChanged: () => undefined }), removed };
}

test('what is shared, or holds what is shared, is not removed in any way', async () => {
  const folder = entry('photos', 'directory');
  const mount = entry('summer', 'mount', folder.entry);
  const { actions, removed } = vaultOf(folder, mount);
  for (const one of [folder, mount]) {
    await expect(actions.trash([one], never)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(actions.destroy([one], never)).rejects.toMatchObject({ code: 'INVALID' });
  }
  const undo = await actions.makeFolder(rootEntry, 'photos', never);
  await expect(undo.run(never)).rejects.toMatchObject({ code: 'INVALID' });
  expect(removed).toEqual([]);
});

test('what is not shared is', async () => {
  const folder = entry('photos', 'directory');
  const { actions, removed } = vaultOf(folder, entry('summer', 'file', folder.entry));
  await actions.trash([folder], never);
  expect(removed).toEqual([folder.entry]);
});
