import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CofferError, dayMs, hourMs, minuteMs, silentLogger } from '@coffer/core';
import { parseSchedule } from '../src/schedule/schedule.ts';
import { Scheduler } from '../src/schedule/scheduler.ts';
import { TaskRecords } from '../src/schedule/task-record.ts';
import { ManualClock, settle } from './support/manual-clock.ts';

const start = Date.UTC(2030, 0, 1, 12);

let clock: ManualClock;
let settings: Map<string, Uint8Array>;
let runs: { readonly atMs: number; readonly signal: AbortSignal; readonly end: (error?: Error) => void }[];
let stack: AsyncDisposableStack;

beforeEach(() => {
  clock = new ManualClock(start);
  settings = new Map();
  runs = [];
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

const records = () =>
  new TaskRecords({
    setting: async (key) => settings.get(key),
    setSetting: async (key, value) => void settings.set(key, value),
  });

/** A daemon that collects by `schedule`, each run until the test ends it, and does nothing else. */
async function open(schedule: string): Promise<Scheduler> {
  const idle = { schedule: parseSchedule('off'), run: async () => ({}) };
  const collect = {
    schedule: parseSchedule(schedule),
    run: (signal: AbortSignal) =>
      new Promise<Record<string, number>>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        const end = (error?: Error): void => (error === undefined ? resolve({ chunks: 3 }) : reject(error));
        runs.push({ atMs: clock.nowMs(), signal, end });
      }),
  };
  const tasks = { collect, accountsBackup: idle, scrub: idle };
  const scheduler = stack.use(await Scheduler.open({ clock, logger: silentLogger, records: records(), tasks }));
  scheduler.begin();
  await settle();
  return scheduler;
}

async function finish(error?: Error): Promise<void> {
  runs.at(-1)?.end(error);
  await settle();
}

function statusOf(scheduler: Scheduler) {
  return scheduler.status().find(({ task }) => task === 'collect');
}

const startsOf = () => runs.map(({ atMs }) => (atMs - start) / hourMs);

describe('what is done on schedule', () => {
  test('a first start does it at once, then every interval', async () => {
    const scheduler = await open('24h');
    expect(statusOf(scheduler)).toMatchObject({ running: { sinceMs: start }, nextMs: undefined });
    await clock.moveTo(start + hourMs);
    await finish();
    expect(statusOf(scheduler)).toMatchObject({
      running: undefined,
      last: { status: 'OK', startedMs: start, endedMs: start + hourMs, counts: { chunks: 3 } },
      nextMs: start + dayMs,
    });
    for (let hour = 2; hour <= 24; hour += 1) await clock.moveTo(start + hour * hourMs);
    expect(startsOf()).toEqual([0, 24]);
  });

  test('a start after less than the interval waits, a later one does not', async () => {
    await open('24h');
    await finish();
    await stack.disposeAsync();
    stack = new AsyncDisposableStack();
    await clock.moveTo(start + 23 * hourMs);
    expect(statusOf(await open('24h'))?.nextMs).toBe(start + dayMs);
    await stack.disposeAsync();
    stack = new AsyncDisposableStack();
    await clock.moveTo(start + 25 * hourMs);
    await open('24h');
    expect(startsOf()).toEqual([0, 25]);
  });

  test('what the daemon ended by stopping goes on at the next start; what ended the daemon waits ten minutes', async () => {
    await open('24h');
    const stopped = runs[0];
    await stack.disposeAsync();
    expect(stopped?.signal.aborted).toBe(true);
    expect(await records().read('collect')).toMatchObject({ status: 'SHUTTING_DOWN' });
    stack = new AsyncDisposableStack();
    await clock.moveTo(start + hourMs);
    await open('24h');
    expect(startsOf()).toEqual([0, 1]);
    // Killed: nothing is noted but that it began.
    const crashed = await open('24h');
    expect(statusOf(crashed)?.nextMs).toBe(start + hourMs + 10 * minuteMs);
  });

  test('a failure is remembered with its reason, and is no endless loop', async () => {
    const scheduler = await open('24h');
    await finish(new CofferError('NO_SPACE', 'the disk of the server is full'));
    expect(statusOf(scheduler)).toMatchObject({
      last: { status: 'NO_SPACE', message: 'the disk of the server is full' },
      nextMs: start + dayMs,
    });
    expect(runs).toHaveLength(1);
    const asked = scheduler.run('collect').catch((error: unknown) => error);
    await settle();
    await finish(new CofferError('SHUTTING_DOWN', 'the storage is closing'));
    expect(await asked).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(runs).toHaveLength(2);
  });

  test('whoever asks while it runs joins, and never makes two', async () => {
    const scheduler = await open('off');
    expect(statusOf(scheduler)).toMatchObject({ running: undefined, nextMs: undefined });
    const both = [scheduler.run('collect'), scheduler.run('collect')];
    await settle();
    await finish();
    expect(await Promise.all(both)).toEqual([{ chunks: 3 }, { chunks: 3 }]);
    expect(runs).toHaveLength(1);
    await clock.moveTo(start + 100 * dayMs);
    expect(runs).toHaveLength(1);
  });

  test('a clock that was ten years ahead does not put it off for ten years', async () => {
    await clock.moveTo(start + 3650 * dayMs);
    await open('24h');
    await finish();
    await stack.disposeAsync();
    stack = new AsyncDisposableStack();
    await clock.moveTo(start);
    await open('24h');
    expect(startsOf()).toEqual([3650 * 24, 0]);
  });
});

describe('a schedule', () => {
  test.each([
    ['6h', start + 6 * hourMs],
    ['every 30 d', start + 30 * dayMs],
    ['off', undefined],
    ['15 3 * * *', new Date(new Date(start).setHours(27, 15, 0, 0)).getTime()],
  ])('%s', (text, next) => {
    expect(parseSchedule(text).nextAfterMs(start)).toBe(next);
  });

  test.each(['', 'soon', '10s', '* * * * * *', '61 * * * *'])('"%s" is refused', (text) => {
    expect(() => parseSchedule(text)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });
});
