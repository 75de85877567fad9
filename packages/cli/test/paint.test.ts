import { expect, test } from '@jest/globals';
import { cellColors, paint } from '../src/paint.ts';
import type { CommandContext } from '../src/context.ts';

const red = { text: '▀', color: '#ff0000', background: '#0000ff' };

test('neighbours in the same colours share a code, and the line ends without any', () => {
  expect(paint([[{ text: 'a' }, red, red, { ...red, color: '#00ff00' }]], 24)).toBe(
    'a\u001b[38;2;255;0;0;48;2;0;0;255m▀▀\u001b[38;2;0;255;0;48;2;0;0;255m▀\u001b[0m',
  );
  expect(paint([[red, { text: 'b' }]], 24)).toBe('\u001b[38;2;255;0;0;48;2;0;0;255m▀\u001b[0mb');
});

test('a terminal of 256 colours gets the nearest ones, one without colours none', () => {
  expect(paint([[red]], 8)).toBe('\u001b[38;5;196;48;5;21m▀\u001b[0m');
  expect(paint([[{ text: '@' }], [red]], undefined)).toBe('@\n▀');
});

test.each([
  ['shows all colours', {}, 24],
  ['has the 256 of the table', { depth: 8 }, 8],
  ['has sixteen', { depth: 4 }, undefined],
  ['is no terminal', { isTTY: false }, undefined],
  ['shall have no colours', { color: false }, undefined],
  ['knows no UTF-8', { locale: 'C' }, undefined],
] as const)('half-blocks are for a terminal that can show them: one that %s', (_, given, expected) => {
  const { depth = 24, isTTY = true, color = true, locale = 'C.UTF-8' } = given as Record<string, never>;
  const stdout = { isTTY, getColorDepth: () => depth };
  const context = { streams: { stdout }, globals: { color }, env: { LC_ALL: locale } } as unknown as CommandContext;
  expect(cellColors(context)).toBe(expected);
});
