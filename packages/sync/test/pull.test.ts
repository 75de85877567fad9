import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { rootEntry } from '@coffer/core';
import type { PlanLine } from '../src/index.ts';
import { describeTree, touch } from './folder-tools.ts';
import { Scene, zero } from './scene.ts';

describe('pull', () => {
  test('lays the same tree down elsewhere, then finds nothing to do', async () => {
    using scene = new Scene();
    scene.write('a.txt', 'one');
    scene.write('deep/er/b.txt', 'two');
    mkdirSync(scene.at('empty'));
    symlinkSync('../nowhere', scene.at('deep/link'));
    chmodSync(scene.at('a.txt'), 0o711);
    chmodSync(scene.at('empty'), 0o500);
    touch(scene.at('a.txt'), '2025-11-19 13:46:40.123456789 UTC');
    touch(scene.at('deep/link'), '2001-02-03 04:05:06.000000007 UTC');
    touch(scene.at('deep'), '1999-01-01 00:00:00.999999999 UTC');
    await scene.run('push');
    using other = new Scene(scene.vault);
    expect(await other.counts('pull')).toEqual({ ...zero, received: 2 });
    expect(describeTree(other.folder)).toEqual(describeTree(scene.folder));
    expect(await other.counts('pull')).toEqual({ ...zero, unchanged: 2 });
    expect(await other.counts('push')).toEqual({ ...zero, unchanged: 2 });
    expect(scene.vault.commits).toHaveLength(1);
  });

  test('setuid, setgid and sticky stay in the vault, and are never laid down', async () => {
    using scene = new Scene();
    const modeOf = (path: string): number => statSync(path).mode & 0o7777;
    const modeInVault = (path: string): number | undefined => scene.vault.tree.lookup(path)?.mode;
    scene.write('program', 'runs as its owner');
    mkdirSync(scene.at('team'));
    mkdirSync(scene.at('tmp'));
    const modes: readonly (readonly [string, number])[] = [
      ['program', 0o6755],
      ['team', 0o2775],
      ['tmp', 0o1777],
    ];
    for (const [name, mode] of modes) chmodSync(scene.at(name), mode);
    await scene.run('push');
    using other = new Scene(scene.vault);
    await other.run('pull');
    for (const [name, mode] of modes) {
      expect(modeInVault(`/docs/${name}`)).toBe(mode);
      expect(modeOf(other.at(name))).toBe(mode & 0o777);
    }
    const plan: PlanLine[] = [];
    rmSync(other.temporary.at('jobs'), { recursive: true });
    await other.run('pull', { dryRun: true, onPlan: (line) => plan.push(line) });
    expect(plan).toEqual([]);
    await other.run('pull');
    await other.run('push');
    expect(modeInVault('/docs/program')).toBe(0o6755);
    await scene.run('pull');
    expect(modeOf(scene.at('program'))).toBe(0o6755);
  });

  test('a mode that another device sets brings no setuid, where the file has none', async () => {
    using scene = new Scene();
    scene.write('program', 'bytes');
    await scene.run('push');
    const { entry } = scene.vault.tree.lookup('/docs/program') ?? { entry: rootEntry };
    await scene.vault.asOther((batch) => batch.setAttributes(entry, { mtime: [1_600_000_000, 0], mode: 0o4711 }));
    await scene.run('pull');
    expect(statSync(scene.at('program')).mode & 0o7777).toBe(0o711);
  });

  test('a rename that comes with another time brings it', async () => {
    using scene = new Scene();
    scene.write('old.txt', 'bytes');
    symlinkSync('nowhere', scene.at('old link'));
    await scene.run('push');
    using other = new Scene(scene.vault);
    await other.run('pull');
    renameSync(scene.at('old link'), scene.at('new link'));
    // Another inode: that it is the same file only its content tells.
    scene.write('new.txt', 'bytes');
    rmSync(scene.at('old.txt'));
    for (const name of ['new.txt', 'new link']) touch(scene.at(name), '2001-02-03 04:05:06.000000007 UTC');
    await scene.run('push', { delete: true });
    await other.run('pull', { delete: true });
    expect(describeTree(other.folder)).toEqual(describeTree(scene.folder));
    expect(await other.counts('push')).toEqual({ ...zero, unchanged: 1 });
  });

  test('a file that is renamed and changed at once replaces the old one', async () => {
    using scene = new Scene();
    scene.write('old', 'before');
    await scene.run('push');
    const { entry, parent } = scene.vault.tree.lookup('/docs/old') ?? { entry: rootEntry, parent: rootEntry };
    const attributes = { mtime: [1_600_000_000, 0], mode: 0o644 } as const;
    const content = scene.vault.store(Buffer.from('afterwards'), attributes);
    await scene.vault.asOther((batch) => batch.putFile({ ...attributes, entry, parent, name: 'new', content }));
    expect(await scene.counts('pull', { delete: true })).toMatchObject({ moved: 1, receivedModified: 1, conflicts: 0 });
    expect(readdirSync(scene.folder)).toEqual(['new']);
    expect(readFileSync(scene.at('new'), 'utf8')).toBe('afterwards');
  });

  test('a link that is renamed and points elsewhere at once stays a link', async () => {
    using scene = new Scene();
    symlinkSync('here', scene.at('old'));
    await scene.run('push');
    const { entry, parent } = scene.vault.tree.lookup('/docs/old') ?? { entry: rootEntry, parent: rootEntry };
    const mtime = [1_600_000_000, 0] as const;
    await scene.vault.asOther((batch) =>
      batch.putSymlink({ entry, parent, name: 'new', target: 'there', mtime, mode: 0o777 }),
    );
    await scene.run('pull', { delete: true });
    expect(readdirSync(scene.folder)).toEqual(['new']);
    expect(readlinkSync(scene.at('new'))).toBe('there');
  });

  test('takes changes, renames and removals over', async () => {
    using scene = new Scene();
    scene.write('a', 'first');
    scene.write('dir/b', 'bbb');
    scene.write('dir/c', 'ccc');
    scene.write('gone', 'soon');
    await scene.run('push');
    using other = new Scene(scene.vault);
    await other.run('pull');
    scene.write('a', 'second');
    renameSync(scene.at('dir'), scene.at('renamed'));
    renameSync(scene.at('renamed/c'), scene.at('c'));
    rmSync(scene.at('gone'));
    await scene.run('push', { delete: true });
    const { transfers } = scene.vault;
    expect(await other.counts('pull', { delete: true })).toEqual({
      ...zero,
      receivedModified: 1,
      receivedRemoved: 1,
      moved: 2,
      unchanged: 1,
    });
    expect(scene.vault.transfers).toBe(transfers + 1);
    expect(describeTree(other.folder)).toEqual(describeTree(scene.folder));
    expect(await other.counts('pull', { delete: true })).toEqual({ ...zero, unchanged: 3 });
  });

  test('directories that changed places inside one another', async () => {
    using scene = new Scene();
    scene.write('p/one.txt', '1');
    scene.write('p/q/two.txt', '2');
    await scene.run('push');
    using other = new Scene(scene.vault);
    await other.run('pull');
    renameSync(scene.at('p/q'), scene.at('q'));
    renameSync(scene.at('p'), scene.at('q/p'));
    await scene.run('push', { delete: true });
    expect(await other.counts('pull', { delete: true })).toEqual({ ...zero, moved: 2, unchanged: 2 });
    expect(describeTree(other.folder)).toEqual(describeTree(scene.folder));
  });

  test('a local change is kept under a conflict name', async () => {
    using scene = new Scene();
    scene.write('a.txt', 'agreed');
    scene.write('b.txt', 'agreed');
    scene.write('c.txt', 'agreed');
    await scene.run('push');
    await scene.vault.putText('/docs/a.txt', 'theirs');
    await scene.vault.putText('/docs/c.txt', 'changed alike');
    scene.write('a.txt', 'mine');
    scene.write('b.txt', 'mine alone');
    scene.write('c.txt', 'changed alike');
    const report = await scene.counts('pull');
    expect(report).toEqual({ ...zero, receivedModified: 2, conflicts: 2, unchanged: 1 });
    expect(readFileSync(scene.at('a.txt'), 'utf8')).toBe('theirs');
    expect(readFileSync(scene.at('b.txt'), 'utf8')).toBe('agreed');
    const kept = readdirSync(scene.folder).filter((name) => name.includes('conflict'));
    expect(kept).toHaveLength(2);
    expect(kept[0]).toMatch(/^a \(conflict, laptop, \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\)\.txt$/);
    expect(kept.map((name) => readFileSync(scene.at(name), 'utf8'))).toEqual(['mine', 'mine alone']);
    expect(await scene.counts('pull')).toEqual({ ...zero, unchanged: 3 });
  });

  test('a file that is there already and equal is not fetched; a different one is kept', async () => {
    using scene = new Scene();
    await scene.vault.putText('/docs/same', 'same', { mtime: [1_600_000_000, 0] });
    await scene.vault.putText('/docs/other', 'theirs');
    scene.write('same', 'same');
    utimesSync(scene.at('same'), 1_600_000_000, 1_600_000_000);
    scene.write('other', 'mine');
    scene.write('only here', 'stays');
    expect(await scene.counts('pull', { delete: true })).toEqual({
      ...zero,
      unchanged: 1,
      receivedModified: 1,
      conflicts: 1,
    });
    expect(scene.vault.transfers).toBe(1);
    expect(readdirSync(scene.folder)).toHaveLength(4);
  });

  test('what was changed here is not removed', async () => {
    using scene = new Scene();
    scene.write('dir/a', 'agreed');
    scene.write('dir/b', 'agreed');
    await scene.run('push');
    await scene.vault.asOther((batch) =>
      batch.remove([scene.vault.tree.lookup('/docs/dir')?.entry ?? new Uint8Array()]),
    );
    scene.write('dir/a', 'mine');
    expect(await scene.counts('pull', { delete: true })).toEqual({ ...zero, receivedRemoved: 1, conflicts: 1 });
    expect(readdirSync(scene.at('dir'))).toEqual(['a']);
  });

  test('makes the folder when it does not exist', async () => {
    using scene = new Scene();
    await scene.vault.putText('/docs/a', 'text');
    expect(await scene.counts('pull', { local: scene.at('not/yet') })).toEqual({ ...zero, received: 1 });
    expect(readFileSync(scene.at('not/yet/a'), 'utf8')).toBe('text');
  });

  test('a file there became a directory, and the other way round', async () => {
    using scene = new Scene();
    scene.write('x', 'file');
    scene.write('y/inner', 'inside');
    await scene.run('push');
    using other = new Scene(scene.vault);
    await other.run('pull');
    rmSync(scene.at('x'));
    scene.write('x/new', 'inside x');
    rmSync(scene.at('y'), { recursive: true });
    scene.write('y', 'a file now');
    await scene.run('push', { delete: true });
    expect(await other.counts('pull', { delete: true })).toMatchObject({ received: 2, conflicts: 0, failed: 0 });
    expect(describeTree(other.folder)).toEqual(describeTree(scene.folder));
    expect(await other.counts('pull', { delete: true })).toEqual({ ...zero, unchanged: 2 });
  });
});
