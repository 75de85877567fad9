import { describe, expect, test } from '@jest/globals';
import { TouchedPaths } from '../src/watch/touched-paths.ts';

const times = { settleMs: 2000, deleteSettleMs: 10_000, patienceMs: 300_000 };

/** A clock that stands until it is moved, and the paths that are there. */
function scene() {
  const state = { nowMs: 1_000_000, gone: new Set<string>() };
  const deps = { nowMs: () => state.nowMs, isThere: (path: string) => !state.gone.has(path), times };
  const touched = new TouchedPaths(deps);
  const take = () => {
    const { directories, trees } = touched.take();
    return { directories: [...directories], trees: [...trees] };
  };
  return { state, touched, take };
}

const nothing = { directories: [], trees: [] };

describe('paths that were touched', () => {
  test('are due when they rested for 2 s, each by itself', () => {
    const { state, touched, take } = scene();
    touched.touch('a', 'x');
    state.nowMs += 1500;
    touched.touch('b', 'y');
    touched.touch('a', 'z');
    expect(touched.dueMs).toBe(state.nowMs + 500);
    expect(take()).toEqual(nothing);
    state.nowMs += 500;
    expect(take()).toEqual({ directories: ['a'], trees: [] });
    expect([touched.isYoung('a', 'z', true), touched.isYoung('a', 'x', true)]).toEqual([true, false]);
    state.nowMs += 1500;
    expect(take()).toEqual({ directories: ['b', 'a'].toSorted(), trees: [] });
    expect([touched.isEmpty, touched.dueMs]).toEqual([true, undefined]);
  });

  test('what is gone is looked at after 2 s, for whatever came from it, and let go after 10 s', () => {
    const { state, touched, take } = scene();
    touched.touch('old', 'x');
    state.gone.add('old/x');
    touched.touch('new', 'x');
    state.nowMs += 2000;
    expect(take().directories.toSorted()).toEqual(['new', 'old']);
    expect(touched.isYoung('old', 'x', false)).toBe(true);
    touched.touch('new', 'x');
    state.nowMs += 2000;
    expect(take().directories.toSorted()).toEqual(['new', 'old']);
    expect(touched.dueMs).toBe(state.nowMs + 6000);
    state.nowMs += 6000;
    expect(take().directories).toEqual(['old']);
    expect([touched.isYoung('old', 'x', false), touched.isEmpty]).toEqual([false, true]);
  });

  test('what never rests is looked at after 5 min all the same', () => {
    const { state, touched, take } = scene();
    for (let second = 0; second < 300; second += 1) {
      touched.touch('logs', 'log');
      expect(take()).toEqual(nothing);
      state.nowMs += 1000;
    }
    expect(touched.isYoung('logs', 'log', true)).toBe(false);
    expect(take()).toEqual({ directories: ['logs'], trees: [] });
  });

  test('what could not be looked at is due again, and young for nobody', () => {
    const { state, touched } = scene();
    touched.touch('a', 'x');
    touched.touchTree('b');
    state.nowMs += 2000;
    const taken = touched.take();
    expect(touched.isEmpty).toBe(true);
    touched.giveBack(taken);
    expect(touched.dueMs).toBeLessThanOrEqual(state.nowMs);
    expect(touched.isYoung('a', 'x', true)).toBe(false);
    expect(touched.take()).toEqual(taken);
    expect(touched.isEmpty).toBe(true);
  });

  test('of too many names in one directory only the directory is kept, of too many altogether that they were', () => {
    const { state, touched, take } = scene();
    for (let index = 0; index < 3000; index += 1) touched.touch('full', `${index}`);
    expect(touched.isYoung('full', 'any name', true)).toBe(true);
    state.nowMs += 2000;
    expect(take().directories).toEqual(['full']);
    expect([touched.isYoung('full', '1', true), touched.isYoung('full', '1', false)]).toEqual([false, true]);
    state.nowMs += 8000;
    expect(take().directories).toEqual(['full']);
    expect(touched.isEmpty).toBe(true);
    for (let index = 0; index < 60_000; index += 1) touched.touch(`${index}`, 'x');
    expect(touched.isOverfull).toBe(true);
    touched.takeAll();
    expect(touched.isOverfull).toBe(false);
  });
});
