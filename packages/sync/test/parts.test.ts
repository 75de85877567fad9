import { writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { systemClock } from '@coffer/core';
import { fromEntryName, showPath, toEntryName, toFsPath } from '../src/byte-name.ts';
import { attributesDiffer, looksSame } from '../src/compare.ts';
import { conflictName } from '../src/conflict-name.ts';
import { restNeededMs, trustedStamp } from '../src/fresh.ts';
import { createIgnoreRules } from '../src/ignore-rules.ts';
import { asStateFailure, JobState, jobName } from '../src/job-state.ts';
import { parseMaxDelete, RemovalBudget } from '../src/max-delete.ts';
import { ProgressMeter } from '../src/progress.ts';
import type { SyncProgress } from '../src/progress.ts';
import { makeRemoteStamp, parseRemoteStamp, sameVersion } from '../src/remote-tree.ts';
import { runLanes } from '../src/run-lanes.ts';
import { SettledNotes } from '../src/settled-notes.ts';
import { identityOf, parseStamp, sameSizeAndTime, untrusted } from '../src/stamp.ts';
import { isTemporaryName, TemporaryNames } from '../src/temporary-name.ts';
import { TemporaryFolder } from './folder-tools.ts';
import { MemoryBase } from './memory-sides.ts';

describe('names', () => {
  test('any bytes come back from the vault as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const name = Buffer.from(bytes).toString('latin1');
        expect(fromEntryName(toEntryName(name))).toBe(name);
        expect(Buffer.from(toFsPath(name) as string)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('what would disturb a terminal is shown as what it is', () => {
    expect(showPath('plain name.txt')).toBe('plain name.txt');
    expect(showPath(Buffer.from('grüße').toString('latin1'))).toBe('grüße');
    expect(showPath('\xff\x1b[31m')).toBe('\\xff\\x1b[31m');
    expect(showPath(Buffer.from('\u202egnp').toString('latin1'))).toBe('\\u202egnp');
  });

  test('conflict names keep the extension and never exceed 255 bytes', () => {
    const atMs = new Date(2026, 10, 20, 16, 30, 5).getTime();
    const named = (name: string, device = 'laptop', taken: readonly string[] = []): string =>
      conflictName(name, { device, atMs, taken: (other) => taken.includes(other) });
    expect(named('name.ext')).toBe('name (conflict, laptop, 2026-11-20 16.30.05).ext');
    expect(named('.bashrc')).toBe('.bashrc (conflict, laptop, 2026-11-20 16.30.05)');
    expect(named('a.tar.gz', 'A/B:"C"')).toBe('a.tar (conflict, A-B--C-, 2026-11-20 16.30.05).gz');
    expect(named('a', 'x', ['a (conflict, x, 2026-11-20 16.30.05)'])).toBe('a (conflict, x, 2026-11-20 16.30.05, 2)');
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 120, unit: 'binary' }), fc.string(), (text, device) => {
        const name = named(fromEntryName(text.toWellFormed()), device);
        expect(name.length).toBeLessThanOrEqual(255);
        expect(typeof toEntryName(name)).toBe('string');
        expect(name).not.toContain('/.conflict');
      }),
    );
  });

  test('temporary names are known as such, and nothing else is', () => {
    const names = new TemporaryNames({ bytes: (length) => new Uint8Array(length).fill(255) });
    const made = [names.next(), names.next()];
    expect(new Set(made).size).toBe(2);
    expect(made.every(isTemporaryName)).toBe(true);
    expect(made.every((name) => names.owns(name))).toBe(true);
    expect(names.owns('.coffer-0123456789abcdef.tmp')).toBe(false);
    expect(['.coffer-.tmp', '.cofferignore', `${made[0]}x`, 'x.tmp'].some(isTemporaryName)).toBe(false);
  });
});

describe('stamps', () => {
  const stamp = '12:1763560000123456789:1763560000223456789:77:33188';

  test('say what they were made of', () => {
    expect(parseStamp(stamp)).toEqual({
      size: 12,
      mtimeNs: 1_763_560_000_123_456_789n,
      ctimeNs: 1_763_560_000_223_456_789n,
      inode: '77',
      mode: 0o100644,
    });
    expect(() => parseStamp(untrusted)).toThrow(TypeError);
  });

  test('a rename and a chmod leave the identity, anything else does not', () => {
    expect(identityOf('12:1763560000123456789:9:77:33261')).toBe(identityOf(stamp));
    expect(identityOf('12:1763560000123456789:9:78:33188')).not.toBe(identityOf(stamp));
    expect(sameSizeAndTime('12:1763560000123456789:9:1:1', stamp)).toBe(true);
    expect(sameSizeAndTime('12:1763560000123456788:9:1:1', stamp)).toBe(false);
    expect(sameSizeAndTime(untrusted, untrusted)).toBe(false);
  });

  test('of the vault, likewise', () => {
    const fields = {
      kind: 'file',
      entry: new Uint8Array(16).fill(3),
      seq: 4,
      mtime: [5, 6],
      mode: 0o644,
      size: 12,
    } as const;
    const remote = makeRemoteStamp(fields);
    expect(parseRemoteStamp(remote)).toEqual(fields);
    expect(sameVersion(remote, makeRemoteStamp({ ...fields, mode: 0o600, mtime: [7, 8] }))).toBe(true);
    expect(sameVersion(remote, makeRemoteStamp({ ...fields, seq: 5 }))).toBe(false);
    const there = makeRemoteStamp({ ...fields, mtime: [1_763_560_000, 123_456_789] });
    expect([looksSame(stamp, there), attributesDiffer(stamp, there)]).toEqual([true, false]);
    expect([looksSame(stamp, remote), attributesDiffer(stamp, remote)]).toEqual([false, true]);
  });

  test('a file that was just changed is not trusted until the clock has moved on', () => {
    const nowMs = 1_763_560_000_223.5;
    const changedNow = '12:1763560000223456789:1763560000223456789:77:33188';
    expect(restNeededMs(changedNow, nowMs + 5)).toBeCloseTo(15, 0);
    expect(trustedStamp(changedNow, nowMs + 5)).toBe(untrusted);
    expect(trustedStamp(changedNow, nowMs + 25)).toBe(changedNow);
    // Restored with an old mtime: any later change shows in the mtime.
    expect(trustedStamp('12:1600000000000000000:1763560000223456789:77:33188', nowMs)).not.toBe(untrusted);
    // Whole seconds: a filesystem that knows no better.
    expect(trustedStamp('12:1763560000000000000:1763560000000000000:77:33188', nowMs + 1000)).toBe(untrusted);
  });
});

describe('rules', () => {
  test.each([
    ['*.log', 'a.log', false, true],
    ['*.log', 'deep/a.log', false, true],
    ['/only-top', 'deep/only-top', false, false],
    ['build/', 'build', false, false],
    ['build/', 'build', true, true],
    ['A', 'a', false, false],
    ['#comment', '#comment', false, false],
    ['**/x', 'a/b/x', false, true],
  ])('%s and %s', (pattern, path, isDirectory, ignored) => {
    expect(createIgnoreRules([pattern]).ignores(path, isDirectory)).toBe(ignored);
  });

  test('later patterns win, and names of any shape can be asked about', () => {
    const rules = createIgnoreRules(['*', '!keep', '']);
    expect(rules.ignores('keep', false)).toBe(false);
    for (const path of ['..x', './x', '\xff', 'a b', ' ']) expect(rules.ignores(path, false)).toBe(true);
    expect(createIgnoreRules(['', '  ']).isEmpty).toBe(true);
  });

  test('limits of removals', () => {
    expect([parseMaxDelete('50'), parseMaxDelete('10%')]).toEqual([{ files: 50 }, { percent: 10 }]);
    for (const text of ['', '-1', '101%', '1.5', 'many', '%']) {
      expect(() => parseMaxDelete(text)).toThrow(expect.objectContaining({ code: 'INVALID' }));
    }
    const quarter = new RemovalBudget(systemClock, { percent: 25 });
    expect(() => quarter.check('push', { filesThere: 10, removing: 25 })).not.toThrow();
    expect(() => quarter.check('push', { filesThere: 10, removing: 26 })).toThrow(/26 of 10/);
    expect(() => quarter.check('push', { filesThere: 1000, removing: 250 })).not.toThrow();
    const none = new RemovalBudget(systemClock, { files: 0 });
    expect(() => none.check('push', { filesThere: 10, removing: 1 })).toThrow(/nothing was changed/);
  });

  test('what runs of one job remove within an hour counts together, each side by itself', () => {
    let nowMs = 0;
    const budget = new RemovalBudget({ ...systemClock, monotonicMs: () => nowMs }, { percent: 25 });
    budget.check('push', { filesThere: 1000, removing: 200 });
    budget.spend('push', 200);
    nowMs = 59 * 60_000;
    expect(() => budget.check('push', { filesThere: 800, removing: 51 })).toThrow(/51 of 800 files after 200/);
    expect(() => budget.check('pull', { filesThere: 800, removing: 200 })).not.toThrow();
    nowMs = 61 * 60_000;
    expect(() => budget.check('push', { filesThere: 800, removing: 200 })).not.toThrow();
  });
});

describe('the state of a job', () => {
  const key = { root: '/home/me/docs', vault: new Uint8Array(32).fill(1), lineage: 0, path: 'docs' };
  const item = { directory: undefined, local: 'local', remote: 'remote' };

  test('is kept when it is saved, and dropped when it is not', async () => {
    using temporary = new TemporaryFolder();
    {
      await using state = await JobState.open(temporary.path, key);
      expect([state.hasItems, state.facts, state.root()]).toEqual([false, undefined, undefined]);
      const number = state.newDirectory();
      state.remember({ directory: 0, name: 'docs' }, { ...item, directory: number });
      state.remember({ directory: number, name: 'caf\xe9' }, item);
      state.setFacts({ device: '42', headSeq: 7 });
      state.save();
      state.remember({ directory: number, name: 'not saved' }, item);
    }
    await using state = await JobState.open(temporary.path, key);
    expect(state.facts).toEqual({ device: '42', headSeq: 7 });
    const root = state.root();
    expect(state.children(root?.directory ?? 0)).toEqual([{ name: 'caf\xe9', ...item }]);
    expect(state.newDirectory()).toBe((root?.directory ?? 0) + 1);
  });

  test('forgets what is below, and sweeps what is below nothing', async () => {
    using temporary = new TemporaryFolder();
    await using state = await JobState.open(temporary.path, key);
    const numbers = [state.newDirectory(), state.newDirectory(), state.newDirectory()] as const;
    state.remember({ directory: 0, name: '' }, { ...item, directory: numbers[0] });
    for (const name of ['a', 'b'])
      state.remember({ directory: numbers[0], name }, { ...item, directory: numbers[name === 'a' ? 1 : 2] });
    for (const number of numbers) state.remember({ directory: number, name: 'file' }, item);
    state.forget({ directory: numbers[0], name: 'a' });
    state.drop({ directory: numbers[0], name: 'b' });
    expect(numbers.map((number) => state.children(number).length)).toEqual([1, 0, 1]);
    state.sweep();
    expect(numbers.map((number) => state.children(number).length)).toEqual([1, 0, 0]);
  });

  test('belongs to one run at a time, and to one job only', async () => {
    using temporary = new TemporaryFolder();
    await using first = await JobState.open(temporary.path, key);
    await expect(JobState.open(temporary.path, key)).rejects.toMatchObject({ code: 'LOCKED' });
    await using other = await JobState.open(temporary.path, { ...key, path: 'other' });
    expect([first.hasItems, other.hasItems]).toEqual([false, false]);
    await first[Symbol.asyncDispose]();
    await using again = await JobState.open(temporary.path, key);
    expect(again.hasItems).toBe(false);
  });

  test('that cannot be written is a failure of the job, not a bug', async () => {
    using temporary = new TemporaryFolder();
    await using state = await JobState.open(temporary.path, key);
    const none = null as unknown as number;
    expect(() => state.remember({ directory: none, name: 'x' }, item)).toThrow(expect.objectContaining({ code: 'IO' }));
    const full = Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
    expect(asStateFailure(full)).toMatchObject({ code: 'NO_SPACE', retryable: true });
  });

  test('that is damaged is put aside, and the job begins anew', async () => {
    using temporary = new TemporaryFolder();
    writeFileSync(temporary.at(`${jobName(key)}.db`), 'this is no database, whatever its name says'.repeat(100));
    await using state = await JobState.open(temporary.path, key);
    expect(state.hasItems).toBe(false);
  });
});

describe('work in parallel', () => {
  test('keeps to its lanes, and stops at the first failure once all that began have ended', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const work = async (item: number): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      running -= 1;
      if (item === 5) throw new Error('five');
      done.push(item);
    };
    await expect(runLanes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { lanes: 3, work })).rejects.toThrow('five');
    expect([most, running]).toEqual([3, 0]);
    expect(done.length).toBeLessThan(9);
  });

  test('nothing is remembered before the disk is settled, and nothing when that fails', async () => {
    const base = new MemoryBase();
    const order: string[] = [];
    const note = { kind: 'forget', from: { directory: 1, name: 'a' } } as const;
    const forget = base.forget.bind(base);
    base.forget = (at) => {
      order.push('told');
      forget(at);
    };
    const settled = new SettledNotes(base, async () => {
      order.push('settled');
      await Promise.resolve();
    });
    await settled.add(note);
    expect(order).toEqual([]);
    await settled.finish();
    expect(order).toEqual(['settled', 'told']);
    const failing = new SettledNotes(base, async () => {
      throw new Error('disk error');
    });
    await failing.add(note);
    await expect(failing.finish()).rejects.toThrow('disk error');
    expect(order).toEqual(['settled', 'told']);
  });

  test('progress is told sparingly, and never goes beyond its totals', () => {
    const told: SyncProgress[] = [];
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => undefined };
    const meter = new ProgressMeter(clock, (progress) => told.push(progress));
    meter.enter('transferring', { files: 100, bytes: 1000 });
    for (let index = 0; index < 200; index += 1) {
      nowMs += 10;
      meter.file(10);
    }
    expect(told.length).toBeLessThan(25);
    expect(told.at(-1)).toMatchObject({ filesDone: 200, filesTotal: 200, bytesDone: 2000, bytesPerSecond: 1000 });
  });
});
