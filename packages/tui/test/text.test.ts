import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fit, shown, shownName, shorten, widthOf, wrap } from '../src/terminal/text.ts';

test('fitted text is as wide as asked, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      expect(widthOf(fit(shown(text), width))).toBe(width);
    }),
  );
});

test('wide characters are cut whole', () => {
  expect(fit('漢字かな', 5)).toBe('漢字…');
  expect(fit('漢字かな', 4)).toBe('漢… ');
  expect(shorten('abc', 3)).toBe('abc');
});

test.each([
  ['\u001b[2Jgone', '\\u{1b}[2Jgone'],
  ['a\u202Egpj.exe', 'a\\u{202e}gpj.exe'],
  ['line\nbreak', 'line\\u{a}break'],
])('what could steer a terminal is shown: %j', (name, drawn) => {
  expect(shown(name)).toBe(drawn);
});

test('what terminals disagree about is taken apart', () => {
  expect(shown('👨‍👩‍👧.jpg')).toBe('👨👩👧.jpg');
  expect(shown('👍🏽')).toBe('👍');
  expect(shown('🇩🇪')).toBe('DE');
  expect(shown('❤️')).toBe('❤');
  expect(shown('क्‍ष')).toBe('क्‍ष');
});

test('a name that is not text is shown by its bytes', () => {
  expect(shownName(new Uint8Array([0x61, 0xff, 0x62]))).toBe('a\\xffb');
});

test('lines are broken at spaces, long words anywhere, and stay as far in', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('  one two', 6)).toEqual(['  one', '  two']);
  expect(wrap('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
  expect(wrap('abcdefgh i', 3)).toEqual(['abc', 'def', 'gh', 'i']);
  expect(wrap('漢字かな', 5)).toEqual(['漢字', 'かな']);
  expect(wrap('', 5)).toEqual(['']);
});
