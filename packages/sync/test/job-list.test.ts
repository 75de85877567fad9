import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { CofferError } from '@coffer/core';
import { JobList, runOutcome } from '../src/index.ts';
import type { ListedJob, SyncReport } from '../src/index.ts';

const parent = mkdtempSync(join(tmpdir(), 'coffer-jobs-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

let list: JobList;
let number = 0;
beforeEach(() => {
  list = new JobList(join(parent, String((number += 1))));
});

const job: ListedJob = { local: '/here', path: '/there', mode: 'push', delete: false, exclude: ['*.log'] };
const done = runOutcome({ report: { failed: 0, sent: 2 } as SyncReport }, 5);

test('a job that was run by command is listed once, with how it ended', () => {
  list.remember({ ...job, maxFileSizeBytes: 100, maxDelete: '10%' }, undefined);
  list.remember(job, done);
  expect(list.all()).toEqual([{ ...job, maxFileSizeBytes: 100, maxDelete: '10%', last: done }]);
  expect(done).toEqual({ atMs: 5, outcome: 'done', text: 'sent 2' });
});

test('one that is there keeps its settings, and another kind of run is not told as its own', () => {
  list.put(job);
  list.remember({ ...job, mode: 'two-way' }, done);
  list.remember({ ...job, exclude: [] }, done);
  expect(list.all()).toEqual([{ ...job, last: done }]);
});

test('a full list takes no more, and stays readable', () => {
  for (let index = 0; index < 1000; index += 1) list.remember({ ...job, path: `/${index}` }, undefined);
  list.remember({ ...job, path: '/one more' }, done);
  expect(list.all()).toHaveLength(1000);
});

test('how a run ended is told in a sentence, with what to do', () => {
  const text = (error: unknown): string => runOutcome({ error }, 0).text;
  expect(runOutcome({ error: new CofferError('CANCELLED', 'x') }, 0).outcome).toBe('interrupted');
  expect(text(new CofferError('QUOTA', 'it is full', { hint: 'Remove something.' }))).toBe(
    'it is full. Remove something.',
  );
  expect(text(new Error('y'.repeat(5000)))).toHaveLength(2000);
});
