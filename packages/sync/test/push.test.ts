import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Scene, zero } from './scene.ts';

describe('push', () => {
  test('sends everything once, then nothing', async () => {
    using scene = new Scene();
    scene.write('a.txt', 'one');
    scene.write('deep/er/b.txt', 'two');
    mkdirSync(scene.at('empty'));
    symlinkSync('../nowhere', scene.at('deep/link'));
    expect(await scene.counts('push')).toEqual({ ...zero, sent: 2 });
    expect(scene.vault.tree.lookup('/docs/deep/er/b.txt')?.size).toBe(3);
    expect(scene.vault.tree.lookup('/docs/deep/link')?.target).toBe('../nowhere');
    expect(scene.vault.tree.lookup('/docs/empty')?.kind).toBe('directory');
    const { transfers, commits } = scene.vault;
    const again = await scene.run('push');
    expect(again).toMatchObject({ ...zero, unchanged: 2, bytesRead: 0, bytesSent: 0, errors: [] });
    expect([scene.vault.transfers, scene.vault.commits.length]).toEqual([transfers, commits.length]);
  });

  test('one edit and one removal', async () => {
    using scene = new Scene();
    for (let index = 0; index < 10; index += 1) scene.write(`file-${index}`, `content ${index}`);
    await scene.run('push');
    scene.write('file-3', 'other');
    rmSync(scene.at('file-7'));
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, modified: 1, removed: 1, unchanged: 8 });
    expect(scene.vault.tree.lookup('/docs/file-7')).toBeUndefined();
    expect(scene.vault.tree.lookup('/docs/file-3')?.version).toBe(2);
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, unchanged: 9 });
  });

  test('without --delete nothing is removed', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    scene.write('b', '2');
    await scene.run('push');
    rmSync(scene.at('a'));
    expect(await scene.counts('push')).toEqual({ ...zero, unchanged: 1 });
    expect(scene.vault.tree.lookup('/docs/a')).toBeDefined();
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, removed: 1, unchanged: 1 });
  });

  test('a renamed file, a renamed directory and a file moved out of a removed one are moves', async () => {
    using scene = new Scene();
    scene.write('a.txt', 'aaa');
    scene.write('old/b.txt', 'bbb');
    scene.write('old/c/d.txt', 'ddd');
    scene.write('gone/e.txt', 'eee');
    await scene.run('push');
    const { transfers } = scene.vault;
    renameSync(scene.at('a.txt'), scene.at('z.txt'));
    renameSync(scene.at('old'), scene.at('new'));
    renameSync(scene.at('gone/e.txt'), scene.at('new/c/e.txt'));
    rmSync(scene.at('gone'), { recursive: true });
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, moved: 3, unchanged: 2 });
    expect(scene.vault.transfers).toBe(transfers);
    expect(scene.vault.tree.lookup('/docs/new/c/e.txt')?.version).toBe(1);
    expect(scene.vault.tree.lookup('/docs/new/c/d.txt')?.version).toBe(1);
    expect(scene.vault.tree.lookup('/docs/gone')).toBeUndefined();
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, unchanged: 4 });
  });

  test('directories that changed places inside one another are moves', async () => {
    using scene = new Scene();
    scene.write('p/one.txt', '1');
    scene.write('p/q/two.txt', '2');
    await scene.run('push');
    const { transfers } = scene.vault;
    renameSync(scene.at('p/q'), scene.at('q'));
    renameSync(scene.at('p'), scene.at('q/p'));
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, moved: 2, unchanged: 2 });
    expect(scene.vault.transfers).toBe(transfers);
    expect(scene.vault.tree.lookup('/docs/q/p/one.txt')).toBeDefined();
    expect(scene.vault.tree.lookup('/docs/q/two.txt')).toBeDefined();
  });

  test('a copy whose original is removed is a move found by its content', async () => {
    using scene = new Scene();
    scene.write('old/a.bin', 'some content that is long enough');
    scene.write('old/b.bin', 'stays');
    await scene.run('push');
    scene.write('new.bin', 'some content that is long enough');
    rmSync(scene.at('old'), { recursive: true });
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, moved: 1, removed: 1 });
    expect(scene.vault.tree.lookup('/docs/new.bin')?.version).toBe(1);
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, unchanged: 1 });
  });

  test('times and modes alone make no new version', async () => {
    using scene = new Scene();
    scene.write('a', 'same');
    await scene.run('push');
    utimesSync(scene.at('a'), 1_600_000_000, 1_600_000_000);
    chmodSync(scene.at('a'), 0o600);
    expect(await scene.counts('push')).toEqual({ ...zero, unchanged: 1 });
    expect(scene.vault.tree.lookup('/docs/a')).toMatchObject({ version: 1, mode: 0o600, mtime: [1_600_000_000, 0] });
  });

  test('a newer version of another device is overwritten and counted as a conflict, unless the content is the same', async () => {
    using scene = new Scene();
    scene.write('a', 'mine');
    scene.write('b', 'same');
    await scene.run('push');
    await scene.vault.putText('/docs/a', 'theirs');
    await scene.vault.putText('/docs/b', 'same');
    expect(await scene.counts('push')).toEqual({ ...zero, modified: 1, conflicts: 1, unchanged: 1 });
    expect(scene.vault.tree.lookup('/docs/a')).toMatchObject({ version: 3, size: 4 });
    expect(await scene.counts('push')).toEqual({ ...zero, unchanged: 2 });
  });

  test('what another device changed is not removed', async () => {
    using scene = new Scene();
    scene.write('a', 'mine');
    scene.write('b', 'mine, too');
    await scene.run('push');
    await scene.vault.putText('/docs/a', 'theirs');
    rmSync(scene.at('a'));
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, conflicts: 1, unchanged: 1 });
    expect(scene.vault.tree.lookup('/docs/a')?.size).toBe(6);
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, conflicts: 1, unchanged: 1 });
  });

  test('a directory that became a file, and a file that became a directory', async () => {
    using scene = new Scene();
    scene.write('x/inner.txt', 'moves out');
    scene.write('y', 'becomes a directory');
    await scene.run('push');
    renameSync(scene.at('x/inner.txt'), scene.at('outer.txt'));
    rmSync(scene.at('x'), { recursive: true });
    scene.write('x', 'a file now');
    rmSync(scene.at('y'));
    scene.write('y/z.txt', 'inside');
    expect(await scene.counts('push', { delete: true })).toMatchObject({ sent: 2, moved: 1, conflicts: 0, failed: 0 });
    expect(scene.vault.tree.lookup('/docs/x')?.kind).toBe('file');
    expect(scene.vault.tree.lookup('/docs/y/z.txt')?.size).toBe(6);
    expect(
      scene.vault.tree.children(scene.vault.tree.lookup('/docs')?.entry ?? new Uint8Array()).map(({ name }) => name),
    ).toEqual(['outer.txt', 'x', 'y']);
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, unchanged: 3 });
  });

  test('unreadable names are reported, the rest goes on', async () => {
    using scene = new Scene();
    scene.write('good', 'good');
    scene.write('bad\nname', 'never');
    const report = await scene.run('push');
    expect(report).toMatchObject({ sent: 1, failed: 1, errors: [{ path: 'bad\\x0aname', code: 'INVALID' }] });
    expect(await scene.counts('push')).toMatchObject({ unchanged: 1, failed: 1 });
  });

  test('hard links are files of their own', async () => {
    using scene = new Scene();
    scene.write('a', 'linked');
    linkSync(scene.at('a'), scene.at('b'));
    expect(await scene.counts('push')).toEqual({ ...zero, sent: 2 });
    rmSync(scene.at('a'));
    linkSync(scene.at('b'), scene.at('c'));
    expect(await scene.counts('push', { delete: true })).toMatchObject({ moved: 1, removed: 0, failed: 0 });
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, unchanged: 2 });
  });

  test('names that are not UTF-8 keep their bytes', async () => {
    using scene = new Scene();
    const name = Buffer.concat([Buffer.from(`${scene.folder}/caf`), Buffer.from([0xe9, 0xff])]);
    writeFileSync(name, 'bytes');
    expect(await scene.counts('push')).toEqual({ ...zero, sent: 1 });
    using other = new Scene(scene.vault);
    expect(await other.counts('pull')).toEqual({ ...zero, received: 1 });
    expect(readdirSync(other.folder, { encoding: 'latin1' })).toEqual(['caf\xe9\xff']);
    expect(await other.counts('pull')).toEqual({ ...zero, unchanged: 1 });
  });

  test('everything over one vault path can be the whole vault', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    scene.write('d/b', '2');
    expect(await scene.counts('push', { path: '/' })).toEqual({ ...zero, sent: 2 });
    expect(await scene.counts('push', { path: '/' })).toEqual({ ...zero, unchanged: 2 });
    expect(scene.vault.tree.lookup('/d/b')?.size).toBe(1);
    rmSync(scene.at('d'), { recursive: true });
    expect(await scene.counts('push', { path: '/', delete: true })).toEqual({ ...zero, removed: 1, unchanged: 1 });
  });
});
