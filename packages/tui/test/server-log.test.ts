import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { ReadLogs, ServerWatch } from '@coffer/client';
import { CofferError, systemClock, utf8 } from '@coffer/core';
import { ServerLog } from '../src/services/server-log.ts';

type Reading = { readonly lines: readonly string[]; readonly failsWith?: CofferError };

/** A log over a server that answers each reading in turn; the last goes on for ever. */
function logOf(readings: Reading[], problems: unknown[] = []): ServerLog {
  const watch = {
    async *logs({ onCaughtUp }: ReadLogs, signal: AbortSignal) {
      const { lines, failsWith } = readings.shift() ?? { lines: [] };
      for (const line of lines) yield { bytes: utf8(line), names: new Map() };
      if (failsWith !== undefined) throw failsWith;
      onCaughtUp?.();
      await once(signal, 'abort');
    },
  } as unknown as ServerWatch;
  return new ServerLog({ watch, clock: systemClock, onProblem: (error) => problems.push(error) });
}

async function until(log: ServerLog, isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise<void>((resolve) => log.store.subscribe(resolve));
}

test('a log without lines is followed all the same', async () => {
  await using log = logOf([{ lines: [] }]);
  log.follow();
  expect(log.store.state.phase.kind).toBe('loading');
  await until(log, () => log.store.state.phase.kind === 'following');
  expect(log.store.state.lines).toEqual([]);
});

test('what was read stays until it is read anew', async () => {
  const away = new CofferError('UNREACHABLE', 'away');
  await using log = logOf([{ lines: ['one', 'two'] }, { lines: ['three'], failsWith: away }, { lines: ['four'] }]);
  log.follow();
  await until(log, () => log.store.state.lines.length === 2);
  log.stop();
  log.follow();
  expect(log.store.state.lines).toHaveLength(2);
  await until(log, () => log.store.state.phase.kind === 'following');
  expect(log.store.state.lines).toEqual([{ text: 'four' }]);
});

test('that it ended, and why, is known; a field of others is cut', async () => {
  const problems: unknown[] = [];
  const denied = new CofferError('NOT_ALLOWED', 'for administrators');
  await using log = logOf([{ lines: ['x'.repeat(16_000)] }, { lines: [], failsWith: denied }], problems);
  log.follow();
  await until(log, () => log.store.state.lines.length === 1);
  expect(JSON.stringify(log.store.state.lines[0]).length).toBeLessThan(1100);
  log.stop();
  log.follow();
  await until(log, () => log.store.state.phase.kind === 'ended');
  expect(log.store.state.phase).toEqual({ kind: 'ended', why: 'for administrators' });
  expect(problems).toEqual([denied]);
});
