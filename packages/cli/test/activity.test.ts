import { describe, expect, test } from '@jest/globals';
import { Activity } from '../src/activity.ts';

const me = 'aa'.repeat(16);
const other = 'bb'.repeat(16);

function line(fields: Readonly<Record<string, unknown>>, time = '2026-11-20T12:00:00.000Z'): string {
  return JSON.stringify({ time, category: 'transfer', seq: 1, prev: '', status: 'OK', account: me, ...fields });
}

function activityOf(...lines: readonly string[]): Activity {
  const activity = new Activity(me);
  for (const text of lines) activity.add(text);
  return activity;
}

describe('the activity of an account', () => {
  test('is summed up by day, the newest first', () => {
    const { days } = activityOf(
      line({ event: 'chunk.put', bytes: 100 }),
      line({ event: 'chunk.put', bytes: 20 }),
      line({ event: 'chunk.get', bytes: 7 }),
      line({ event: 'vault.append', counts: { commits: 3 } }),
      line({ event: 'vault.append', status: 'CONFLICT', counts: { commits: 9 } }),
      line({ event: 'session.prove', category: 'auth', address: '127.0.0.1' }, '2026-11-22T12:00:00.000Z'),
    );
    expect(days).toEqual([
      expect.objectContaining({ day: '2026-11-22', connections: 1, sentBytes: 0 }),
      expect.objectContaining({ day: '2026-11-20', connections: 0, sentBytes: 120, fetchedBytes: 7, commits: 3 }),
    ]);
  });

  test('tells runs that failed from those of which no end is known', () => {
    const run = (job: string, event: string, more = {}) => line({ category: 'backup', event, job, ...more });
    const { days } = activityOf(
      run('01', 'job.begin'),
      run('02', 'job.begin'),
      run('03', 'job.begin'),
      run('01', 'job.end'),
      run('02', 'job.end', { status: 'INTERNAL' }),
      run('04', 'job.end'),
    );
    expect(days).toEqual([expect.objectContaining({ runs: 3, failedRuns: 1, unfinishedRuns: 1 })]);
  });

  test('has what others did to it only where it is shared with', () => {
    const { days } = activityOf(
      line({ category: 'share', event: 'member-read', account: other, subject: me }),
      line({ category: 'admin', event: 'admin.userQuota', account: other, subject: me }),
      line({ event: 'chunk.put', account: other, bytes: 5 }),
    );
    expect(days).toEqual([expect.objectContaining({ sharing: 1, sentBytes: 0 })]);
  });

  test('counts refusals and denials, and lists addresses once', () => {
    const proved = (address: string) => line({ category: 'auth', event: 'session.prove', address });
    const activity = activityOf(
      proved('127.0.0.1'),
      proved('127.0.0.2'),
      proved('127.0.0.1'),
      line({ category: 'auth', event: 'session.loginFinish', status: 'REFUSED', address: '127.0.0.9' }),
      line({ category: 'anomaly', event: 'admin.userList', status: 'NOT_ALLOWED' }),
    );
    expect(activity.addresses).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(activity.days).toEqual([expect.objectContaining({ connections: 3, refused: 1, denied: 1 })]);
  });

  test('is not disturbed by what is no line of the log', () => {
    const { days } = activityOf('', '{', 'null', '[]', line({ event: 7 }), line({ event: 'chunk.put', bytes: -1 }));
    expect(days).toEqual([]);
  });
});
