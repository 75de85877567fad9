import { dayMs, hourMs } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { defaultRetention, destructionDelayMs, effectivePolicy, keptUntilMs } from '@coffer/journal';
import type { RetentionPolicy, VersionAge } from '@coffer/journal';

const day = (n: number) => 1_700_000_000_000 + n * dayMs;
const policy = (versions: number, days: number, trashDays: number): RetentionPolicy => ({ versions, days, trashDays });

describe('the policy in force', () => {
  test('is the default until another is set', () => {
    expect(effectivePolicy([], day(0))).toEqual(defaultRetention);
    expect(effectivePolicy([{ policy: policy(9, 9, 9), receivedAtMs: day(1) }], day(0))).toEqual(defaultRetention);
  });

  test('lengthens at once, each figure by itself', () => {
    const changes = [{ policy: policy(50, 10, 100), receivedAtMs: day(0) }];
    expect(effectivePolicy(changes, day(0))).toEqual(policy(50, 90, 100));
    expect(effectivePolicy(changes, day(0) + destructionDelayMs)).toEqual(policy(50, 10, 100));
  });

  test('shortens after seven days, unless that is taken back before', () => {
    const shorter = { policy: policy(1, 0, 1), receivedAtMs: day(0) };
    const back = { policy: defaultRetention, receivedAtMs: day(6) };
    expect(effectivePolicy([shorter], day(7) - 1)).toEqual(defaultRetention);
    expect(effectivePolicy([shorter], day(7))).toEqual(policy(1, 0, 1));
    expect(effectivePolicy([shorter, back], day(7))).toEqual(defaultRetention);
    expect(effectivePolicy([shorter, back], day(100))).toEqual(defaultRetention);
  });

  test('shortened twice counts each delay by itself', () => {
    const changes = [
      { policy: policy(4, 80, 30), receivedAtMs: day(0) },
      { policy: policy(3, 70, 30), receivedAtMs: day(3) },
    ];
    expect(effectivePolicy(changes, day(8))).toEqual(policy(4, 80, 30));
    expect(effectivePolicy(changes, day(10))).toEqual(policy(3, 70, 30));
  });
});

describe('a version', () => {
  const removed = { reason: 'removed', atMs: day(0) } as const;
  const moved = { reason: 'moved', atMs: day(0) } as const;
  test.each<[string, VersionAge, number]>([
    ['current, for ever', { newer: 9, endedAtMs: undefined, drop: undefined }, Infinity],
    ['among the newest, for ever', { newer: 4, endedAtMs: day(0), drop: undefined }, Infinity],
    ['older: 90 days from its end', { newer: 5, endedAtMs: day(0), drop: undefined }, day(90)],
    ['of a removed entry: 30 days from the removal', { newer: 0, endedAtMs: day(0), drop: removed }, day(30)],
    ['old, of a removed entry: as the others', { newer: 9, endedAtMs: day(-80), drop: removed }, day(30)],
    ['of a moved entry: 90 days from the move', { newer: 0, endedAtMs: day(0), drop: moved }, day(90)],
  ])('is kept, %s', (_name, age, until) => {
    expect(keptUntilMs(age, defaultRetention)).toBe(until);
  });

  test('is kept 24 hours under any policy', () => {
    const harsh = policy(1, 0, 1);
    expect(keptUntilMs({ newer: 1, endedAtMs: day(0), drop: undefined }, harsh)).toBe(day(0) + 24 * hourMs);
    expect(keptUntilMs({ newer: 0, endedAtMs: day(0), drop: moved }, harsh)).toBe(day(0) + 24 * hourMs);
  });

  test('does not go sooner because whoever dropped its entry called it moved', () => {
    const byNumber = policy(20, 0, 30);
    expect(keptUntilMs({ newer: 0, endedAtMs: day(0), drop: moved }, byNumber)).toBe(day(30));
  });
});
