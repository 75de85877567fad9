import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { CofferError, systemClock } from '@coffer/core';
import type { SyncReport, WatchEvent } from '@coffer/sync';
import { Output } from '../src/output.ts';
import type { Streams } from '../src/output.ts';
import { WatchOutput } from '../src/watch-output.ts';

const report: SyncReport = {
  sent: 2,
  modified: 0,
  removed: 0,
  received: 0,
  receivedModified: 0,
  receivedRemoved: 0,
  moved: 1,
  unchanged: 7,
  conflicts: 0,
  healed: 0,
  failed: 1,
  bytesRead: 10,
  bytesSent: 20,
  bytesReceived: 0,
  elapsedMs: 5,
  errors: [{ path: 'bad\u001b[31m', code: 'IO', message: 'the disk reported an error' }],
};

const progress = {
  phase: 'transferring',
  filesDone: 1,
  filesTotal: 3,
  bytesDone: 10,
  bytesTotal: 100,
  bytesPerSecond: 0,
} as const;

const away = new CofferError('UNREACHABLE', 'the server \u001b[2J cannot be reached', { hint: 'Wait.' });

const events: readonly WatchEvent[] = [
  { kind: 'state', state: 'scanning' },
  { kind: 'state', state: 'transferring', progress },
  { kind: 'state', state: 'transferring', progress: { ...progress, filesDone: 2 } },
  { kind: 'run', report },
  { kind: 'state', state: 'up to date' },
  { kind: 'trouble', state: 'offline', error: away },
  { kind: 'over', state: 'offline' },
];

function told(options: { readonly json?: boolean; readonly isTTY?: boolean }): { stdout: string; stderr: string } {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  if (options.isTTY === true) Object.assign(streams.stderr, { isTTY: true, columns: 60 });
  const output = new Output(streams as unknown as Streams, { json: options.json ?? false, quiet: false });
  const nowMs = Date.parse('2026-11-27T12:00:00Z');
  using printed = new WatchOutput(output, { clock: { ...systemClock, nowMs: () => nowMs }, mode: 'push' });
  for (const event of events) printed.take(event);
  printed[Symbol.dispose]();
  const text = (stream: PassThrough): string => {
    let read = '';
    for (let part = stream.read() as Buffer | null; part !== null; part = stream.read() as Buffer | null)
      read += part.toString('utf8');
    return read;
  };
  return { stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

test('with --json each line is a document, and progress is none', () => {
  const { stdout, stderr } = told({ json: true });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
    { at: '2026-11-27T12:00:00.000Z', event: 'state', state: 'scanning' },
    { event: 'state', state: 'transferring' },
    { event: 'run', sent: 2, moved: 1, errors: [{ path: 'bad\u001b[31m' }] },
    { event: 'state', state: 'up to date' },
    { event: 'trouble', state: 'offline', code: 'UNREACHABLE', hint: 'Wait.' },
    { event: 'over', state: 'offline' },
  ]);
  expect(stderr).toBe('');
});

test('without a terminal a run is a line, what failed in front of it; nothing from others reaches a terminal raw', () => {
  const { stdout, stderr } = told({});
  expect(stdout.split('\n')).toEqual([
    'failed: bad\\u{1b}[31m: the disk reported an error',
    expect.stringMatching(/^2026-11-27 \d\d:\d\d {2}sent: 2, moved: 1, failed: 1$/),
    '',
  ]);
  expect(stderr).toBe('warning: offline: the server \\u{1b}[2J cannot be reached (Wait.)\nthe server is back\n');
});

test('on a terminal one line is drawn over, and other lines do not run into it', () => {
  const { stdout, stderr } = told({ isTTY: true });
  expect(stdout).toBe('failed: bad\\u{1b}[31m: the disk reported an error\n');
  const drawn = stderr.split('\r\u001b[K');
  expect(drawn).toContain('scanning');
  expect(drawn).toContainEqual(expect.stringMatching(/^uploading {2}2\/3 files/));
  expect(drawn).toContainEqual(expect.stringMatching(/^up to date {2}\(2026-11-27 \d\d:\d\d {2}sent: 2/));
  expect(drawn).toContain('warning: offline: the server \\u{1b}[2J cannot be reached (Wait.)\n');
  expect(drawn.at(-1)).toBe('');
});
