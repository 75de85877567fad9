import { encodeCbor, equalBytes, rootEntry, utf8 } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { commitLimits, encodeOperations, parseOperations } from '@coffer/journal';
import type { Operation } from '@coffer/journal';
import { operation } from './arbitraries.ts';
import { outcome } from './expect-code.ts';

const entry = new Uint8Array(16).fill(1);
const ph = new Uint8Array(32).fill(2);
const key = new Uint8Array(32).fill(3);
const time = [1_700_000_000, 5] as const;

/** A put with some fields changed; the names are those of PutOperation. */
function put(fields: Record<string, unknown> = {}): unknown[] {
  const all = {
    entry,
    parent: rootEntry,
    name: 'a',
    kind: 'file',
    size: 7,
    mtime: time,
    mode: 0o644,
    content: [[ph, 7, 99, 0]],
    ...fields,
  };
  const { target, ...positional } = all as typeof all & { target?: unknown };
  return ['put', ...Object.values(positional), ...('target' in all ? [target] : [])];
}

const parsed = (...operations: unknown[]) => outcome(() => parseOperations(encodeCbor(operations)));

describe('operations', () => {
  test('any list comes back as it went', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), (operations) => {
        const plain = encodeOperations(operations);
        expect(parseOperations(plain)).toEqual(operations);
        expect(equalBytes(encodeOperations(parseOperations(plain)), plain)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('any one damaged byte gives an error or other operations, never the same and never a crash', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (operations, place, mask) => {
          const plain = encodeOperations(operations);
          const at = place % plain.length;
          plain[at] = (plain[at] ?? 0) ^ mask;
          const result = outcome(() => {
            if (!equalBytes(encodeOperations(parseOperations(plain)), plain)) throw new Error('read as something else');
          });
          expect(['accepted', 'INVALID']).toContain(result);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each<[string, unknown[], string]>([
    ['a file', put(), 'accepted'],
    ['an empty file', put({ size: 0, content: [] }), 'accepted'],
    ['a file of one hole', put({ size: 70_000, content: [[70_000]] }), 'accepted'],
    ['a size that is not the content', put({ size: 8 }), 'INVALID'],
    ['two holes in a row', put({ size: 2, content: [[1], [1]] }), 'INVALID'],
    ['an empty hole', put({ size: 0, content: [[0]] }), 'INVALID'],
    ['an empty chunk', put({ size: 0, content: [[ph, 0, 99, 0]] }), 'INVALID'],
    ['a chunk of more than 4 MiB', put({ size: 4_194_305, content: [[ph, 4_194_305, 99, 0]] }), 'INVALID'],
    [
      'home and shared tuples mixed',
      put({
        size: 14,
        content: [
          [ph, 7, 9, 0],
          [ph, 7, 9, entry, ph, key],
        ],
      }),
      'INVALID',
    ],
    ['a shared tuple', put({ content: [[ph, 7, 9, entry, ph, key]] }), 'accepted'],
    ['a shared tuple with a short key', put({ content: [[ph, 7, 9, entry, ph, entry]] }), 'INVALID'],
    ['1,024 chunks', put({ size: 1024, content: Array.from({ length: 1024 }, () => [ph, 1, 9, 0]) }), 'accepted'],
    ['1,025 chunks', put({ size: 1025, content: Array.from({ length: 1025 }, () => [ph, 1, 9, 0]) }), 'INVALID'],
    ['a segment', put({ content: ['seg', [[ph, [ph, 1, 9, 0], 7, 3]]] }), 'accepted'],
    ['a segment of 1,025 chunks', put({ content: ['seg', [[ph, [ph, 1, 9, 0], 7, 1025]]] }), 'INVALID'],
    ['no segments', put({ size: 0, content: ['seg', []] }), 'INVALID'],
    [
      'segments of two forms',
      put({
        size: 14,
        content: [
          'seg',
          [
            [ph, [ph, 1, 9, 0], 7, 3],
            [ph, [ph, 1, 9, entry, ph, key], 7, 3],
          ],
        ],
      }),
      'INVALID',
    ],
    ['a directory', put({ kind: 'directory', size: 0, content: [] }), 'accepted'],
    ['a directory with content', put({ kind: 'directory' }), 'INVALID'],
    ['a directory with a target', put({ kind: 'directory', size: 0, content: [], target: 'x' }), 'INVALID'],
    ['a file with a target', put({ target: 'x' }), 'INVALID'],
    ['a symlink', put({ kind: 'symlink', size: 0, content: [], target: '../x' }), 'accepted'],
    ['a symlink to bytes', put({ kind: 'symlink', size: 0, content: [], target: Uint8Array.of(0xff) }), 'accepted'],
    ['a symlink to text given as bytes', put({ kind: 'symlink', size: 0, content: [], target: utf8('x') }), 'INVALID'],
    ['a symlink to nowhere', put({ kind: 'symlink', size: 0, content: [] }), 'INVALID'],
    ['a symlink to NUL', put({ kind: 'symlink', size: 0, content: [], target: 'a\0b' }), 'INVALID'],
    ['a mount', put({ kind: 'mount', size: 0, content: [], target: ph }), 'accepted'],
    ['a mount of text', put({ kind: 'mount', size: 0, content: [], target: 'x' }), 'INVALID'],
    ['an unknown kind of entry', put({ kind: 'device', size: 0, content: [] }), 'INVALID'],
    ['the root as entry', put({ entry: rootEntry }), 'INVALID'],
    ['an id of 15 bytes', put({ entry: new Uint8Array(15) }), 'INVALID'],
    ['a setuid file', put({ mode: 0o4755 }), 'accepted'],
    ['a mode with a file type', put({ mode: 0o100644 }), 'INVALID'],
    ['a negative size', put({ size: -1, content: [] }), 'INVALID'],
    ['a fraction of a second', put({ mtime: [1.5, 0] }), 'INVALID'],
    ['a whole second of nanoseconds', put({ mtime: [1, 1_000_000_000] }), 'INVALID'],
    ['a time before 1970', put({ mtime: [-5, 0] }), 'accepted'],
    ['a bad name', put({ name: 'a/b' }), 'INVALID'],
    ['a field too many', [...put({ kind: 'symlink', size: 0, content: [], target: 'x' }), 1], 'INVALID'],
    ['move', ['move', entry, rootEntry, 'b'], 'accepted'],
    ['move of the root', ['move', rootEntry, entry, 'b'], 'INVALID'],
    ['attr', ['attr', entry, time, 0o600], 'accepted'],
    ['remove', ['remove', [entry]], 'accepted'],
    ['remove of nothing', ['remove', []], 'INVALID'],
    ['remove of the root', ['remove', [rootEntry]], 'INVALID'],
    ['init', ['init', key], 'accepted'],
    ['an unknown operation', ['chown', entry, 0], 'INVALID'],
    ['a name of Object.prototype', ['constructor', entry], 'INVALID'],
    ['an empty operation', [], 'INVALID'],
  ])('%s', (_name, operations, expected) => {
    expect(parsed(operations)).toBe(expected);
  });

  test('as many as a commit may hold, and no more', () => {
    const many = Array.from({ length: commitLimits.operations }, () => ['attr', entry, time, 0] as const);
    expect(parseOperations(encodeOperations(many))).toHaveLength(1000);
    expect(outcome(() => encodeOperations([...many, ...many.slice(0, 1)]))).toBe('INVALID');
    expect(outcome(() => parseOperations(encodeCbor([...many, many[0]])))).toBe('INVALID');
    expect(outcome(() => parseOperations(new Uint8Array(commitLimits.operationBytes + 1)))).toBe('LIMIT');
  });

  test('bytes that only look like a name are refused: two clients must not read two names', () => {
    const plain = encodeOperations([['move', entry, rootEntry, 'a?b']]);
    const broken = plain.slice();
    broken[broken.indexOf(0x3f)] = 0xc3; // half of a UTF-8 sequence, which decoders turn into U+FFFD
    expect(outcome(() => parseOperations(broken))).toBe('INVALID');
    const honest: Operation[] = [['move', entry, rootEntry, '\uFEFFa\uFFFDb']];
    expect(parseOperations(encodeOperations(honest))).toEqual(honest);
  });
});
