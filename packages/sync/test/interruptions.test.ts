import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { CofferError, rootEntry } from '@coffer/core';
import { jobName } from '../src/job-state.ts';
import { Scene, zero } from './scene.ts';

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
  }, 30_000);

  test('a quota that is too small ends the upload, not the removals, and is told in figures', async () => {
    using scene = new Scene();
    for (const name of ['gone/1', 'gone/2', 'gone too']) scene.write(name, name);
    await scene.run('push');
    rmSync(scene.at('gone'), { recursive: true });
    rmSync(scene.at('gone too'));
    for (let index = 0; index < 20; index += 1) scene.write(`new ${index}`, 'x'.repeat(1024));
    scene.vault.faults.beforeTransfer = () => {
      const details = { usedBytes: 9 * 1024, quotaBytes: 10 * 1024 };
      throw new CofferError('QUOTA', 'the storage of this account is used up', { details });
    };
    const run = scene.run('push', { delete: true, force: true });
    await expect(run).rejects.toThrow(
      'the quota is too small: up to 20.0 KiB more are needed, 1.0 KiB of 10.0 KiB are left',
    );
    expect(scene.vault.tree.children(scene.vault.tree.lookup('/docs')?.entry ?? rootEntry)).toEqual([]);
    delete scene.vault.faults.beforeTransfer;
    expect(await scene.counts('push', { delete: true })).toEqual({ ...zero, sent: 20 });
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

  test('a killed pull leaves unfinished files, which the next one takes away; those of others stay', async () => {
    using scene = new Scene();
    await scene.vault.putText('/docs/d/a', 'text');
    await scene.vault.putText('/docs/b', 'text');
    const key = { root: scene.folder, vault: scene.vault.id, lineage: 0, path: 'docs' };
    const own = `.coffer-${jobName(key).slice(0, 8)}00000001.tmp`;
    for (const name of [own, `d/${own}`, '.coffer-0123456789abcdef.tmp']) scene.write(name, 'half');
    expect(await scene.counts('pull')).toEqual({ ...zero, received: 2 });
    expect(readdirSync(scene.folder).toSorted()).toEqual(['.coffer-0123456789abcdef.tmp', 'b', 'd']);
    expect(readdirSync(scene.at('d'))).toEqual(['a']);
    expect(await scene.counts('push')).toEqual({ ...zero, unchanged: 2 });
  });
});
