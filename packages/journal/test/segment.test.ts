import { compareBytes, concatBytes, encodeCbor } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { encodeSegment, encodeSegmentList, parseSegment, parseSegmentList, segmentId } from '@coffer/journal';
import { testRandom } from '@coffer/journal/testing';
import { everyDamage, outcome } from './expect-code.ts';

const random = testRandom(1);
const uploader = random.bytes(16);
const ids = (count: number) => Array.from({ length: count }, () => random.bytes(32)).toSorted(compareBytes);
const [first, second] = ids(2) as [Uint8Array, Uint8Array];

describe('a segment', () => {
  test('comes back as it went, of the largest size too', () => {
    const all = ids(1025);
    const segment = { chunks: [{ uploader, ids: concatBytes(...all) }], list: { uploader, id: all[500] ?? first } };
    const payload = encodeSegment(segment);
    expect(parseSegment(payload)).toEqual(segment);
  });

  test('damage gives another id, and never an error that is none of ours', () => {
    const payload = encodeSegment({
      chunks: [{ uploader, ids: concatBytes(first, second) }],
      list: { uploader, id: first },
    });
    const id = segmentId(payload);
    for (const bytes of everyDamage(payload)) {
      expect(['accepted', 'INVALID']).toContain(outcome(() => parseSegment(bytes)));
      expect(segmentId(bytes)).not.toEqual(id);
    }
  });

  test.each<[string, unknown, string]>([
    ['one chunk, its list', [[[uploader, first]], [uploader, first]], 'accepted'],
    ['without its list', [[[uploader, first]], [uploader, second]], 'INVALID'],
    ['whose list is of somebody else', [[[uploader, first]], [new Uint8Array(16), first]], 'INVALID'],
    ['with ids in the wrong order', [[[uploader, concatBytes(second, first)]], [uploader, first]], 'INVALID'],
    ['with an id twice', [[[uploader, concatBytes(first, first)]], [uploader, first]], 'INVALID'],
    [
      'with an uploader twice',
      [
        [
          [uploader, first],
          [uploader, second],
        ],
        [uploader, first],
      ],
      'INVALID',
    ],
    ['with half an id', [[[uploader, first.subarray(1)]], [uploader, first]], 'INVALID'],
    ['of nothing', [[], [uploader, first]], 'INVALID'],
    [
      'of more than 1,025 chunks',
      [[[uploader, concatBytes(first, ...ids(1025)).slice()]], [uploader, first]],
      'INVALID',
    ],
  ])('%s', (_name, value, expected) => {
    expect(outcome(() => parseSegment(encodeCbor(value)))).toBe(expected);
  });

  test('the list of its tuples comes back, with holes', () => {
    const tuples = [[first, 5, 60, 1], [70_000], [second, 4, 60, 1]] as const;
    expect(parseSegmentList(encodeSegmentList(tuples))).toEqual(tuples);
    expect(outcome(() => parseSegmentList(encodeCbor([[first, 5]])))).toBe('INVALID');
    expect(outcome(() => parseSegmentList(encodeCbor('x')))).toBe('INVALID');
    expect(outcome(() => encodeSegmentList(Array.from({ length: 1025 }, () => [first, 1, 9, 0])))).toBe('INVALID');
  });
});
