import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EntryName } from '@coffer/client';
import { rootEntry } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { layDown, syncOnce } from '../src/index.ts';
import type { SyncReport } from '../src/index.ts';
import { FakeVault } from './fake-vault.ts';
import { describeTree, TemporaryFolder } from './folder-tools.ts';

const attributes = { mtime: [1_700_000_000, 1] as const, mode: 0o644 };
const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);

/** What no vault lets in, and what a hostile one serves nevertheless. Relative ones aim at `outside`, beside the folder. */
const hostileNames: readonly EntryName[] = [
  '',
  '.',
  '..',
  '/',
  '//',
  './',
  '../',
  '../outside',
  '../outside/planted',
  '../../outside/planted',
  '../../../../../../../../../../tmp/planted',
  'a/../../outside/planted',
  'link/planted',
  'link/../planted',
  './link/planted',
  'a/b',
  'a/',
  '/a',
  '/etc/passwd',
  '/planted',
  '/proc/self/cwd/planted',
  '/proc/self/fd/1',
  'nul\0byte',
  '\0',
  '../outside\0.txt',
  'x'.repeat(256),
  'x'.repeat(5000),
  bytes(0x2e, 0x2e),
  bytes(0x2e),
  bytes(0x2f),
  bytes(0x2e, 0x2e, 0x2f, 0xff),
  bytes(0xff, 0x2f, 0x2e, 0x2e),
  bytes(0xff, 0x00),
  bytes(),
  bytes(0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x78),
  bytes(0x2e, 0x2e, 0x2f, 0x6f, 0x75, 0x74, 0x73, 0x69, 0x64, 0x65, 0x2f, 0xfe),
];

/** Names that look dangerous and are only names: they must arrive, as they are, inside. */
const oddNames: readonly EntryName[] = [
  '..\\outside',
  '~',
  '-rf',
  '...',
  '.. ',
  '%2e%2e%2foutside',
  '\u202e/..'.replace('/..', 'gnp'),
  'CON',
  'a:b',
  'e\u0301',
  '\u00e9',
  '.coffer-0123456789abcdef.tm',
  bytes(0xc0, 0xae, 0xc0, 0xae),
  bytes(0x2e, 0x2e, 0xff),
  bytes(0xed, 0xa0, 0x80),
];

const kinds = ['file', 'empty file', 'directory', 'directory with a file', 'symlink', 'mount-like'] as const;

const kindLaid = {
  file: 'file',
  'empty file': 'file',
  directory: 'directory',
  'directory with a file': 'directory',
  symlink: 'symlink',
  'mount-like': 'symlink',
} as const;

function kindAt(path: string): string {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return 'symlink';
  return stats.isDirectory() ? 'directory' : 'file';
}

async function serve(vault: FakeVault, parent: EntryId, name: EntryName, kind: (typeof kinds)[number]): Promise<void> {
  await vault.asOther(async (batch) => {
    const place = { parent, name, ...attributes };
    if (kind === 'symlink' || kind === 'mount-like') {
      await batch.putSymlink({ ...place, target: kind === 'symlink' ? '../outside' : '/' });
    } else if (kind === 'directory' || kind === 'directory with a file') {
      const directory = await batch.makeDirectory(place);
      if (kind === 'directory') return;
      await batch.putFile({
        ...attributes,
        parent: directory,
        name: 'planted',
        content: vault.store(Buffer.from('evil'), attributes),
      });
    } else {
      await batch.putFile({ ...place, content: vault.store(Buffer.from(kind === 'file' ? 'evil' : ''), attributes) });
    }
  });
}

/** A folder to lay down into, with something worth attacking beside it. */
class Target implements Disposable {
  readonly temporary = new TemporaryFolder();
  readonly folder = this.temporary.at('folder');
  readonly outside = this.temporary.at('outside');
  readonly vault = new FakeVault();
  readonly #before: string;

  constructor() {
    mkdirSync(this.folder);
    this.temporary.write('outside/precious', 'untouched');
    mkdirSync(this.temporary.at('outside/directory'));
    this.temporary.write('beside', 'untouched');
    this.#before = this.#snapshot();
  }

  async pull(options: { delete?: boolean } = {}): Promise<SyncReport> {
    return await syncOnce({
      vault: this.vault,
      local: this.folder,
      path: '/',
      mode: 'pull',
      stateDirectory: this.temporary.at('jobs'),
      deviceName: 'laptop',
      ...options,
    });
  }

  async get(existing: 'keep-both' | 'replace'): Promise<SyncReport> {
    const { vault, folder } = this;
    const items = vault.tree.children(rootEntry).map((entry) => ({ entry, name: entry.name }));
    return await layDown({ vault, tree: vault.tree, items, folder, existing, deviceName: 'laptop' });
  }

  /** What is not as it was, outside the folder and the job's state; empty when all is well. */
  damage(): readonly string[] {
    const planted = ['/planted', '/tmp/planted'].filter((path) => existsSync(path));
    return this.#snapshot() === this.#before ? planted : ['outside', ...planted];
  }

  [Symbol.dispose](): void {
    this.temporary[Symbol.dispose]();
  }

  #snapshot(): string {
    const around = Object.entries(describeTree(this.temporary.path, { directoryTimes: false }));
    const outside = around.filter(([path]) => !path.startsWith('folder') && !path.startsWith('jobs'));
    const times = [this.outside, join(this.outside, 'directory')].map(
      (path) => lstatSync(path, { bigint: true }).mtimeNs,
    );
    return JSON.stringify([outside, times.map(String)]);
  }
}

describe('a hostile vault', () => {
  test.each(kinds)('serves names that are paths, as a %s: nothing is written for them', async (kind) => {
    for (const name of hostileNames) {
      using target = new Target();
      symlinkSync('../outside', join(target.folder, 'link'));
      await serve(target.vault, rootEntry, name, kind);
      const report = await target.pull();
      expect(report.failed).toBeGreaterThan(0);
      expect(readdirSync(target.folder)).toEqual(['link']);
      expect(target.damage()).toEqual([]);
    }
  });

  test.each(kinds)('serves odd names, as a %s: they arrive as they are, inside', async (kind) => {
    using target = new Target();
    for (const name of oddNames) await serve(target.vault, rootEntry, name, kind);
    expect((await target.pull()).failed).toBe(0);
    const names = readdirSync(target.folder, { encoding: 'buffer' }).map((name) => name.toString('hex'));
    expect(names.toSorted()).toEqual(oddNames.map((name) => Buffer.from(name as string).toString('hex')).toSorted());
    expect(target.damage()).toEqual([]);
  });

  test.each(['.', '..', '../outside', ''])('serves %j below a good directory', async (name) => {
    for (const kind of kinds) {
      using target = new Target();
      await serve(target.vault, rootEntry, 'good', 'directory');
      await serve(target.vault, target.vault.tree.lookup('/good')?.entry ?? rootEntry, name, kind);
      expect((await target.get('replace')).failed).toBeGreaterThan(0);
      expect(readdirSync(join(target.folder, 'good'))).toEqual([]);
      expect(target.damage()).toEqual([]);
    }
  });
});

describe('links in the way', () => {
  const targets = [
    '../outside',
    '../outside/precious',
    '../outside/new',
    '../outside/directory',
    '/',
    '.',
    '..',
    'self',
    '/dev/null',
  ];

  test.each(targets)('a local link to %j is never followed', async (linkTarget) => {
    for (const kind of kinds) {
      for (const run of ['pull', 'keep-both', 'replace'] as const) {
        using target = new Target();
        symlinkSync(linkTarget, join(target.folder, 'self'));
        await serve(target.vault, rootEntry, 'self', kind);
        const report = run === 'pull' ? await target.pull() : await target.get(run);
        expect(report.failed).toBe(0);
        expect(target.damage()).toEqual([]);
        expect(kindAt(join(target.folder, 'self'))).toBe(kindLaid[kind]);
      }
    }
  });

  test('a directory that the vault turns into a link: what comes below it stays inside', async () => {
    using target = new Target();
    await serve(target.vault, rootEntry, 'd', 'directory with a file');
    await target.pull();
    const { entry } = target.vault.tree.lookup('/d') ?? { entry: rootEntry };
    await target.vault.asOther((batch) => batch.remove([entry]));
    await serve(target.vault, rootEntry, 'd', 'symlink');
    expect((await target.pull({ delete: true })).failed).toBe(0);
    expect(lstatSync(join(target.folder, 'd')).isSymbolicLink()).toBe(true);
    expect(target.damage()).toEqual([]);
    await target.vault.asOther((batch) => batch.remove([target.vault.tree.lookup('/d')?.entry ?? rootEntry]));
    await serve(target.vault, rootEntry, 'd', 'directory with a file');
    expect((await target.pull({ delete: true })).failed).toBe(0);
    expect(readdirSync(join(target.folder, 'd'))).toEqual(['planted']);
    expect(target.damage()).toEqual([]);
  });

  test('a local directory swapped for a link loses nothing outside to a removal', async () => {
    using target = new Target();
    for (const name of ['precious', 'directory']) await serve(target.vault, rootEntry, name, 'directory with a file');
    await target.pull();
    const { vault, temporary, folder } = target;
    await vault.asOther((batch) => batch.remove(vault.tree.children(rootEntry).map(({ entry }) => entry)));
    temporary.write('folder/other', 'keeps the folder from being empty');
    for (const name of ['precious', 'directory']) {
      temporary.remove(`folder/${name}`);
      symlinkSync('../outside', join(folder, name));
    }
    await target.pull({ delete: true });
    expect(target.damage()).toEqual([]);
  });
});

describe('a racing process', () => {
  /** Swaps a directory for a link to the outside and back, as fast as it can. */
  const swapper = `
    const fs = require('node:fs');
    const [folder, outside] = process.argv.slice(1);
    process.stdout.write('ready');
    for (;;) {
      for (const name of ['d', 'd/inner']) {
        try {
          fs.renameSync(folder + '/' + name, folder + '/' + name + '.away');
          fs.symlinkSync(outside, folder + '/' + name);
          for (let wait = 0; wait < 20000; wait += 1);
          fs.unlinkSync(folder + '/' + name);
          fs.renameSync(folder + '/' + name + '.away', folder + '/' + name);
        } catch {
          try { fs.unlinkSync(folder + '/' + name); } catch {}
          try { fs.renameSync(folder + '/' + name + '.away', folder + '/' + name); } catch {}
        }
      }
    }`;

  test('that swaps directories for links gets nothing outside', async () => {
    using target = new Target();
    const { vault, folder, outside } = target;
    await serve(vault, rootEntry, 'd', 'directory');
    const d = vault.tree.lookup('/d')?.entry ?? rootEntry;
    await serve(vault, d, 'inner', 'directory');
    const inner = vault.tree.lookup('/d/inner')?.entry ?? rootEntry;
    for (let index = 0; index < 150; index += 1) {
      await serve(vault, d, `file-${index}`, 'file');
      await serve(vault, inner, `directory-${index}`, 'directory with a file');
      await serve(vault, inner, `link-${index}`, 'symlink');
    }
    mkdirSync(join(folder, 'd/inner'), { recursive: true });
    const child = spawn(process.execPath, ['-e', swapper, folder, outside], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    try {
      for (let round = 0; round < 6; round += 1)
        await target.get(round % 2 === 0 ? 'replace' : 'keep-both').catch(() => undefined);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(target.damage()).toEqual([]);
    const laid = Object.keys(describeTree(folder)).filter((path) => path.endsWith('planted'));
    expect(laid.length).toBeGreaterThan(0);
  }, 60_000);
});
