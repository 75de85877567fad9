import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { systemRandom } from '@coffer/core';
import { createFileTimes } from '@coffer/client';
import { Folder } from '../src/lay-down/folder.ts';
import { layFile } from '../src/lay-down/lay-file.ts';
import type { LayOutcome } from '../src/lay-down/lay-file.ts';
import { untrusted } from '../src/stamp.ts';
import type { Stamp } from '../src/stamp.ts';
import { TemporaryNames } from '../src/temporary-name.ts';
import { TemporaryFolder } from './folder-tools.ts';

/** The folder, and somebody who does something right after it was looked at or renamed in for the first time. */
function watched(folder: Folder, after: 'look' | 'rename', somebody: () => void): Folder {
  let isDue = true;
  return new Proxy(folder, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = value.apply(target, args);
        if (name === after && isDue) {
          isDue = false;
          somebody();
        }
        return result;
      };
    },
  });
}

async function lay(folder: Folder, expected: Stamp | undefined): Promise<LayOutcome> {
  const content = Buffer.from('from the vault');
  return await layFile(
    {
      temporaryNames: new TemporaryNames(systemRandom),
      times: createFileTimes(),
      conflictName: (name) => `${name} (conflict)`,
    },
    {
      hold: () => ({ folder, release: () => undefined }),
      name: 'file',
      size: content.byteLength,
      mtime: [1_700_000_000, 0],
      mode: 0o644,
      expected,
      keepBoth: false,
      overwrite: false,
      fetch: async ({ sink }) => {
        await sink(0, content);
        return undefined;
      },
      onLaid: () => Promise.resolve(),
    },
  );
}

test('what somebody writes in the moment in which a file is laid down is not taken for it', async () => {
  using temporary = new TemporaryFolder();
  using folder = Folder.root(temporary.path);
  const undisturbed = await lay(folder, undefined);
  expect(undisturbed.stamp).toBe(folder.look('file')?.stamp);

  const disturbed = await lay(
    watched(folder, 'rename', () => writeFileSync(temporary.at('file'), 'from a person!')),
    undisturbed.stamp,
  );
  expect(disturbed).toMatchObject({ kind: 'replaced', stamp: untrusted });
  expect(readFileSync(temporary.at('file'), 'utf8')).toBe('from a person!');
});

test('what is changed while the disk is busy with its replacement is kept beside it', async () => {
  using temporary = new TemporaryFolder();
  using folder = Folder.root(temporary.path);
  const { stamp } = await lay(folder, undefined);
  const outcome = await lay(
    watched(folder, 'look', () => writeFileSync(temporary.at('file'), 'from a person')),
    stamp,
  );
  expect(outcome).toMatchObject({ kind: 'conflict', keptAs: 'file (conflict)' });
  expect(readdirSync(temporary.path).toSorted()).toEqual(['file', 'file (conflict)']);
  expect(readFileSync(temporary.at('file (conflict)'), 'utf8')).toBe('from a person');
});
