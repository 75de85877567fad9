import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { syncOnce } from '../src/index.ts';
import type { PlanLine, SyncOptions, SyncReport } from '../src/index.ts';
import { FakeVault } from './fake-vault.ts';
import { describeTree, TemporaryFolder, touch } from './folder-tools.ts';

const zero = {
  sent: 0,
  modified: 0,
  removed: 0,
  received: 0,
  receivedModified: 0,
  receivedRemoved: 0,
  moved: 0,
  unchanged: 0,
  conflicts: 0,
  failed: 0,
};

/** A folder, a vault and a job between them, with the counts of a run for short. */
class Scene implements Disposable {
  readonly temporary = new TemporaryFolder();
  readonly vault: FakeVault;
  readonly folder: string;

  constructor(vault = new FakeVault()) {
    this.vault = vault;
    this.folder = this.temporary.at('folder');
    mkdirSync(this.folder);
  }

  write(name: string, text: string): void {
    this.temporary.write(`folder/${name}`, text);
  }

  at(name: string): string {
    return this.temporary.at('folder', name);
  }

  async run(mode: 'push' | 'pull', options: Partial<SyncOptions> = {}): Promise<SyncReport> {
    return await syncOnce({
      vault: this.vault,
      local: this.folder,
      path: '/docs',
      mode,
      stateDirectory: this.temporary.at('jobs'),
      deviceName: 'laptop',
      device: new Uint8Array(16).fill(1),
      ...options,
    });
  }

  async counts(mode: 'push' | 'pull', options: Partial<SyncOptions> = {}) {
    const { bytesRead, bytesSent, bytesReceived, elapsedMs, errors, ...counts } = await this.run(mode, options);
    expect([bytesRead, bytesSent, bytesReceived, elapsedMs, errors.length].every((value) => value >= 0)).toBe(true);
    return counts;
  }

  [Symbol.dispose](): void {
    this.temporary[Symbol.dispose]();
  }
}

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

describe('pull', () => {
  test('lays the same tree down elsewhere, then finds nothing to do', async () => {
    using scene = new Scene();
    scene.write('a.txt', 'one');
    scene.write('deep/er/b.txt', 'two');
    mkdirSync(scene.at('empty'));
    symlinkSync('../nowhere', scene.at('deep/link'));
    chmodSync(scene.at('a.txt'), 0o4711);
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

describe('rules and guards', () => {
  test('excluded names are left alone on both sides', async () => {
    using scene = new Scene();
    scene.write('.cofferignore', '*.log\n/build/\n');
    scene.write('a.log', 'no');
    scene.write('b.txt', 'yes');
    scene.write('build/c', 'no');
    scene.write('sub/build/c', 'yes');
    scene.write('secret.key', 'no');
    await scene.vault.putText('/docs/kept.log', 'not ours');
    expect(await scene.counts('push', { exclude: ['*.key'], delete: true })).toEqual({ ...zero, sent: 3 });
    expect(scene.vault.tree.lookup('/docs/kept.log')).toBeDefined();
    expect(scene.vault.tree.lookup('/docs/build')).toBeUndefined();
    using other = new Scene(scene.vault);
    expect(await other.counts('pull', { exclude: ['*.log'] })).toEqual({ ...zero, received: 3 });
  });

  test('too large files stay where they are', async () => {
    using scene = new Scene();
    scene.write('small', 'x');
    scene.write('large', 'x'.repeat(1000));
    expect(await scene.counts('push', { maxFileSizeBytes: 999 })).toEqual({ ...zero, sent: 1 });
    expect(await scene.counts('push')).toEqual({ ...zero, sent: 1, unchanged: 1 });
  });

  test('too many removals change nothing', async () => {
    using scene = new Scene();
    for (let index = 0; index < 120; index += 1) scene.write(`d/${index}`, String(index));
    await scene.run('push');
    for (let index = 0; index < 31; index += 1) rmSync(scene.at(`d/${index}`));
    scene.write('new', 'not sent');
    await expect(scene.run('push', { delete: true })).rejects.toMatchObject({ code: 'TOO_MANY_DELETIONS' });
    expect(scene.vault.tree.lookup('/docs/new')).toBeUndefined();
    expect(scene.vault.runs.at(-1)?.status).toBe('failed');
    await expect(scene.run('push', { delete: true, maxDelete: { files: 30 } })).rejects.toMatchObject({
      code: 'TOO_MANY_DELETIONS',
    });
    expect(await scene.counts('push', { delete: true, force: true })).toEqual({
      ...zero,
      removed: 31,
      sent: 1,
      unchanged: 89,
    });
  });

  test('a folder that is missing or empty all of a sudden stops the job', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    await scene.run('push');
    rmSync(scene.at('a'));
    await expect(scene.run('push', { delete: true })).rejects.toMatchObject({ code: 'TOO_MANY_DELETIONS' });
    rmSync(scene.folder, { recursive: true });
    await expect(scene.run('pull')).rejects.toMatchObject({ code: 'TOO_MANY_DELETIONS' });
    mkdirSync(scene.folder);
    expect(await scene.counts('push', { delete: true, force: true })).toEqual({ ...zero, removed: 1 });
  });

  test('--dry-run says what would be done and does nothing', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    scene.write('b', '2');
    await scene.run('push');
    const { commits, runs } = scene.vault;
    const before = [commits.length, runs.length];
    scene.write('a', 'changed');
    rmSync(scene.at('b'));
    scene.write('c', 'new');
    const lines: PlanLine[] = [];
    const counts = await scene.counts('push', { dryRun: true, delete: true, onPlan: (line) => lines.push(line) });
    expect(counts).toEqual({ ...zero, sent: 1, modified: 1, removed: 1 });
    expect(lines.map(({ action, path, reason }) => `${action} ${path}: ${reason}`)).toEqual(
      [
        'upload a: changed',
        'attributes .: times or mode changed',
        'upload c: new',
        'remove b: no longer in the folder',
      ].toSorted(
        (a, b) =>
          lines.findIndex(({ path }) => a.includes(` ${path}:`)) -
          lines.findIndex(({ path }) => b.includes(` ${path}:`)),
      ),
    );
    expect([scene.vault.commits.length, scene.vault.runs.length]).toEqual(before);
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, sent: 1, modified: 1, removed: 1 });
  });

  test('two-way is refused, and so are paths that are no directories', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    await expect(scene.run('two-way' as 'push')).rejects.toMatchObject({ code: 'INVALID' });
    await expect(scene.run('push', { local: scene.at('a') })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(scene.run('push', { local: scene.at('none') })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(scene.run('pull', { path: '/nothing' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await scene.vault.putText('/file', 'text');
    await expect(scene.run('push', { path: '/file' })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(scene.run('push', { path: '/file/below' })).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('a job runs once at a time', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    const first = scene.run('push');
    await expect(scene.run('push')).rejects.toMatchObject({ code: 'LOCKED' });
    expect((await first).sent).toBe(1);
  });
});

describe('when something goes wrong', () => {
  test('an interrupted push has remembered every acknowledged commit', async () => {
    using scene = new Scene();
    for (let index = 0; index < 2500; index += 1) scene.write(`d/${index}`, `content ${index}`);
    const abort = new AbortController();
    scene.vault.faults.beforeTransfer = (number) => number === 2200 && abort.abort(new Error('interrupted'));
    await expect(scene.run('push', { signal: abort.signal })).rejects.toThrow('interrupted');
    expect(scene.vault.runs.at(-1)?.status).toBe('interrupted');
    delete scene.vault.faults.beforeTransfer;
    const report = await scene.run('push');
    expect(report).toMatchObject({ failed: 0, conflicts: 0 });
    expect(report.unchanged).toBeGreaterThanOrEqual(1990);
    expect(report.unchanged + report.sent).toBe(2500);
    expect(await scene.counts('push')).toEqual({ ...zero, unchanged: 2500 });
  });

  test('a lost acknowledgement costs nothing but reading again', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    scene.write('b', '2');
    await scene.run('push');
    rmSync(scene.temporary.at('jobs'), { recursive: true });
    const report = await scene.run('push');
    expect(report).toMatchObject({ ...zero, unchanged: 2, bytesSent: 0 });
  });

  test('a name that another device takes in the middle is planned again', async () => {
    using scene = new Scene();
    scene.write('a', 'mine');
    let once = true;
    scene.vault.faults.beforeCommit = () => {
      if (!once) return;
      once = false;
      delete scene.vault.faults.beforeCommit;
    };
    await scene.run('push');
    scene.write('new', 'mine, too');
    scene.vault.faults.beforeTransfer = (number) => {
      if (number === 2) void scene.vault.putText('/docs/new', 'theirs');
    };
    expect(await scene.counts('push')).toMatchObject({ modified: 1, conflicts: 1, failed: 0 });
    expect(scene.vault.tree.lookup('/docs/new')).toMatchObject({ version: 2, size: 9 });
  });

  test('damaged content is reported and nothing is laid down for it', async () => {
    using scene = new Scene();
    const entry = await scene.vault.putText('/docs/bad', 'damaged');
    await scene.vault.putText('/docs/good', 'fine');
    const hash = scene.vault.tree.get(entry)?.contentHash ?? new Uint8Array();
    scene.vault.contents.delete(Buffer.from(hash).toString('hex'));
    const report = await scene.run('pull');
    expect(report).toMatchObject({ received: 1, failed: 1, errors: [{ path: 'bad', code: 'INTEGRITY' }] });
    expect(readdirSync(scene.folder)).toEqual(['good']);
    expect(await scene.counts('pull')).toMatchObject({ unchanged: 1, failed: 1 });
  });

  test('an interrupted pull leaves only whole files and goes on from there', async () => {
    using scene = new Scene();
    for (let index = 0; index < 40; index += 1) await scene.vault.putText(`/docs/${index}`, `content ${index}`);
    const abort = new AbortController();
    scene.vault.faults.beforeTransfer = (number) => number === 20 && abort.abort(new Error('interrupted'));
    await expect(scene.run('pull', { signal: abort.signal })).rejects.toThrow('interrupted');
    const names = readdirSync(scene.folder);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(readFileSync(scene.at(name), 'utf8')).toBe(`content ${name}`);
    delete scene.vault.faults.beforeTransfer;
    expect(await scene.counts('pull')).toEqual({ ...zero, received: 40 - names.length, unchanged: names.length });
  });
});
