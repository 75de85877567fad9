import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync, statSync } from 'node:fs';
import { readOptions } from '../bench/options.ts';
import { judgeBars } from '../bench/report/bars.ts';
import { describeResult } from '../bench/report/tables.ts';
import type { Part, ToolResult, TransferResult } from '../bench/result.ts';
import { ratiosOf, spreadOf } from '../bench/statistics.ts';
import { edit, makeWorkload } from '../bench/workloads.ts';
import { TemporaryFolder } from '../src/index.ts';

describe('statistics', () => {
  test('the median is the middle, or the mean of the two in the middle', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
    expect(spreadOf([])).toBeUndefined();
  });

  test('half of all values lie on either side of the median', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const median = spreadOf(values)?.median ?? Number.NaN;
        expect(values.filter((value) => value < median).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((value) => value > median).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  test('ratios are formed run by run: a run that was slow for both counts as any other', () => {
    expect(ratiosOf([2, 20, 2], [1, 10, 1])).toEqual({ median: 2, least: 2, most: 2 });
    expect(ratiosOf([2, 4], [1])).toEqual({ median: 2, least: 2, most: 2 });
    expect(ratiosOf([], [1])).toBeUndefined();
  });
});

describe('options', () => {
  test('have defaults', () => {
    expect(readOptions([])).toMatchObject({ runs: 3, where: ['tmpfs', 'disk'], scale: 1, patienceMs: 180_000 });
  });

  test.each([['--runs=0'], ['--runs=2.5'], ['--scale=9'], ['--where=moon'], ['--speed=1'], ['more']])(
    'refuse %s',
    (argument) => {
      expect(() => readOptions([argument])).toThrow(/--|more/);
    },
  );
});

test('an edit inserts 16 bytes in the middle and changes nothing else', async () => {
  await using folder = await TemporaryFolder.open();
  const workload = makeWorkload('file', { folder: folder.path, scale: 0.003 });
  const before = readFileSync(workload.edited);
  edit(workload);
  const after = readFileSync(workload.edited);
  const middle = before.length >> 1;
  expect(after.length).toBe(before.length + 16);
  expect(after.subarray(0, middle).equals(before.subarray(0, middle))).toBe(true);
  expect(after.subarray(middle + 16).equals(before.subarray(middle))).toBe(true);
});

test('a tree is edited in a file of usual size', async () => {
  await using folder = await TemporaryFolder.open();
  const workload = makeWorkload('tree', { folder: folder.path, scale: 0.01 });
  expect(workload.facts.files).toBeGreaterThan(170);
  const { size } = statSync(workload.edited);
  edit(workload);
  expect(statSync(workload.edited).size).toBe(size + 16);
});

describe('a result', () => {
  test('is judged by the bars that its peers allow', () => {
    const part = makePart([
      tool('coffer', { uploadMs: 1000 }),
      tool('restic', { uploadMs: 2600 }),
      tool('rsync', { uploadMs: 900 }),
    ]);
    const verdicts = judgeBars(makeResult(part)).filter(({ what }) => what.startsWith('first upload'));
    expect(verdicts.map(({ what, reached }) => [what, reached])).toEqual([
      ['first upload: rate, of restic’s', 'yes'],
      ['first upload: rate, of rsync’s', '–'],
    ]);
    const slow = makePart([tool('coffer', { uploadMs: 1100 }), tool('restic', { uploadMs: 2600 })]);
    expect(judgeBars(makeResult(slow))).toContainEqual(expect.objectContaining({ bar: '≥ 2.5 ×', reached: 'no' }));
  });

  test('is told in tables that name no path', () => {
    const failed = {
      ...tool('borg', { uploadMs: 1 }),
      samples: {},
      faults: ['/tmp/some/where/borg: exit code 2\nmore'],
    };
    const text = describeResult(makeResult(makePart([tool('coffer', { uploadMs: 1000 }), failed])));
    expect(text).toMatch(/^\| coffer \| +1\.00 \|/m);
    expect(text).toContain('borg: …: exit code 2');
    expect(text).not.toContain('/tmp');
  });
});

function tool(name: string, { uploadMs }: { uploadMs: number }): ToolResult {
  const sample = { wallMs: uploadMs, clientPeakBytes: 1e8, serverPeakBytes: 1e8, wireBytes: 1e6 };
  return { tool: name, samples: { upload: [sample] }, stored: [{ totalBytes: 2e6, contentBytes: 1e6 }], faults: [] };
}

function makePart(results: readonly ToolResult[]): Part {
  return { where: 'tmpfs', fileSystem: 'tmpfs', workload: 'file', title: 'one file', results };
}

function makeResult(part: Part): TransferResult {
  const machine = { processor: 'any', cores: 2, memoryBytes: 1e9, kernel: 'linux', node: 'v26' };
  const facts = {
    command: 'npm run bench',
    commit: 'abc',
    at: '2026-01-01T00:00:00.000Z',
    machine,
    runs: 1,
    isolated: true,
  };
  return { ...facts, scale: 1, tools: [], skipped: [], parts: [part] };
}
