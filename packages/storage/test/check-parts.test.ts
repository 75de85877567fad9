import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IndexedRecord } from '../src/check/check-index.ts';
import { ExpectedRecords } from '../src/check/expected-records.ts';
import { ReferenceCounts } from '../src/check/reference-counts.ts';

test('references are counted as a map counts them, however many and however far apart', () => {
  const row = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 45 }));
  const reference = fc.record({ row, times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 100_000 })) });
  fc.assert(
    fc.property(fc.array(reference, { maxLength: 60 }), (references) => {
      const counts = new ReferenceCounts();
      const naive = new Map<number, number>();
      for (const { row: chunk, times } of references) {
        counts.add(chunk, times);
        naive.set(chunk, (naive.get(chunk) ?? 0) + times);
      }
      for (const [chunk, times] of naive) expect(counts.of(chunk)).toBe(times);
      expect(counts.of(2 ** 46)).toBe(0);
    }),
  );
});

test('a walk through a pack meets every record of the index once, and knows which bytes are needed', () => {
  const gaps = fc.array(fc.record({ before: fc.nat({ max: 3 }), bytes: fc.integer({ min: 1, max: 6 }) }));
  const steps = fc.array(fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(gaps, steps, (list, walk) => {
      const records = recordsOf(list);
      const passed: IndexedRecord[] = [];
      let ahead = 0;
      using expected = new ExpectedRecords(counted(records, () => (ahead += 1)));
      let offset = 0;
      for (const bytes of walk) {
        passed.push(...expected.before(offset));
        const here = records.find((record) => record.offset === offset);
        expect(expected.at(offset)).toBe(here);
        const needed = records.some(
          (record) => record.offset < offset + bytes && record.offset + record.bytes > offset,
        );
        expect(expected.reachInto({ offset, bytes })).toBe(needed);
        if (here) {
          expected.take();
          passed.push(here);
        }
        offset += bytes;
        // However many lie in a pack, one row is in memory.
        expect(ahead).toBeLessThanOrEqual(passed.length + 1);
      }
      expect([...passed, ...expected.before(Infinity)]).toEqual(records);
    }),
  );
});

function* counted<Value>(values: readonly Value[], count: () => unknown): Generator<Value, void, undefined> {
  for (const value of values) {
    count();
    yield value;
  }
}

function recordsOf(list: readonly { readonly before: number; readonly bytes: number }[]): IndexedRecord[] {
  let end = 0;
  return list.map(({ before, bytes }, chunk) => {
    const offset = end + before;
    end = offset + bytes;
    return { offset, bytes, chunk, id: new Uint8Array(0), lost: false };
  });
}
