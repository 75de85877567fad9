import { describe, expect, test } from '@jest/globals';
import { formatSpan, progressLine } from '../src/progress.ts';

describe('progressLine', () => {
  test('shows files, bytes, share, rate and what is left', () => {
    const state = {
      phase: 'transferring',
      filesDone: 3,
      filesTotal: 12,
      bytesDone: 50 * 1024 ** 2,
      bytesTotal: 200 * 1024 ** 2,
    };
    expect(progressLine(state, 5_000)).toBe(
      'transferring  3/12 files  50.0 MiB of 200 MiB  25%  10.0 MiB/s  15 s left',
    );
  });

  test('prefers the rate that the work measured', () => {
    const state = { phase: 'x', filesDone: 0, filesTotal: 1, bytesDone: 1024, bytesTotal: 2048, bytesPerSecond: 512 };
    expect(progressLine(state, 60_000)).toContain('512 B/s  2 s left');
  });

  test('says nothing that it does not know', () => {
    expect(progressLine({ phase: 'scanning', filesDone: 7, bytesDone: 0 }, 100)).toBe('scanning  7 files');
    expect(progressLine({ phase: 'x', filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 }, 9_000)).toBe(
      'x  0/0 files',
    );
  });

  test('never passes a hundred percent', () => {
    const state = { phase: 'x', filesDone: 1, filesTotal: 1, bytesDone: 300, bytesTotal: 200 };
    expect(progressLine(state, 9_000)).toContain('100%');
  });
});

test.each([
  [0.4, '0 s'],
  [59, '59 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 05 min'],
])('%d s are shown as %s', (seconds, shown) => {
  expect(formatSpan(seconds * 1000)).toBe(shown);
});
