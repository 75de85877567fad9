import { rootEntry, utf8 } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkName, isReservedName, nameFromBytes, nameProblem, nameToBytes } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import { outcome } from './expect-code.ts';

describe('names', () => {
  test.each<[EntryName, string]>([
    ['a', 'accepted'],
    ['a'.repeat(255), 'accepted'],
    ['é'.repeat(127), 'accepted'],
    ['...', 'accepted'],
    ['con', 'accepted'],
    [' ', 'accepted'],
    ['a\\b', 'accepted'],
    ['\u202E', 'accepted'],
    ['', 'INVALID'],
    ['.', 'INVALID'],
    ['..', 'INVALID'],
    ['a/b', 'INVALID'],
    ['/', 'INVALID'],
    ['a\0', 'INVALID'],
    ['a\n', 'INVALID'],
    ['\u007f', 'INVALID'],
    ['\u0085', 'INVALID'],
    ['a'.repeat(256), 'INVALID'],
    ['é'.repeat(128), 'INVALID'],
    ['\uD800', 'INVALID'],
    ['\uFEFFa', 'accepted'],
    [Uint8Array.of(0xff), 'accepted'],
    [Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 'INVALID'],
    [Uint8Array.of(0xff, 0x2f), 'INVALID'],
    [Uint8Array.of(0xff, 0x00), 'INVALID'],
    [Uint8Array.of(0xff, 0x0a), 'INVALID'],
    [utf8('a'), 'INVALID'],
    [new Uint8Array(0), 'INVALID'],
    [new Uint8Array(256).fill(0xff), 'INVALID'],
  ])('%j', (name, expected) => {
    expect(outcome(() => checkName(name))).toBe(expected);
  });

  test('bytes from a disk have exactly one form, and come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        const name = nameFromBytes(bytes);
        expect(nameToBytes(name)).toEqual(bytes);
        const bad = bytes.some((byte) => byte < 0x20 || byte === 0x7f || byte === 0x2f);
        const allowed = nameProblem(name) === undefined;
        // Text may be refused for more than bad bytes (`..`, U+0085); a name of bytes never is.
        expect(name instanceof Uint8Array ? allowed : allowed && bad).toBe(name instanceof Uint8Array && !bad);
      }),
      { numRuns: 1000 },
    );
  });

  test('Shared is taken in the root of a home vault, and nowhere else', () => {
    const below = new Uint8Array(16).fill(1);
    expect(isReservedName({ kind: 'home', parent: rootEntry, name: 'Shared' })).toBe(true);
    expect(isReservedName({ kind: 'home', parent: rootEntry, name: 'shared' })).toBe(false);
    expect(isReservedName({ kind: 'home', parent: below, name: 'Shared' })).toBe(false);
    expect(isReservedName({ kind: 'share', parent: rootEntry, name: 'Shared' })).toBe(false);
  });
});
