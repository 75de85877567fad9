import { expect, test } from '@jest/globals';
import stringWidth from 'string-width';
import quickWidth, { plain } from '../../../scripts/quick-string-width.ts';

test('what is measured quickly is as wide as it is measured slowly, alone and in any company', () => {
  const signs = Array.from({ length: 0x1_00_00 }, (_, code) => String.fromCharCode(code)).filter((sign) =>
    plain.test(sign),
  );
  expect(signs.length).toBeGreaterThan(300);
  expect(signs.filter((sign) => stringWidth(sign) !== 1)).toEqual([]);
  expect(stringWidth(signs.join(''))).toBe(signs.length);
  expect(stringWidth(signs.toReversed().join(''))).toBe(signs.length);
});

test('colours take no room', () => {
  const text = '\u001b[38;2;1;2;3m│\u001b[0m über \u001b[1m…\u001b[22m';
  expect(quickWidth(text)).toBe(stringWidth(text));
});
