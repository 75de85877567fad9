import { describe, expect, test } from '@jest/globals';
import { hourMs, minuteMs, type Clock } from '@coffer/core';
import { LoginThrottle } from '../src/login/login-throttle.ts';

function manualClock(): Clock & { advance(ms: number): void } {
  let now = 1_000_000;
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      now += ms;
    },
  };
}

function attempts(throttle: LoginThrottle, key: string, times: number): (number | undefined)[] {
  return Array.from({ length: times }, () => throttle.begin(key));
}

describe('LoginThrottle', () => {
  test('up to the limit nothing waits, past it answers come in growing gaps, and too many waiting are sent away', () => {
    const throttle = new LoginThrottle({ clock: manualClock() }, { attemptsPerHour: 10 });
    expect(attempts(throttle, 'ann', 10)).toEqual(Array.from({ length: 10 }, () => 0));
    const waits = attempts(throttle, 'ann', 10);
    expect(waits[0]).toBe(1000);
    expect(waits.filter((wait) => wait === undefined).length).toBeGreaterThan(2);
    expect(Math.max(...waits.map((wait) => wait ?? 0))).toBeLessThanOrEqual(6000);
    expect(throttle.begin('bob')).toBe(0);
  });

  test('it never becomes a lock: an hour of quiet brings back most of the attempts', () => {
    const clock = manualClock();
    const throttle = new LoginThrottle({ clock }, { attemptsPerHour: 10 });
    attempts(throttle, 'ann', 100_000);
    clock.advance(minuteMs);
    expect(throttle.begin('ann')).toBeLessThanOrEqual(6000);
    clock.advance(hourMs + 10 * minuteMs);
    expect(throttle.begin('ann')).toBe(0);
  });

  test('an attacker who never stops gets about one guess every six seconds', () => {
    const clock = manualClock();
    const throttle = new LoginThrottle({ clock }, { attemptsPerHour: 10 });
    let guesses = 0;
    for (let second = 0; second < 3600; second += 1) {
      guesses += attempts(throttle, 'ann', 20).filter((wait) => wait !== undefined).length;
      clock.advance(1000);
    }
    expect(guesses).toBeGreaterThan(100);
    expect(guesses).toBeLessThan(10 + 3600 / 6 + 30);
  });

  test('a success takes back one failure; forgetting takes all; memory is bounded', () => {
    const throttle = new LoginThrottle({ clock: manualClock() }, { attemptsPerHour: 2 });
    attempts(throttle, 'ann', 2);
    throttle.succeeded('ann');
    expect(throttle.countOf('ann')).toBe(1);
    attempts(throttle, 'ann', 3);
    throttle.forget('ann');
    expect(throttle.begin('ann')).toBe(0);
    attempts(throttle, 'old', 3);
    for (let n = 0; n < 10_000; n += 1) throttle.begin(`name ${n}`);
    expect(throttle.countOf('old')).toBe(0);
  });
});
