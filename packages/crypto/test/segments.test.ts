import { describe, expect, test } from '@jest/globals';
import { maxSegmentChunks, planSegments } from '@coffer/crypto';
import fc from 'fast-check';

/** An id whose last two bytes are given. */
function id(high: number, low: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(1);
  bytes.set([high, low], 30);
  return bytes;
}

const ends = id(0xfc, 0);
const goesOn = id(0x01, 0);

describe('segments', () => {
  test('end behind a chunk whose id ends in ten zero bits, and behind the last', () => {
    expect(planSegments([goesOn, ends, goesOn, goesOn, id(0, 0), goesOn])).toEqual([2, 5, 6]);
    expect(planSegments([goesOn, id(0xfc, 1), id(0xfe, 0), id(0xfd, 0)])).toEqual([4]);
    expect(planSegments([goesOn, ends])).toEqual([2]);
    expect(planSegments([])).toEqual([]);
  });

  test('a hole stays with the chunk before it, so no segment is without chunks', () => {
    expect(planSegments([undefined, ends, undefined, goesOn, ends, undefined])).toEqual([3, 6]);
  });

  test('have at most 1,024 chunks, holes not counted', () => {
    const withHoles = Array.from({ length: 5000 }, (_, index) => (index % 2 ? undefined : goesOn));
    expect(planSegments(withHoles)).toEqual([2048, 4096, 5000]);
    expect(planSegments(Array.from({ length: 1024 }, () => goesOn))).toEqual([1024]);
    expect(planSegments(Array.from({ length: 1025 }, () => goesOn))).toEqual([1024, 1025]);
  });

  test('every tuple is in one segment of 1 to 1,024 chunks', () => {
    const tuple = fc.oneof({ weight: 20, arbitrary: fc.constant(goesOn) }, fc.constant(ends), fc.constant(undefined));
    fc.assert(
      fc.property(fc.array(tuple, { maxLength: 4000 }), (ids) => {
        let start = 0;
        for (const end of planSegments([goesOn, ...ids])) {
          const chunks = [goesOn, ...ids].slice(start, end).filter((one) => one !== undefined).length;
          expect(chunks).toBeGreaterThanOrEqual(1);
          expect(chunks).toBeLessThanOrEqual(maxSegmentChunks);
          start = end;
        }
        expect(start).toBe(ids.length + 1);
      }),
    );
  });

  test('a chunk put in changes only the segment around it', () => {
    const ids = Array.from({ length: 3000 }, (_, index) => (index % 300 === 299 ? ends : goesOn));
    const before = planSegments(ids);
    const after = planSegments([...ids.slice(0, 1000), goesOn, ...ids.slice(1000)]).map((end) =>
      end > 1000 ? end - 1 : end,
    );
    expect(after).toEqual(before);
  });
});
