import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { CofferError } from '@coffer/core';
import { DiskTree, nodeAt } from '../src/disk-tree.ts';
import { scanTree, syncOnce } from '../src/index.ts';
import { parseStamp } from '../src/stamp.ts';
import { FakeVault } from './fake-vault.ts';
import { TemporaryFolder, touch } from './folder-tools.ts';

const isRoot = process.getuid?.() === 0;

describe('a folder on disk', () => {
  test('gives names as bytes, in their order, with sizes and times to the nanosecond', () => {
    using temporary = new TemporaryFolder();
    const names = ['b', 'a b', '-rf', 'é', 'newline\n', '\u202e', '.hidden', 'Z'];
    for (const name of names) temporary.write(name, name);
    writeFileSync(Buffer.concat([Buffer.from(`${temporary.path}/`), Buffer.from([0xff, 0xfe])]), 'bytes');
    touch(temporary.at('b'), '2025-11-19 13:46:40.123456789 UTC');
    const { nodes, problems } = new DiskTree(temporary.path).list('');
    const expected = [...names.map((name) => Buffer.from(name).toString('latin1')), '\xff\xfe'].toSorted();
    expect(nodes.map(({ name }) => name)).toEqual(expected);
    expect(problems).toEqual([]);
    const b = parseStamp(nodes.find(({ name }) => name === 'b')?.stamp ?? '');
    expect(b).toMatchObject({ size: 1, mtimeNs: 1_763_560_000_123_456_789n });
    expect(b.mode & 0o7777).toBe(0o644);
  });

  test('never follows a link, and reads its text as bytes', () => {
    using temporary = new TemporaryFolder();
    mkdirSync(temporary.at('directory'));
    symlinkSync('directory', temporary.at('link'));
    symlinkSync(Buffer.from([0xff, 0x2f]), temporary.at('bytes'));
    symlinkSync('nowhere', temporary.at('broken'));
    const tree = new DiskTree(temporary.path);
    const kinds = Object.fromEntries(tree.list('').nodes.map(({ name, kind }) => [name, kind]));
    expect(kinds).toEqual({ directory: 'directory', link: 'symlink', bytes: 'symlink', broken: 'symlink' });
    expect(tree.target('link')).toBe('directory');
    expect(tree.target('bytes')).toEqual(Buffer.from([0xff, 0x2f]));
  });

  test('what went away meanwhile is not there; a directory that did is an error, never an empty one', () => {
    using temporary = new TemporaryFolder();
    const tree = new DiskTree(temporary.path);
    expect(nodeAt(temporary.at('nothing'))).toBeUndefined();
    expect(() => tree.list('nothing')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  test('FIFOs and sockets are special', async () => {
    using temporary = new TemporaryFolder();
    expect(spawnSync('sh', ['-c', 'mkfifo "$0"', temporary.at('fifo')]).status).toBe(0);
    await using server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(temporary.at('socket'), resolve);
    });
    const kinds = new DiskTree(temporary.path).list('').nodes.map(({ name, kind }) => [name, kind]);
    expect(kinds).toEqual([
      ['fifo', 'special'],
      ['socket', 'special'],
    ]);
  });

  test('other filesystems are foreign when asked', () => {
    const names = (oneFilesystem: boolean) =>
      new DiskTree('/', { oneFilesystem })
        .list('')
        .nodes.filter(({ kind }) => kind === 'foreign')
        .map(({ name }) => name);
    expect(names(true)).toContain('proc');
    expect(names(false)).toEqual([]);
  });

  test('scanTree goes through all of it, parents first, without what is excluded', () => {
    using temporary = new TemporaryFolder();
    for (const name of ['a/b/c', 'a/skip.log', 'd']) temporary.write(name, 'text');
    const found = [...scanTree(temporary.path, { exclude: ['*.log'] })];
    expect(found.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'directory a',
      'file d',
      'directory a/b',
      'file a/b/c',
    ]);
    expect(found[3]).toMatchObject({ size: 4, mode: 0o644, error: undefined });
  });
});

describe('a push of what cannot be stored', () => {
  test('special files are reported, and nothing failed', async () => {
    using temporary = new TemporaryFolder();
    temporary.write('folder/good', 'good');
    expect(spawnSync('sh', ['-c', 'mkfifo "$0"', temporary.at('folder/fifo')]).status).toBe(0);
    const vault = new FakeVault();
    const report = await push(vault, temporary);
    expect(report).toMatchObject({ sent: 1, failed: 0, errors: [{ path: 'fifo', code: 'INVALID' }] });
    expect(vault.tree.lookup('/docs/fifo')).toBeUndefined();
  });

  test('unreadable files and directories are reported, and what the vault has of them stays', async () => {
    // Root may read everything; then the next test alone must do.
    if (isRoot) return;
    using temporary = new TemporaryFolder();
    temporary.write('folder/closed/inner', 'x');
    temporary.write('folder/file', 'x');
    const vault = new FakeVault();
    await push(vault, temporary);
    chmodSync(temporary.at('folder/closed'), 0);
    chmodSync(temporary.at('folder/file'), 0);
    const report = await push(vault, temporary);
    chmodSync(temporary.at('folder/closed'), 0o755);
    expect(report).toMatchObject({ removed: 0, failed: 2 });
    expect(vault.tree.lookup('/docs/closed/inner')).toBeDefined();
  });

  test('a directory that cannot be listed keeps everything the vault has below it', async () => {
    using temporary = new TemporaryFolder();
    temporary.write('folder/closed/inner', 'x');
    temporary.write('folder/open', 'x');
    const vault = new FakeVault();
    await push(vault, temporary);
    rmSync(temporary.at('folder/closed/inner'));
    const report = await withUnlisted('closed', () => push(vault, temporary));
    expect(report).toMatchObject({ removed: 0, failed: 1, errors: [{ path: 'closed', code: 'NOT_ALLOWED' }] });
    expect(vault.tree.lookup('/docs/closed/inner')).toBeDefined();
    expect(await push(vault, temporary)).toMatchObject({ removed: 1, failed: 0 });
  });
});

async function push(vault: FakeVault, temporary: TemporaryFolder) {
  return await syncOnce({
    vault,
    local: temporary.at('folder'),
    path: '/docs',
    mode: 'push',
    delete: true,
    stateDirectory: temporary.at('jobs'),
    deviceName: 'laptop',
  });
}

/** Root may read everything, so a directory that may not be read is made up. */
async function withUnlisted<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const list = Reflect.get<DiskTree, 'list'>(DiskTree.prototype, 'list');
  DiskTree.prototype.list = function listOrRefuse(this: DiskTree, asked: string) {
    if (asked === path) throw new CofferError('NOT_ALLOWED', 'permission denied');
    return list.call(this, asked);
  };
  try {
    return await work();
  } finally {
    DiskTree.prototype.list = list;
  }
}
