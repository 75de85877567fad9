import { expect, test } from '@jest/globals';
import { adminStart, hold, withList } from '../src/screens/admin/admin-state.ts';
import type { AdminRow, AdminState } from '../src/screens/admin/admin-state.ts';

const onLog: AdminState = { ...adminStart, section: 'log' };
const lines = Array.from({ length: 6 }, (_, index): AdminRow => ({ section: 'log', line: { text: `line ${index}` } }));

/** The log with the cursor on a row of it. */
function at(cursor: number, rows: readonly AdminRow[]): AdminState {
  return withList(onLog, { cursor, top: 0 }, rows);
}

test('whoever is at the end of the log stays there as lines are written, and when old ones go', () => {
  const atEnd = at(2, lines.slice(0, 3));
  expect(hold(atEnd, lines).lists.log.cursor).toBe(5);
  expect(hold(hold(atEnd, lines), lines.slice(3)).lists.log.cursor).toBe(2);
});

test('whoever reads a line of the log stays on it', () => {
  const reading = at(3, lines.slice(0, 5));
  expect(hold(reading, lines).lists.log.cursor).toBe(3);
  expect(hold(reading, lines.slice(2)).lists.log.cursor).toBe(1);
});

test('a log that begins anew is at its end', () => {
  expect(hold(onLog, lines).lists.log.cursor).toBe(5);
});
