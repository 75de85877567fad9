import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { errorCodes } from '@coffer/core';
import { isoTime, modeText } from '../src/entry-view.ts';
import { exitCodeOf, exitCodeOfReport } from '../src/exit-codes.ts';
import { table } from '../src/output.ts';
import { safeText } from '../src/safe-text.ts';
import { formatTime, parseTime } from '../src/time.ts';

describe('safeText', () => {
  test.each([
    ['\u001b[2Jgone', '\\u{1b}[2Jgone'],
    ['a\nb', 'a\\u{a}b'],
    ['\u202Egnp.exe', '\\u{202e}gnp.exe'],
    ['\u009b31m', '\\u{9b}31m'],
    ['plan\u200B.txt', 'plan\\u{200b}.txt'],
    ['lone \uD800', 'lone \\u{d800}'],
    ['größe 大 😀 👩\u200D🌾', 'größe 大 😀 👩\u200D🌾'],
  ])('%j', (text, expected) => {
    expect(safeText(text)).toBe(expected);
  });

  test('nothing that moves a cursor or reorders text is left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(safeText(text)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

test.each([
  ['file', 0o640, '-rw-r-----'],
  ['directory', 0o1777, 'drwxrwxrwt'],
  ['directory', 0o2750, 'drwxr-s---'],
  ['file', 0o7644, '-rwSr-Sr-T'],
] as const)('the mode of a %s, %o, is shown as ls does', (kind, mode, shown) => {
  expect(modeText({ kind, mode })).toBe(shown);
});

describe('parseTime', () => {
  const now = new Date(2026, 10, 20, 12, 0, 0).getTime();

  test.each([
    ['2h', now - 7_200_000],
    ['3d', now - 3 * 86_400_000],
    ['now', now],
    ['yesterday 18:00', new Date(2026, 10, 19, 18, 0).getTime()],
    ['today', new Date(2026, 10, 20).getTime()],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02 03:04', new Date(2026, 0, 2, 3, 4).getTime()],
  ])('%s', (text, expected) => {
    expect(parseTime(text, now)).toBe(expected);
  });

  test.each(['', 'soon', '5', '2026', '2026-13-45', 'tomorrow'])('"%s" is no time', (text) => {
    expect(() => parseTime(text, now)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  test('what is shown can be typed back in', () => {
    expect(parseTime(formatTime(now), now)).toBe(now);
  });
});

test('every error code has an exit code that is not success', () => {
  for (const code of Object.keys(errorCodes)) expect(exitCodeOf(code as keyof typeof errorCodes)).toBeGreaterThan(0);
});

test('columns line up by the width on a terminal', () => {
  expect(
    table([
      ['大', 'b'],
      ['aaa', 'c'],
    ]),
  ).toBe('大   b\naaa  c');
});

test('a time that no date can hold is shown at the edge instead of failing', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(isoTime(1e300)).toBe('+275760-09-13T00:00:00.000Z');
  expect(isoTime(-1e300)).toBe('-271821-04-20T00:00:00.000Z');
});

test('a run in which some items failed says so, and louder when the server altered one of them', () => {
  expect(exitCodeOfReport({ failed: 0, errors: [{ code: 'INVALID' }] })).toBeUndefined();
  expect(exitCodeOfReport({ failed: 1, errors: [{ code: 'NOT_ALLOWED' }] })).toBe(10);
  expect(exitCodeOfReport({ failed: 2, errors: [{ code: 'IO' }, { code: 'INTEGRITY' }] })).toBe(9);
});
