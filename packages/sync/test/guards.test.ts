import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { PlanLine } from '../src/index.ts';
import { Job } from '../src/job.ts';
import { Scene, zero } from './scene.ts';

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

  test('rules are read from a plain file only: a link leads to anything, and a pipe never ends', async () => {
    for (const put of [
      (path: string) => symlinkSync('/dev/zero', path),
      (path: string) => symlinkSync('elsewhere', path),
      (path: string) => execFileSync('sh', ['-c', 'mkfifo "$0"', path]),
    ]) {
      using scene = new Scene();
      scene.write('elsewhere', 'secret of another file\n');
      put(scene.at('.cofferignore'));
      await expect(scene.counts('push')).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.not.stringContaining('secret'),
      });
      expect(scene.vault.tree.lookup('/docs/elsewhere')).toBeUndefined();
    }
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

  test('removals that were meant do not count against what comes after them', async () => {
    using scene = new Scene();
    for (let index = 0; index < 200; index += 1) scene.write(`d/${index}`, String(index));
    await using job = await Job.open({ ...scene.options('push'), delete: true });
    await job.run();
    for (let index = 0; index < 100; index += 1) rmSync(scene.at(`d/${index}`));
    await job.run({ force: true });
    for (let index = 100; index < 105; index += 1) rmSync(scene.at(`d/${index}`));
    expect(await job.run()).toMatchObject({ removed: 5 });
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

  test('paths that are no directories are refused', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    await expect(scene.run('push', { local: scene.at('a') })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(scene.run('push', { local: scene.at('none') })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(scene.run('pull', { path: '/nothing' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await scene.vault.putText('/file', 'text');
    await expect(scene.run('push', { path: '/file' })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(scene.run('push', { path: '/file/below' })).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('another folder in the place of the one before removes nothing', async () => {
    using scene = new Scene();
    for (const name of ['a', 'b', 'c']) scene.write(name, name);
    await scene.run('push');
    renameSync(scene.folder, scene.temporary.at('before'));
    for (const name of ['x', 'y']) scene.write(name, name);
    for (const mode of ['push', 'two-way'] as const) {
      await expect(scene.run(mode, { delete: mode === 'push' })).rejects.toMatchObject({
        code: 'TOO_MANY_DELETIONS',
        message: expect.stringContaining('another folder'),
      });
    }
    expect(scene.vault.tree.lookup('/docs/a')).toBeDefined();
    expect(await scene.counts('push', { delete: true, force: true })).toEqual({ ...zero, sent: 2, removed: 3 });
  });

  test('a folder that was copied to another place and back is the same folder', async () => {
    using scene = new Scene();
    for (const name of ['a', 'b', 'c']) scene.write(name, name);
    await scene.run('push');
    renameSync(scene.folder, scene.temporary.at('before'));
    for (const name of ['a', 'b']) scene.write(name, name);
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, unchanged: 2, removed: 1 });
  });

  test('while a job runs none other touches its folder, one above or one below', async () => {
    using scene = new Scene();
    scene.write('sub/a', '1');
    scene.write('sub-b/a', '2');
    const first = await Job.open(scene.options('push'));
    const elsewhere = { path: '/other' };
    for (const [local, message] of [
      [scene.folder, 'running on this folder already'],
      [scene.at('sub'), 'inside that of a job that is running'],
      [scene.temporary.path, 'is inside this one'],
    ] as const) {
      await expect(scene.run('push', { ...elsewhere, local })).rejects.toMatchObject({
        code: 'LOCKED',
        message: expect.stringContaining(`${message}: ${scene.folder} with /docs in the vault`),
      });
    }
    await first[Symbol.asyncDispose]();
    expect((await scene.run('push', { ...elsewhere, local: scene.at('sub') })).sent).toBe(1);
    await using inner = await Job.open({ ...scene.options('push'), ...elsewhere, local: scene.at('sub') });
    expect((await scene.run('push', { ...elsewhere, path: '/third', local: scene.at('sub-b') })).sent).toBe(1);
    expect((await inner.run()).unchanged).toBe(1);
  });

  test('a claim of a run that was killed means nothing', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    await scene.run('push');
    const state = readdirSync(scene.temporary.at('jobs')).find((name) => name.endsWith('.db')) ?? '';
    const claim = JSON.stringify({ root: scene.folder, path: 'docs' });
    writeFileSync(scene.temporary.at('jobs', state.replace('.db', '.job')), claim);
    writeFileSync(scene.temporary.at('jobs', 'no.job'), '{"what":1');
    expect((await scene.run('push', { path: '/other' })).sent).toBe(1);
  });

  test('what a filesystem cannot hold, what changes or goes while it is read: a line each, the rest goes on', async () => {
    using scene = new Scene();
    // Filesystems that encrypt names take fewer bytes than a vault; here it is the vault that has more.
    const file = { bytes: Buffer.from('content'), mtime: [1_700_000_000, 5] as const, mode: 0o644 };
    await scene.vault.put(['docs', 'n'.repeat(300)], file);
    await scene.vault.putText('/docs/fine', 'fine');
    const report = await scene.run('pull');
    expect([report.failed, report.received]).toEqual([1, 1]);
    expect(report.errors).toMatchObject([{ code: 'INVALID', message: expect.stringContaining('too long') }]);
    for (const name of ['a', 'b', 'c']) scene.write(name, name);
    scene.vault.faults.beforeTransfer = () => rmSync(scene.at('b'), { force: true });
    expect(await scene.run('push', { exclude: ['n*'] })).toMatchObject({ sent: 2, failed: 0 });
    expect(scene.vault.tree.lookup('/docs/b')).toBeUndefined();
  });

  test('a job runs once at a time', async () => {
    using scene = new Scene();
    scene.write('a', '1');
    const first = scene.run('push');
    await expect(scene.run('push')).rejects.toMatchObject({ code: 'LOCKED' });
    expect((await first).sent).toBe(1);
  });
});

// A filesystem of its own can only be mounted by root.
const mounted = process.getuid?.() === 0 && process.platform === 'linux' ? describe : describe.skip;

mounted('a filesystem of its own', () => {
  test('a disk that is full on this side is said; what fitted is kept, and the next run goes on', async () => {
    using scene = new Scene();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', scene.folder]);
    try {
      await scene.vault.putText('/docs/a', 'small');
      await scene.vault.putText('/docs/b', 'x'.repeat(2_000_000));
      await expect(scene.run('pull')).rejects.toMatchObject({
        code: 'NO_SPACE',
        message: 'no space is left on this device',
      });
      expect(scene.vault.runs.at(-1)?.status).toBe('failed');
      expect(readdirSync(scene.folder).filter((name) => name !== 'a')).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=8m', scene.folder]);
      expect((await scene.run('pull')).failed).toBe(0);
      expect(readdirSync(scene.folder)).toEqual(['a', 'b']);
    } finally {
      execFileSync('umount', [scene.folder]);
    }
  });
});
