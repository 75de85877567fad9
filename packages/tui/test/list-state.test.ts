import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { listStart, move, settle } from '../src/app/list-state.ts';
import type { Motion } from '../src/app/list-state.ts';

const motions: readonly Motion[] = ['up', 'down', 'first', 'last', 'halfUp', 'halfDown'];

test('whatever is pressed, the cursor is on a row and on the screen', () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.constantFrom(...motions), { maxLength: 60 }),
      (count, height, pressed) => {
        const extent = { count, height };
        const end = pressed.reduce((state, motion) => move(state, motion, extent), listStart);
        expect(end.cursor).toBeGreaterThanOrEqual(0);
        expect(end.cursor).toBeLessThanOrEqual(Math.max(0, count - 1));
        expect(end.top).toBeLessThanOrEqual(end.cursor);
        expect(end.cursor - end.top).toBeLessThan(height);
        expect(end.top).toBeLessThanOrEqual(Math.max(0, count - height));
      },
    ),
  );
});

test('a list that shrank takes the cursor with it', () => {
  expect(settle({ cursor: 90, top: 80 }, { count: 5, height: 20 })).toEqual({ cursor: 4, top: 0 });
  expect(settle({ cursor: 3, top: 0 }, { count: 0, height: 20 })).toEqual({ cursor: 0, top: 0 });
});

test('moving back up scrolls only when the cursor meets the edge', () => {
  const extent = { count: 100, height: 10 };
  const down = Array.from({ length: 30 }).reduce<typeof listStart>((state) => move(state, 'down', extent), listStart);
  const up = Array.from({ length: 5 }).reduce<typeof listStart>((state) => move(state, 'up', extent), down);
  expect(up.top).toBe(down.top);
});
