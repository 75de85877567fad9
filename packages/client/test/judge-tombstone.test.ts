import { dayMs, hourMs } from '@coffer/core';
import type { PolicyChange, RetentionPolicy, VersionAge } from '@coffer/journal';
import { describe, expect, test } from '@jest/globals';
import type { Version } from '../src/index.ts';
import { isLegalTombstone } from '../src/history/judge-tombstone.ts';
import type { TombstoneJudgement } from '../src/history/judge-tombstone.ts';

const start = 1_700_000_000_000;
const at = (days: number): number => start + days * dayMs;

/** Versions 1 to 8, put a day apart; the last one is current. */
const versions = Array.from({ length: 8 }, (_, index) => {
  const seq = index + 1;
  const version = { seq, receivedAtMs: at(index) } as Version;
  const age: VersionAge = { newer: 7 - index, endedAtMs: seq === 8 ? undefined : at(index + 1), drop: undefined };
  return { version, age };
}).toReversed();

function isLegal(tombstone: Partial<TombstoneJudgement['tombstone']>, journal: Partial<TombstoneJudgement> = {}) {
  const whole = { seq: 1, atMs: at(200), cause: 'rules' as const, ...tombstone };
  return isLegalTombstone({ tombstone: whole, versions, policies: [], purges: [], nowMs: at(4000), ...journal });
}

function policy(days: number, figures: Partial<RetentionPolicy>): PolicyChange {
  return { policy: { versions: 1, days: 0, trashDays: 1, ...figures }, receivedAtMs: at(days) };
}

describe('without a policy in the journal', () => {
  test('what ended a day ago may go, whatever the default of the server is', () => {
    expect(isLegal({ atMs: at(2) })).toBe(true);
    expect(isLegal({ atMs: at(2) - 1 })).toBe(false);
  });

  test('nothing is gone at a time that has not come: until then any policy would be over', () => {
    expect(isLegal({ atMs: at(200) }, { nowMs: at(199) })).toBe(true);
    expect(isLegal({ atMs: at(200) + 1 }, { nowMs: at(199) })).toBe(false);
    expect(isLegal({ atMs: at(90_000) }, { policies: [policy(0, { days: 3650 })], nowMs: at(10) })).toBe(false);
  });

  test('the current version, and one that nobody put, may never', () => {
    expect(isLegal({ seq: 8 })).toBe(false);
    expect(isLegal({ seq: 9 })).toBe(false);
  });
});

describe('a policy in the journal', () => {
  test.each([
    ['days over', [policy(0, { days: 90 })], at(91), true],
    ['days not over', [policy(0, { days: 90 })], at(91) - 1, false],
    ['among the newest', [policy(0, { versions: 8 })], at(200), false],
    ['set after it went', [policy(150, { versions: 8 })], at(100), true],
    ['shortened less than seven days before', [policy(0, { days: 500 }), policy(195, {})], at(200), false],
    ['shortened seven days before', [policy(0, { days: 500 }), policy(193, {})], at(200), true],
    [
      'made longer an hour before',
      [policy(0, {}), { ...policy(0, { days: 500 }), receivedAtMs: at(200) - hourMs }],
      at(200),
      false,
    ],
  ] as const)('%s', (_name, policies, atMs, expected) => {
    expect(isLegal({ atMs }, { policies })).toBe(expected);
  });

  test('of a removed file only the days of the trash count', () => {
    const removed = versions.map(({ version, age }) => ({
      version,
      age: { ...age, endedAtMs: age.endedAtMs ?? at(10), drop: { reason: 'removed', atMs: at(10) } as const },
    }));
    const policies = [policy(0, { versions: 100, days: 1000, trashDays: 30 })];
    expect(isLegal({ seq: 8, atMs: at(40) }, { policies, versions: removed })).toBe(true);
    expect(isLegal({ seq: 8, atMs: at(40) - 1 }, { policies, versions: removed })).toBe(false);
  });

  test('only versions that were there then count as newer', () => {
    const policies = [policy(0, { versions: 3, days: 1 })];
    expect(isLegal({ seq: 1, atMs: at(2) }, { policies })).toBe(false);
    expect(isLegal({ seq: 1, atMs: at(3) }, { policies })).toBe(true);
  });
});

describe('a purge', () => {
  const ordered = { seqs: [1, 2], receivedAtMs: at(100) };

  test.each([
    ['nobody ordered', [], at(200), false],
    ['waited its seven days', [ordered], at(107), true],
    ['did not wait', [ordered], at(107) - 1, false],
    ['was cancelled', [ordered, { seqs: [], receivedAtMs: at(103) }], at(200), false],
    ['was cancelled too late', [ordered, { seqs: [], receivedAtMs: at(110) }], at(108), true],
    ['names another version', [{ seqs: [2], receivedAtMs: at(100) }], at(200), false],
  ] as const)('that %s', (_name, purges, atMs, expected) => {
    expect(isLegal({ atMs, cause: 'purge' }, { purges: [...purges] })).toBe(expected);
  });
});
