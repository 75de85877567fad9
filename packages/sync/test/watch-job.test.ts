import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { isEndOfShare } from '@coffer/client';
import { CofferError, rootEntry, systemClock } from '@coffer/core';
import { WatchControl, watchJob } from '../src/index.ts';
import type { SyncMode, WatchEvent, WatchOptions } from '../src/index.ts';
import { DeviceVault } from './device-vault.ts';
import { FakeVault } from './fake-vault.ts';
import { describeTree, TemporaryFolder } from './folder-tools.ts';

/** As the real ones, a hundred times as fast. */
const settle = { settleMs: 20, deleteSettleMs: 100, patienceMs: 3000 };

/** One device that watches its folder and the vault that it shares with others. */
class WatchingDevice implements AsyncDisposable {
  readonly vault: DeviceVault;
  readonly folder: string;
  readonly control = new WatchControl();
  readonly events: WatchEvent[] = [];
  readonly #stop = new AbortController();
  ended: Promise<unknown> = Promise.resolve();

  constructor(shared: FakeVault, { temporary, number }: { temporary: TemporaryFolder; number: number }) {
    this.vault = new DeviceVault(shared, number);
    this.folder = temporary.at(`device ${number}`);
    mkdirSync(this.folder);
  }

  start(mode: SyncMode, options: Partial<WatchOptions> = {}): void {
    this.ended = watchJob({
      vault: this.vault,
      local: this.folder,
      path: '/docs',
      mode,
      stateDirectory: `${this.folder} state`,
      deviceName: 'laptop',
      settle,
      control: this.control,
      onEvent: (event) => this.events.push(event),
      signal: this.#stop.signal,
      ...options,
    }).catch((error: unknown) => error);
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(join(this.at(name), '..'), { recursive: true });
    writeFileSync(this.at(name), text);
  }

  async said(wanted: (event: WatchEvent) => boolean): Promise<void> {
    await until(() => this.events.some(wanted));
  }

  /** It has done all that there is to do. */
  async rested(): Promise<void> {
    await until(() => this.events.findLast(({ kind }) => kind === 'state')?.['state' as never] === 'up to date');
  }

  get counts() {
    const runs = this.events.flatMap((event) => (event.kind === 'run' ? [event.report] : []));
    const sum = (key: 'sent' | 'modified' | 'removed' | 'received' | 'moved' | 'conflicts' | 'failed'): number =>
      runs.reduce((total, report) => total + report[key], 0);
    return { sent: sum('sent'), removed: sum('removed'), moved: sum('moved'), received: sum('received') };
  }

  async stop(): Promise<unknown> {
    this.#stop.abort(new CofferError('CANCELLED', 'stopped'));
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function until(wanted: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !wanted(); tries += 1) await setTimeout(20);
  if (!wanted()) throw new Error('it did not come to that');
}

function raise(): never {
  throw new Error('it is not there');
}

function scene(): { shared: FakeVault; temporary: TemporaryFolder } {
  return { shared: new FakeVault(), temporary: new TemporaryFolder() };
}

describe('a job that is watched', () => {
  test('two devices follow each other: new, changed, renamed, removed', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using here = new WatchingDevice(shared, { temporary, number: 1 });
    await using there = new WatchingDevice(shared, { temporary, number: 2 });
    here.write('a/b/file', 'first');
    for (const device of [here, there]) device.start('two-way');
    const reads = (device: WatchingDevice, name: string): string | undefined =>
      existsSync(device.at(name)) ? readFileSync(device.at(name), 'utf8') : undefined;
    await until(() => reads(there, 'a/b/file') === 'first');
    there.write('a/b/file', 'second');
    await until(() => reads(here, 'a/b/file') === 'second');
    there.write('c/d/new', 'new');
    await until(() => reads(here, 'c/d/new') === 'new');
    // A rename under a run that has not remembered the file yet is a removal and a new file.
    await here.rested();
    renameSync(here.at('a/b'), here.at('c/renamed'));
    await until(() => reads(there, 'c/renamed/file') === 'second' && !existsSync(there.at('a/b')));
    rmSync(there.at('c/d'), { recursive: true });
    await until(() => !existsSync(here.at('c/d')));
    for (const device of [here, there]) await device.rested();
    expect(describeTree(there.folder)).toEqual(describeTree(here.folder));
    expect(here.counts).toMatchObject({ sent: 1, received: 1, moved: 1 });
  }, 60_000);

  test('folders that changed places elsewhere change places here, with all that is in them', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.write('app/only old', 'old');
    device.write('app.new/only new', 'new');
    device.start('two-way');
    await device.said(({ kind }) => kind === 'run');
    await device.rested();
    const [docs, app, next] = ['/docs', '/docs/app', '/docs/app.new'].map((path) => shared.tree.lookup(path)?.entry);
    if (docs === undefined || app === undefined || next === undefined) throw new Error('not sent');
    await shared.asOther(async (batch) => {
      await batch.move(app, { parent: docs, name: 'app.old' });
      await batch.move(next, { parent: docs, name: 'app' });
    });
    await until(() => existsSync(device.at('app/only new')) && existsSync(device.at('app.old/only old')));
    await device.rested();
    expect([existsSync(device.at('app/only old')), existsSync(device.at('app.new'))]).toEqual([false, false]);
  }, 60_000);

  test('rules that are half written are not obeyed: what they hid is not sent', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.write('.cofferignore', 'secret\n');
    device.write('secret', 'secret');
    device.start('push', { settle: { settleMs: 1500, deleteSettleMs: 1500, patienceMs: 60_000 } });
    await device.said(({ kind }) => kind === 'run');
    device.write('.cofferignore', '');
    await setTimeout(100);
    device.control.rescan();
    await setTimeout(300);
    device.write('.cofferignore', 'secret\nlog\n');
    device.write('log', 'not sent by the new rules');
    device.write('last', 'sent');
    await until(() => shared.tree.lookup('/docs/last') !== undefined);
    await device.rested();
    expect(['secret', 'log'].filter((name) => shared.tree.lookup(`/docs/${name}`) !== undefined)).toEqual([]);
    rmSync(device.at('.cofferignore'));
    await until(() => shared.tree.lookup('/docs/secret') !== undefined);
  }, 60_000);

  test('a file that moves to another directory is one move, whoever settles first', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.write('from/file', 'content');
    device.write('to/other', 'content');
    device.start('push', { delete: true });
    await device.said(({ kind }) => kind === 'run');
    renameSync(device.at('from/file'), device.at('to/file'));
    await until(() => device.counts.moved === 1);
    await device.rested();
    expect(device.counts).toEqual({ sent: 2, removed: 0, moved: 1, received: 0 });
  }, 60_000);

  test('what it laid down itself is no change: no run is announced and nothing is sent', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.start('two-way');
    await device.said(({ kind }) => kind === 'run');
    for (let index = 0; index < 5; index += 1) await shared.putText(`/docs/d/${index}`, 'from elsewhere');
    await until(() => existsSync(device.at('d/4')));
    await setTimeout(300);
    await device.rested();
    expect(device.counts).toEqual({ sent: 0, removed: 0, moved: 0, received: 5 });
    expect(device.vault.runs.filter(({ status }) => status !== 'done')).toEqual([]);
    expect(device.vault.runs.length).toBeLessThanOrEqual(5);
    expect(shared.tree.lookup('/docs/d/0')?.version).toBe(1);
  }, 60_000);

  test('a server that goes away is said once, and once that it is back; then everything is caught up', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    shared.line.cut();
    device.start('push');
    await device.said(({ kind }) => kind === 'trouble');
    device.write('a', '1');
    await setTimeout(100);
    expect(device.events.filter(({ kind }) => kind === 'trouble')).toHaveLength(1);
    shared.line.mend();
    await until(() => shared.tree.lookup('/docs/a') !== undefined);
    await device.said(({ kind }) => kind === 'over');
    expect(device.events.filter(({ kind }) => kind !== 'state').map(({ kind }) => kind)).toEqual([
      'trouble',
      'over',
      'run',
    ]);
  }, 60_000);

  test('a device that was revoked ends, and says why', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.write('a', '1');
    device.start('push');
    await device.said(({ kind }) => kind === 'run');
    shared.line.cut(new CofferError('NOT_LOGGED_IN', 'revoked'));
    expect(await device.ended).toMatchObject({ code: 'NOT_LOGGED_IN' });
  }, 60_000);

  test('a server that went back: what it lost is sent again, nothing is removed for it, and the watch goes on', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    for (const name of ['a', 'b']) device.write(name, name);
    device.start('two-way', { force: true });
    await device.said(({ kind }) => kind === 'run');
    await device.rested();
    device.vault.lineage = 1;
    const lost = shared.tree.lookup('/docs/a')?.entry ?? raise();
    await shared.asOther((batch) => batch.remove([lost]));
    await until(() => shared.tree.lookup('/docs/a') !== undefined);
    await device.rested();
    expect(readFileSync(device.at('a'), 'utf8')).toBe('a');
    device.write('c', 'c');
    await until(() => shared.tree.lookup('/docs/c') !== undefined);
    expect(device.counts).toMatchObject({ sent: 4, removed: 0, received: 0 });
  }, 60_000);

  test.each(['push', 'two-way'] as const)(
    'a right to write that is taken ends a watch that sends: %s',
    async (mode) => {
      const { shared, temporary } = scene();
      using _folder = temporary;
      await using device = new WatchingDevice(shared, { temporary, number: 1 });
      device.write('a', 'a');
      device.start(mode);
      await device.said(({ kind }) => kind === 'run');
      device.vault.role = 'read';
      await shared.asOther((batch) =>
        batch.makeDirectory({ parent: rootEntry, name: 'elsewhere', mtime: [0, 0], mode: 0o755 }),
      );
      const error = await device.ended;
      expect(error).toMatchObject({ code: 'NOT_ALLOWED', message: expect.stringContaining('only be read') });
      expect(isEndOfShare(error)).toBe(true);
      expect(readFileSync(device.at('a'), 'utf8')).toBe('a');
    },
    60_000,
  );

  test('a folder that goes away removes nothing; when it is back the job goes on', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    for (const name of ['a', 'b', 'c']) device.write(name, name);
    device.start('two-way');
    await device.said(({ kind }) => kind === 'run');
    renameSync(device.folder, temporary.at('unmounted'));
    await device.said((event) => event.kind === 'trouble' && event.error.code === 'TOO_MANY_DELETIONS');
    renameSync(temporary.at('unmounted'), device.folder);
    device.write('d', 'd');
    device.control.rescan();
    await until(() => shared.tree.lookup('/docs/d') !== undefined);
    await device.said((event) => event.kind === 'over' && event.state === 'stuck');
    expect(device.counts.removed).toBe(0);
    device.write('e', 'e');
    await until(() => shared.tree.lookup('/docs/e') !== undefined);
  }, 60_000);

  test('paused it notes and does nothing, resumed it does all of it', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.start('push');
    await device.said(({ kind }) => kind === 'run');
    device.control.pause();
    await device.said((event) => event.kind === 'state' && event.state === 'paused');
    device.write('a', '1');
    await setTimeout(300);
    expect(shared.tree.lookup('/docs/a')).toBeUndefined();
    device.control.resume();
    await until(() => shared.tree.lookup('/docs/a') !== undefined);
  }, 60_000);

  test('a pause in the middle of a run drops what is in flight, and loses nothing', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    for (let index = 0; index < 20; index += 1) device.write(`${index}`, `${index}`);
    device.vault.faults.beforeTransfer = (number) => {
      if (number === 5) device.control.pause();
    };
    device.start('push');
    await device.said((event) => event.kind === 'state' && event.state === 'paused');
    expect(device.vault.runs.map(({ status }) => status)).toEqual(['interrupted']);
    device.control.resume();
    await until(() => shared.tree.lookup('/docs/19') !== undefined);
    expect(shared.tree.children(shared.tree.lookup('/docs')?.entry ?? new Uint8Array(16))).toHaveLength(20);
  }, 60_000);

  test('files that cannot be handled are told once, the rest goes on', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    device.start('push');
    await device.said(({ kind }) => kind === 'run');
    writeFileSync(device.at('bad\u0001name'), 'x');
    device.write('good', 'x');
    await until(() => shared.tree.lookup('/docs/good') !== undefined);
    for (const round of [1, 2]) {
      device.write('good', `changed ${round}`);
      await until(() => shared.tree.lookup('/docs/good')?.version === round + 1);
    }
    const told = device.events.flatMap((event) => (event.kind === 'run' ? event.report.errors : []));
    expect(told.map(({ path }) => path)).toEqual(['bad\\x01name']);
  }, 60_000);

  test('everything is looked at again after a sleep, and on demand', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    let aheadMs = 0;
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
    device.start('push', { clock });
    await device.said(({ kind }) => kind === 'run');
    const scans = (): number =>
      device.events.filter((event) => event.kind === 'state' && event.state === 'scanning').length;
    const before = scans();
    device.control.rescan();
    await until(() => scans() === before + 1);
    aheadMs = 3_600_000;
    device.write('a', '1');
    await until(() => scans() >= before + 2);
    expect(device.events.some(({ kind }) => kind === 'trouble')).toBe(false);
  }, 60_000);

  test('removals of many small runs count together', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    for (let index = 0; index < 60; index += 1) device.write(`${index}`, `${index}`);
    device.start('push', { delete: true });
    await device.said(({ kind }) => kind === 'run');
    for (const part of [0, 1, 2]) {
      for (let index = part * 10; index < part * 10 + 10; index += 1) rmSync(device.at(`${index}`));
      const goal = part * 10 + 10;
      await until(() => device.counts.removed === goal || device.events.some(({ kind }) => kind === 'trouble'));
    }
    expect(device.counts.removed).toBe(20);
    expect(device.events.find(({ kind }) => kind === 'trouble')).toMatchObject({
      state: 'stuck',
      error: { code: 'TOO_MANY_DELETIONS', message: expect.stringContaining('after 20 in the last hour') },
    });
    expect(await device.stop()).toMatchObject({ code: 'CANCELLED' });
  }, 60_000);

  test('a first run that is refused ends the watch as it would end a run', async () => {
    const { shared, temporary } = scene();
    using _folder = temporary;
    await using device = new WatchingDevice(shared, { temporary, number: 1 });
    rmSync(device.folder, { recursive: true });
    device.start('push');
    expect(await device.ended).toMatchObject({ code: 'NOT_FOUND' });
  });
});
