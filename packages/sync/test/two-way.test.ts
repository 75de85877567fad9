import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FileLayer } from '@coffer/client/testing';
import { rootEntry } from '@coffer/core';
import { Folder } from '../src/lay-down/folder.ts';
import { describeTree } from './folder-tools.ts';
import { linesOf, Pair, texts } from './pair.ts';
import { zero } from './scene.ts';

/** Folders behave as those of a filesystem to which letter case means nothing. */
function foldNames(): Disposable {
  const original = Object.getOwnPropertyDescriptor(Folder.prototype, 'look') ?? {};
  const look = original.value as (this: Folder, name: string) => ReturnType<Folder['look']>;
  Folder.prototype.look = function folded(this: Folder, name: string) {
    const like = this.names().find((other) => other.toLowerCase() === name.toLowerCase());
    return look.call(this, like ?? name);
  };
  const lay = Object.getOwnPropertyDescriptor(FileLayer.prototype, 'lay') ?? {};
  FileLayer.prototype.lay = function foldedLay(this: FileLayer, bytes, place) {
    const [directory, name] = [dirname(String(place.path)), basename(String(place.path)).toLowerCase()];
    const isTaken = readdirSync(directory).some((other) => other.toLowerCase() === name);
    return isTaken ? undefined : (lay.value as FileLayer['lay']).call(this, bytes, place);
  };
  return {
    [Symbol.dispose]: () => {
      Object.defineProperty(Folder.prototype, 'look', original);
      Object.defineProperty(FileLayer.prototype, 'lay', lay);
    },
  };
}

describe('two-way', () => {
  test('carries changes, removals and renames in both directions at once', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ a: 'a', b: 'b', c: 'cc', d: 'ddd', 'dir/e': 'e', 'dir/f': 'ff', 'other/g': 'g' });
    one.write('a', 'changed here');
    rmSync(one.at('b'));
    renameSync(one.at('dir'), one.at('renamed'));
    one.write('new/here', 'new');
    two.write('c', 'changed there');
    rmSync(two.at('d'));
    renameSync(two.at('other'), two.at('moved'));
    two.write('new there', 'new, too');
    expect(await two.counts('two-way')).toEqual({ ...zero, sent: 1, modified: 1, removed: 1, moved: 1, unchanged: 5 });
    expect(await linesOf(one)).toEqual([
      'vault: make-directory new: new',
      'vault: move renamed: renamed',
      'vault: upload a: changed',
      'vault: upload new/here: new',
      'vault: remove b: no longer in the folder',
      'folder: move moved: renamed',
      'folder: fetch c: changed',
      'folder: fetch new there: new',
      'folder: remove d: no longer in the vault',
      'folder: attributes .: times or mode changed',
    ]);
    expect(await one.counts('two-way')).toEqual({
      ...zero,
      sent: 1,
      modified: 1,
      removed: 1,
      received: 1,
      receivedModified: 1,
      receivedRemoved: 1,
      moved: 2,
      unchanged: 3,
    });
    expect(await two.counts('two-way')).toMatchObject({
      received: 1,
      receivedModified: 1,
      receivedRemoved: 1,
      moved: 1,
    });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({
      a: 'changed here',
      c: 'changed there',
      'moved/g': 'g',
      'new there': 'new, too',
      'new/here': 'new',
      'renamed/e': 'e',
      'renamed/f': 'ff',
    });
  });

  test('both changed: the version that came first keeps the name, the other gets a conflict name on both sides', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ 'a.txt': 'agreed', 'same.txt': 'agreed' });
    one.write('a.txt', 'first');
    one.write('same.txt', 'alike');
    two.write('a.txt', 'second');
    two.write('same.txt', 'alike');
    await one.run('two-way');
    expect(await two.counts('two-way')).toEqual({ ...zero, receivedModified: 1, sent: 1, conflicts: 1, unchanged: 1 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({
      'a (conflict, laptop, TIME).txt': 'second',
      'a.txt': 'first',
      'same.txt': 'alike',
    });
  });

  test('both made a file of one name', async () => {
    using pair = new Pair();
    await pair.agree({});
    pair.one.write('new', 'one');
    pair.two.write('new', 'the other');
    symlinkSync('one', pair.one.at('link'));
    symlinkSync('two', pair.two.at('link'));
    await pair.one.run('two-way');
    expect(await pair.two.counts('two-way')).toMatchObject({ conflicts: 2, failed: 0 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(pair.one.folder)).toEqual({ new: 'one', 'new (conflict, laptop, TIME)': 'the other' });
  });

  test('changed on one side and removed on the other: the change survives', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ a: 'a', b: 'b', 'dir/c': 'c', 'dir/d': 'd' });
    one.write('a', 'changed');
    rmSync(two.at('a'));
    rmSync(one.at('b'));
    two.write('b', 'changed');
    rmSync(one.at('dir'), { recursive: true });
    two.write('dir/c', 'changed');
    await one.run('two-way');
    expect(await two.counts('two-way')).toMatchObject({ received: 1, sent: 2, receivedRemoved: 1, conflicts: 3 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({ a: 'changed', b: 'changed', 'dir/c': 'changed' });
  });

  test('renamed on one side and changed on the other: both are carried', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ a: 'a', b: 'bb', 'dir/c': 'ccc', 'dir/d': 'dddd' });
    renameSync(one.at('a'), one.at('a2'));
    two.write('a', 'changed a');
    one.write('b', 'changed b');
    renameSync(two.at('b'), two.at('b2'));
    renameSync(two.at('dir'), two.at('dir2'));
    one.write('dir/c', 'changed c');
    one.write('dir/new', 'new');
    await one.run('two-way');
    await two.run('two-way');
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({
      a2: 'changed a',
      b2: 'changed b',
      'dir2/c': 'changed c',
      'dir2/d': 'dddd',
      'dir2/new': 'new',
    });
  });

  test('links: renamed on one side and given another target on the other', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    symlinkSync('a', one.at('a'));
    symlinkSync('b', one.at('b'));
    await pair.agree({ x: 'x' });
    renameSync(one.at('a'), one.at('a2'));
    rmSync(two.at('a'));
    symlinkSync('a changed', two.at('a'));
    rmSync(one.at('b'));
    symlinkSync('b changed', one.at('b'));
    renameSync(two.at('b'), two.at('b2'));
    await two.run('two-way');
    await one.run('two-way');
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(describeTree(one.folder)).toMatchObject({ a2: { content: 'a changed' }, b2: { content: 'b changed' } });
  });

  test('renamed on both sides: one of the names wins, with everything in it', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ a: 'a', 'dir/b': 'b' });
    renameSync(one.at('a'), one.at('a1'));
    renameSync(two.at('a'), two.at('a2'));
    renameSync(one.at('dir'), one.at('dir1'));
    one.write('dir1/one', '1');
    renameSync(two.at('dir'), two.at('dir2'));
    two.write('dir2/two', '2');
    await one.run('two-way');
    await two.run('two-way');
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({ a2: 'a', 'dir2/b': 'b', 'dir2/one': '1', 'dir2/two': '2' });
  });

  test('renamed into a directory here that it became there', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ 'z/a/file': 'text', 'z/other': 'other' });
    renameSync(one.at('z/a'), one.at('c'));
    mkdirSync(two.at('c'));
    renameSync(two.at('z/a'), two.at('c/e'));
    await one.run('two-way');
    expect(await two.counts('two-way')).toMatchObject({ failed: 0 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({ 'c/file': 'text', 'c/e/file': 'text', 'z/other': 'other' });
  });

  test('a directory against a file: the file is renamed, whichever came first', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ x: 'x' });
    one.write('file first', 'file');
    two.write('file first/inner', 'inner');
    one.write('directory first/inner', 'inner');
    two.write('directory first', 'file');
    await one.run('two-way');
    expect(await two.counts('two-way')).toMatchObject({ conflicts: 2, failed: 0 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({
      'directory first (conflict, laptop, TIME)': 'file',
      'directory first/inner': 'inner',
      'file first (conflict, laptop, TIME)': 'file',
      'file first/inner': 'inner',
      x: 'x',
    });
  });

  test('a file that became a directory here, and the other way round, go over as they are', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ x: 'file', 'y/inner': 'inside' });
    rmSync(one.at('x'));
    one.write('x/new', 'inside x');
    rmSync(one.at('y'), { recursive: true });
    one.write('y', 'a file now');
    expect(await one.counts('two-way')).toMatchObject({ sent: 2, removed: 2, conflicts: 0 });
    expect(await two.counts('two-way')).toMatchObject({ received: 2, conflicts: 0, failed: 0 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(two.folder)).toEqual({ 'x/new': 'inside x', y: 'a file now' });
  });

  test('two names that a filesystem takes for one: the second gets another name, for everybody', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ README: 'first', 'dir/x': 'x' });
    one.write('Readme', 'second');
    one.write('DIR/y', 'y');
    await one.run('two-way');
    {
      using _folding = foldNames();
      expect(await two.counts('two-way')).toMatchObject({ conflicts: 2, failed: 0, received: 2 });
      expect(await linesOf(two)).toEqual([]);
    }
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({
      'DIR (conflict, laptop, TIME)/y': 'y',
      README: 'first',
      'Readme (conflict, laptop, TIME)': 'second',
      'dir/x': 'x',
    });
  });

  test('times and modes go over in both directions; where both set them, those of the vault stay', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ a: 'a', b: 'b', 'c/d': 'd' });
    chmodSync(one.at('a'), 0o600);
    chmodSync(two.at('b'), 0o640);
    chmodSync(one.at('c'), 0o700);
    chmodSync(two.at('c'), 0o750);
    await one.run('two-way');
    expect(await two.counts('two-way')).toEqual({ ...zero, unchanged: 3 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(describeTree(two.folder)).toMatchObject({ a: { mode: 0o600 }, b: { mode: 0o640 }, c: { mode: 0o700 } });
  });

  test('without a base both sides are joined, and nothing is removed', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ a: 'a', b: 'b' });
    rmSync(two.temporary.at('jobs'), { recursive: true });
    rmSync(two.at('a'));
    two.write('mine', 'mine');
    two.write('b', 'other');
    expect(await two.counts('two-way')).toMatchObject({
      received: 1,
      receivedModified: 1,
      sent: 2,
      conflicts: 1,
      removed: 0,
    });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(Object.values(texts(one.folder)).toSorted()).toEqual(['a', 'b', 'mine', 'other']);
  });

  test('nothing is removed because something cannot be read', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    await pair.agree({ 'dir/a': 'a', 'dir/b': 'b', c: 'c' });
    renameSync(one.at('dir'), one.temporary.at('hidden'));
    mkdirSync(one.at('dir'), { mode: 0o000 });
    // As root everything can be read: then the directory is empty, and that is a removal.
    const isRoot = process.getuid?.() === 0;
    expect(await one.run('two-way')).toMatchObject(isRoot ? { removed: 2, failed: 0 } : { removed: 0, failed: 1 });
    rmSync(one.at('dir'), { recursive: true });
    renameSync(one.temporary.at('hidden'), one.at('dir'));
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(Object.keys(texts(two.folder)).toSorted()).toEqual(['c', 'dir/a', 'dir/b']);
  });

  test('guards: too many removals on either side, a path that is gone, a folder that is gone or empty', async () => {
    using pair = new Pair();
    const { one, two } = pair;
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`${index}`, `text ${index}`]));
    await pair.agree(files);
    for (let index = 0; index < 30; index += 1) rmSync(one.at(`${index}`));
    await expect(one.run('two-way')).rejects.toMatchObject({ code: 'TOO_MANY_DELETIONS' });
    await one.run('two-way', { force: true });
    two.write('new', 'new');
    await expect(two.run('two-way')).rejects.toMatchObject({ code: 'TOO_MANY_DELETIONS' });
    expect(two.vault.tree.lookup('/docs/new')).toBeUndefined();
    expect(readdirSync(two.folder)).toHaveLength(41);
    await two.run('two-way', { maxDelete: { files: 30 } });
    const entry = two.vault.tree.lookup('/docs')?.entry ?? rootEntry;
    await one.vault.asOther((batch) => batch.move(entry, { parent: rootEntry, name: 'elsewhere' }));
    for (const force of [false, true]) {
      await expect(one.run('two-way', { force })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await one.vault.asOther((batch) => batch.move(entry, { parent: rootEntry, name: 'docs' }));
    renameSync(one.folder, `${one.folder} away`);
    await expect(one.run('two-way', { force: true })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    mkdirSync(one.folder);
    await expect(one.run('two-way')).rejects.toMatchObject({ code: 'TOO_MANY_DELETIONS' });
    expect(two.vault.tree.children(entry)).toHaveLength(11);
  });

  test('what another device does between plan and commit is planned again, never written over', async () => {
    using pair = new Pair();
    const { one } = pair;
    await pair.agree({ a: 'agreed', 'dir/b': 'b', 'other/deep/c': 'c' });
    one.write('a', 'mine');
    rmSync(one.at('dir'), { recursive: true });
    rmSync(one.at('other'), { recursive: true });
    const { vault } = one;
    let done = false;
    vault.faults.beforeTransfer = () => {
      if (done) return;
      done = true;
      void vault.putText('/docs/a', 'theirs');
      void vault.putText('/docs/dir/new', 'new');
      void vault.putText('/docs/other/deep/c', 'changed');
    };
    expect(await one.counts('two-way')).toMatchObject({ conflicts: 1, failed: 0 });
    expect(vault.tree.lookup('/docs/a')).toMatchObject({ version: 2, size: 6 });
    await pair.settle();
    expect(await pair.differences()).toEqual([]);
    expect(texts(one.folder)).toEqual({
      a: 'theirs',
      'a (conflict, laptop, TIME)': 'mine',
      'dir/new': 'new',
      'other/deep/c': 'changed',
    });
  });
});
