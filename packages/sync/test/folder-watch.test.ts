import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { WatchListener } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { CofferError } from '@coffer/core';
import { FolderWatch } from '../src/watch/folder-watch.ts';
import type { FolderWatchDeps } from '../src/watch/folder-watch.ts';
import { TemporaryFolder } from './folder-tools.ts';

/** A folder that is watched, and what was told of it. */
class WatchedFolder implements AsyncDisposable {
  readonly temporary = new TemporaryFolder();
  readonly root = this.temporary.at('folder');
  readonly touched = new Set<string>();
  readonly trees = new Set<string>();
  missed = 0;
  givenUp: CofferError | undefined;
  #watch: FolderWatch | undefined;

  async open(deps: Partial<FolderWatchDeps> = {}): Promise<void> {
    mkdirSync(this.root, { recursive: true });
    this.#watch = await FolderWatch.open(
      { root: this.root, ignores: () => false, ...deps },
      {
        onTouched: (directory, name) => this.touched.add(join(directory, name)),
        onTree: (directory) => this.trees.add(directory),
        onMissed: () => (this.missed += 1),
        onGivenUp: (error) => (this.givenUp = error),
      },
    );
  }

  /** Until all of these were told. */
  async until(wanted: () => boolean): Promise<void> {
    for (let tries = 0; tries < 500 && !wanted(); tries += 1) await setTimeout(20);
    if (!wanted()) throw new Error(`told only of ${[...this.touched].join(', ')}; trees ${[...this.trees].join(', ')}`);
  }

  async untilTouched(...paths: readonly string[]): Promise<void> {
    await this.until(() => paths.every((path) => this.touched.has(path)));
    this.touched.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    await setTimeout(0);
    this.temporary[Symbol.dispose]();
  }
}

describe('a folder that is watched', () => {
  test('tells what is written, removed and renamed, at any depth, but not of our unfinished files', async () => {
    await using folder = new WatchedFolder();
    folder.temporary.write('folder/a/b/c', '1');
    await folder.open();
    writeFileSync(join(folder.root, 'a/b/c'), '2');
    writeFileSync(join(folder.root, 'a/.coffer-0123456789abcdef.tmp'), '2');
    writeFileSync(join(folder.root, 'new'), '2');
    chmodSync(join(folder.root, 'a'), 0o700);
    await folder.untilTouched('a/b/c', 'new', 'a');
    renameSync(join(folder.root, 'a/b/c'), join(folder.root, 'd'));
    rmSync(join(folder.root, 'new'));
    await folder.untilTouched('a/b/c', 'd', 'new');
    expect([...folder.touched].filter((path) => path.includes('.coffer-'))).toEqual([]);
  });

  test('watches directories that come, and follows those that are renamed', async () => {
    await using folder = new WatchedFolder();
    await folder.open();
    mkdirSync(join(folder.root, 'one/two/three'), { recursive: true });
    writeFileSync(join(folder.root, 'one/two/three/x'), '1');
    await folder.until(() => folder.trees.has('one'));
    folder.touched.clear();
    writeFileSync(join(folder.root, 'one/two/three/y'), '1');
    await folder.untilTouched('one/two/three/y');
    renameSync(join(folder.root, 'one/two'), join(folder.root, 'moved'));
    await folder.until(() => folder.trees.has('moved'));
    folder.touched.clear();
    writeFileSync(join(folder.root, 'moved/three/y'), '2');
    await folder.untilTouched('moved/three/y');
    mkdirSync(join(folder.root, 'one/two'));
    await folder.until(() => folder.trees.has('one/two'));
    writeFileSync(join(folder.root, 'one/two/z'), '2');
    await folder.until(() => folder.touched.has('one/two/z'));
    expect([folder.missed, folder.givenUp]).toEqual([0, undefined]);
  });

  test('a directory that was made again under the number of the one that went is watched again', async () => {
    await using folder = new WatchedFolder();
    const listeners = new Map<string, WatchListener<Buffer>[]>();
    folder.temporary.write('folder/a/x', '1');
    await folder.open({
      watch: (path, listener) => {
        listeners.set(String(path), [...(listeners.get(String(path)) ?? []), listener]);
        return { on: () => undefined as never, close: () => undefined };
      },
    });
    const heard = (): number => listeners.get(join(folder.root, 'a'))?.length ?? 0;
    expect(heard()).toBe(1);
    // The number of a directory that is gone is given to the next one by many filesystems: here it is the same by being the same.
    listeners.get(folder.root)?.[0]?.('rename', Buffer.from('a'));
    await folder.until(() => folder.trees.has('a'));
    expect(heard()).toBe(2);
  });

  test('does not follow links, nor look into what is ignored', async () => {
    await using folder = new WatchedFolder();
    folder.temporary.write('elsewhere/x', '1');
    folder.temporary.write('folder/build/x', '1');
    symlinkSync(folder.temporary.at('elsewhere'), join(folder.temporary.at('folder'), 'link'));
    await folder.open({ ignores: (path) => path === 'build' });
    writeFileSync(folder.temporary.at('elsewhere/x'), '2');
    writeFileSync(join(folder.root, 'build/x'), '2');
    writeFileSync(join(folder.root, 'last'), '2');
    await folder.until(() => folder.touched.has('last'));
    expect([...folder.touched]).toEqual(['last']);
  });

  test('names that are not UTF-8 come as their bytes', async () => {
    await using folder = new WatchedFolder();
    await folder.open();
    writeFileSync(Buffer.concat([Buffer.from(`${folder.root}/`), Buffer.from([0xff, 0x41])]), '1');
    await folder.until(() => folder.touched.size > 0);
    expect([...folder.touched]).toEqual(['\u00ffA']);
  });

  test('says so when there were more events than the system keeps', async () => {
    await using folder = new WatchedFolder();
    await folder.open();
    for (let index = 0; index < 9000; index += 1) writeFileSync(join(folder.root, `${index}`), 'x');
    await folder.until(() => folder.missed > 0);
    expect(readdirSync(folder.root)).toHaveLength(9000);
  }, 60_000);

  test.each([
    ['ENOSPC', 'fs.inotify.max_user_watches'],
    ['EMFILE', 'fs.inotify.max_user_instances'],
  ])('says by name that a limit of the system is reached (%s), and lets go', async (code, name) => {
    await using folder = new WatchedFolder();
    for (const path of ['a/x', 'b/x', 'c/x']) folder.temporary.write(`folder/${path}`, '1');
    let open = 0;
    const watch = () => {
      if (open === 2) throw Object.assign(new Error(code), { code, syscall: 'watch' });
      open += 1;
      return { on: () => undefined as never, close: () => void (open -= 1) };
    };
    await folder.open({ watch });
    expect(folder.givenUp).toMatchObject({ code: 'LIMIT', message: expect.stringContaining(name) });
    expect(folder.givenUp?.hint).toContain('sysctl');
    expect(open).toBe(0);
  });

  test.each(['EACCES', 'ENAMETOOLONG', 'EIO', 'ENOMEM'])(
    'a directory that cannot be read (%s) is no failure of all others',
    async (code) => {
      await using folder = new WatchedFolder();
      for (const path of ['a/x', 'b/x']) folder.temporary.write(`folder/${path}`, '1');
      const failing = (path: string | Buffer): boolean => String(path).endsWith('/a');
      const { watch } = await import('node:fs');
      await folder.open({
        watch: (path, listener) => {
          if (failing(path)) throw Object.assign(new Error('no'), { code, syscall: 'watch' });
          return watch(path, { encoding: 'buffer' }, listener);
        },
      });
      writeFileSync(join(folder.root, 'b/x'), '2');
      await folder.until(() => folder.touched.has('b/x'));
      expect(folder.givenUp).toBeUndefined();
    },
  );
});
