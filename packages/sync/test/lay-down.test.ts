import {
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { MiB, rootEntry } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import { layDown, pushTree } from '../src/index.ts';
import { createFileTimes, doubles } from '@coffer/client';
import { Folder } from '../src/lay-down/folder.ts';
import { freeName } from '../src/lay-down/free-name.ts';
import { OpenFolders } from '../src/lay-down/open-folders.ts';
import type { LocalPlace } from '../src/place.ts';
import { FakeVault } from './fake-vault.ts';
import { describeTree, TemporaryFolder } from './folder-tools.ts';

const exactTimes: readonly Timestamp[] = [
  [1_763_560_000, 123_456_789],
  [1_763_560_000, 999_999_999],
  [1_763_560_000, 1],
  [0, 0],
  [-1, 999_999_999],
  [4_000_000_000, 7],
];

describe('times', () => {
  test('arrive to the nanosecond, on files and on links', () => {
    using temporary = new TemporaryFolder();
    const times = createFileTimes();
    expect(times.exact).toBe(process.platform === 'linux' || process.platform === 'darwin');
    temporary.write('file', 'x');
    symlinkSync('nowhere', temporary.at('link'));
    using folder = Folder.root(temporary.path);
    for (const [seconds, nanoseconds] of exactTimes) {
      const fd = openSync(temporary.at('file'), 'r');
      times.setOpen(fd, [seconds, nanoseconds]);
      const wanted = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
      expect(fstatSync(fd, { bigint: true }).mtimeNs).toBe(wanted);
      closeSync(fd);
      folder.setLinkTimes('link', { mtime: [seconds, nanoseconds], times });
      expect(lstatSync(temporary.at('link'), { bigint: true }).mtimeNs).toBe(wanted);
    }
  });

  test('what node:fs alone can do is off by less than a microsecond', () => {
    using temporary = new TemporaryFolder();
    const fd = openSync(temporary.write('file', 'x'), 'r');
    doubles.setOpen(fd, [1_763_560_000, 123_456_789]);
    const error = fstatSync(fd, { bigint: true }).mtimeNs - 1_763_560_000_123_456_789n;
    closeSync(fd);
    expect(error).not.toBe(0n);
    expect(error > -1000n && error < 1000n).toBe(true);
  });
});

describe('laying down', () => {
  test('holes become holes', async () => {
    using temporary = new TemporaryFolder();
    const size = 48 * MiB;
    const source = temporary.at('source');
    const fd = openSync(source, 'w');
    ftruncateSync(fd, size);
    writeSync(fd, 'in the middle', 24 * MiB);
    closeSync(fd);
    const vault = new FakeVault();
    await pushTree({ vault, sources: [{ local: source, name: 'sparse' }], into: rootEntry, deviceName: 'laptop' });
    await get(vault, temporary.at('out'));
    const laid = statSync(temporary.at('out/sparse'));
    expect(laid.size).toBe(size);
    expect(laid.blocks * 512).toBeLessThan(MiB);
    expect(readFileSync(temporary.at('out/sparse')).equals(readFileSync(source))).toBe(true);
  });

  test('put and get give the same tree, with names of its own', async () => {
    using temporary = new TemporaryFolder();
    temporary.write('one/a', 'aaa', 0o640);
    temporary.write('one/deep/b', 'bbb', 0o755);
    symlinkSync('../outside', temporary.at('one/link'));
    temporary.write('two', 'alone');
    const vault = new FakeVault();
    const sources = [
      { local: temporary.at('one'), name: 'first' },
      { local: temporary.at('two'), name: 'second' },
    ];
    const put = await pushTree({ vault, sources, into: rootEntry, deviceName: 'laptop' });
    expect(put).toMatchObject({ sent: 3, failed: 0 });
    expect(await get(vault, temporary.at('out'))).toMatchObject({ received: 3, failed: 0 });
    expect(describeTree(temporary.at('out/first'))).toEqual(describeTree(temporary.at('one')));
    expect(readFileSync(temporary.at('out/second'), 'utf8')).toBe('alone');
    expect(await get(vault, temporary.at('out'))).toMatchObject({ received: 0, unchanged: 3, bytesReceived: 0 });
    expect(await pushTree({ vault, sources, into: rootEntry, deviceName: 'laptop' })).toMatchObject({
      sent: 0,
      modified: 0,
      unchanged: 3,
    });
  });

  test('an old version can be laid down beside the current one', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    await vault.putText('/a', 'first');
    const old = vault.tree.lookup('/a');
    await vault.putText('/a', 'second');
    if (old === undefined) throw new Error('no old version');
    const items = [{ entry: old, name: 'a (old)' }];
    await layDown({ vault, tree: vault.tree, items, folder: temporary.at('out'), deviceName: 'laptop' });
    expect(readFileSync(temporary.at('out/a (old)'), 'utf8')).toBe('first');
  });

  test('a different file that is there is kept, or replaced when asked', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    await vault.putText('/a', 'theirs');
    temporary.write('keep/a', 'mine');
    temporary.write('replace/a', 'mine');
    expect(await get(vault, temporary.at('keep'))).toMatchObject({ receivedModified: 1, conflicts: 1 });
    expect(readdirSync(temporary.at('keep'))).toHaveLength(2);
    expect(await get(vault, temporary.at('replace'), 'replace')).toMatchObject({ receivedModified: 1, conflicts: 0 });
    expect(readdirSync(temporary.at('replace'))).toEqual(['a']);
  });

  test('a file in the place of a directory, and a directory in the place of a file, are kept', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    await vault.putText('/a', 'file');
    await vault.putText('/b/c', 'below');
    temporary.write('out/a/mine', 'mine');
    temporary.write('out/b', 'mine, too');
    expect(await get(vault, temporary.at('out'), 'replace')).toMatchObject({ received: 2, conflicts: 2, failed: 0 });
    const kept = Object.values(describeTree(temporary.at('out'))).map(({ content }) => content);
    expect(kept).toEqual(expect.arrayContaining(['mine', 'mine, too', 'file', 'below']));
  });

  test('two items of one name are refused before anything happens', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    const entry = vault.tree.get(await vault.putText('/a', 'x')) ?? vault.tree.root();
    const items = [
      { entry, name: 'same' },
      { entry, name: 'same' },
    ];
    await expect(
      layDown({ vault, tree: vault.tree, items, folder: temporary.at('out'), deviceName: 'x' }),
    ).rejects.toMatchObject({
      code: 'INVALID',
    });
  });

  test('no temporary file stays after a failure in the middle', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    for (let index = 0; index < 10; index += 1) await vault.putText(`/d/${index}`, 'text');
    vault.faults.beforeTransfer = (number) => {
      if (number === 5) throw new Error('the connection broke');
    };
    await expect(get(vault, temporary.at('out'))).rejects.toThrow('the connection broke');
    expect(readdirSync(temporary.at('out/d')).filter((name) => name.startsWith('.coffer'))).toEqual([]);
  });
});

describe('directories', () => {
  test('hundreds are open one after the other, never too many at once', async () => {
    using temporary = new TemporaryFolder();
    for (let index = 0; index < 300; index += 1) temporary.write(`d${index}/f`, String(index));
    const before = readdirSync('/proc/self/fd').length;
    using folders = new OpenFolders(Folder.root(temporary.path));
    const top: LocalPlace = { parent: undefined, name: '' };
    const places = Array.from({ length: 300 }, (_, index) => ({ parent: top, name: `d${index}` }));
    for (const place of [...places, ...places]) {
      expect(await folders.with(place, async (folder) => folder.look('f')?.kind)).toBe('file');
    }
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThan(80);
  });

  test('a name that the filesystem takes for another one gets a conflict name', () => {
    using temporary = new TemporaryFolder();
    temporary.write('README', 'x');
    using folder = Folder.root(temporary.path);
    const conflictName = (name: string): string => `${name} (conflict)`;
    expect(freeName(folder, 'new', conflictName)).toBe('new');
    expect(freeName(folder, 'README', conflictName)).toBe('README');
    // A filesystem that folds case finds README when it is asked for Readme.
    const folding = { look: (name: string) => folder.look(name.toUpperCase()), names: () => folder.names() };
    expect(freeName(folding as unknown as Folder, 'Readme', conflictName)).toBe('Readme (conflict)');
  });

  test('one that may not be written into is opened for the time, and closed again', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    await vault.putText('/d/a', 'x');
    const { entry } = vault.tree.lookup('/d') ?? { entry: rootEntry };
    await vault.asOther((batch) => batch.setAttributes(entry, { mtime: [1_600_000_000, 1], mode: 0o555 }));
    await get(vault, temporary.at('out'));
    expect(statSync(temporary.at('out/d')).mode & 0o7777).toBe(0o555);
    await vault.putText('/d/b', 'y');
    expect(await get(vault, temporary.at('out'))).toMatchObject({ received: 1, failed: 0 });
    expect(describeTree(temporary.at('out'))['d']).toMatchObject({ mode: 0o555, mtimeNs: '1600000000000000001' });
  });

  test('a file that is no longer what was scanned is not replaced', async () => {
    using temporary = new TemporaryFolder();
    const vault = new FakeVault();
    await vault.putText('/a', 'theirs', { mtime: [1_600_000_000, 0] });
    temporary.write('out/a', 'mine');
    vault.faults.beforeTransfer = () => {
      writeFileSync(temporary.at('out/a'), 'changed while it came');
    };
    expect(await get(vault, temporary.at('out'))).toMatchObject({ conflicts: 1 });
    const contents = readdirSync(temporary.at('out')).map((name) => readFileSync(temporary.at('out', name), 'utf8'));
    expect(contents.toSorted()).toEqual(['changed while it came', 'theirs']);
  });
});

async function get(vault: FakeVault, folder: string, existing: 'keep-both' | 'replace' = 'keep-both') {
  const items = vault.tree.children(rootEntry).map((entry) => ({ entry, name: entry.name }));
  return await layDown({ vault, tree: vault.tree, items, folder, existing, deviceName: 'laptop' });
}
