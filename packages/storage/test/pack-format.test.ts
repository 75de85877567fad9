import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodePackHeader,
  decodeRecordHeader,
  encodePackHeader,
  encodeRecordHeader,
  recordHeaderBytes,
  recordKinds,
} from '../src/packs/pack-format.ts';
import type { PackRecord } from '../src/packs/pack-format.ts';
import type { Scanned } from '../src/packs/pack-scanner.ts';
import { scanPack } from '../src/packs/pack-scanner.ts';
import { withCode } from './support/expect-code.ts';

/** Written by Python's struct and zlib, after docs/FORMAT.md. */
const vector =
  '0000000c01000000111111111111111111111111111111111111111111111111111111111111111122222222222222222222222222222222222222222222222222222222222222223333333333333333333333333333333300000' +
  '18bcfe5687bef2ee9593e8af7c37365616c6564206368756e6b';

const record: PackRecord = {
  kind: recordKinds.chunk,
  vault: new Uint8Array(32).fill(0x11),
  id: new Uint8Array(32).fill(0x22),
  uploader: new Uint8Array(16).fill(0x33),
  receivedAtMs: 1_700_000_000_123,
  payload: [Buffer.from('sealed '), Buffer.from('chunk')],
};

test('a pack and a record are written byte for byte as documented', () => {
  expect(Buffer.from(encodePackHeader()).toString('hex')).toBe('434f46464552504b00000001');
  const bytes = Buffer.concat([encodeRecordHeader(record, 12), ...record.payload]);
  expect(bytes.toString('hex')).toBe(vector);
  const header = decodeRecordHeader(bytes, 0);
  expect(header).toMatchObject({ kind: 1, receivedAtMs: 1_700_000_000_123, payloadBytes: 12 });
});

test('every flipped bit of a record header is noticed', () => {
  const sound = Buffer.from(vector, 'hex');
  for (let bit = 0; bit < 100 * 8; bit += 1) {
    const damaged = Buffer.from(sound);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeRecordHeader(damaged, 0)).toBe(undefined);
  }
});

test.each([
  ['434f46464552504b00000001', { version: 1 }],
  ['434f46464552504b00000000', undefined],
  ['434f46464552504c00000001', undefined],
  ['434f46464552504b000000', undefined],
  ['434f46464552504b80000001', undefined],
])('a pack header %s is %j', (hex, expected) => {
  expect(decodePackHeader(Buffer.from(hex, 'hex'))).toEqual(expected);
});

test('a newer pack is told from a damaged one', () => {
  expect(() => decodePackHeader(Buffer.from('434f46464552504b00000002', 'hex'))).toThrow(withCode('UPGRADE_REQUIRED'));
});

const records = fc.array(
  fc.record({
    kind: fc.constantFrom(1, 2, 3, 4),
    vault: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    uploader: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    receivedAtMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    payload: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
) as fc.Arbitrary<PackRecord[]>;

function bytesOf(list: readonly PackRecord[]): Buffer[] {
  return list.map(({ payload, ...head }) => {
    const joined = Buffer.concat(payload);
    return Buffer.concat([encodeRecordHeader({ ...head, payload }, joined.byteLength), joined]);
  });
}

async function scan(pack: Uint8Array): Promise<Scanned[]> {
  const all: Scanned[] = [];
  const read = async ({ offset, length }: { offset: number; length: number }): Promise<Uint8Array> =>
    pack.subarray(offset, offset + length);
  for await (const scanned of scanPack({ from: 0, to: pack.byteLength, read })) all.push(scanned);
  return all;
}

test('a scan finds every record, in order, as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (list) => {
      const scanned = await scan(Buffer.concat(bytesOf(list)));
      expect(scanned.map(({ type }) => type)).toEqual(list.map(() => 'record'));
      scanned.forEach((found, index) => {
        const head = list[index];
        if (found.type !== 'record' || !head) throw new TypeError('no record');
        expect(found.header).toMatchObject({ kind: head.kind, receivedAtMs: head.receivedAtMs });
        expect(Buffer.from(found.header.id)).toEqual(Buffer.from(head.id));
        expect(Buffer.from(found.payload)).toEqual(Buffer.concat(head.payload));
      });
    }),
  );
});

test('damage costs the records that it touches, and no other', async () => {
  const damage = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 150 }) });
  await fc.assert(
    fc.asyncProperty(records, damage, async (list, { at, bytes }) => {
      const written = bytesOf(list);
      const pack = Buffer.concat(written);
      const from = at % pack.byteLength;
      const to = Math.min(pack.byteLength, from + bytes.byteLength);
      pack.set(bytes.subarray(0, to - from), from);
      let offset = 0;
      const untouched = written.flatMap((one) => {
        const start = offset;
        offset += one.byteLength;
        return offset <= from || start >= to ? [start] : [];
      });
      const scanned = await scan(pack);
      const found = scanned.filter(({ type }) => type === 'record').map((one) => one.offset);
      expect(untouched.every((start) => found.includes(start))).toBe(true);
      expect(scanned.reduce((sum, one) => sum + one.bytes, 0)).toBe(pack.byteLength);
    }),
  );
});

test('a cut anywhere keeps the whole records before it', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), async (list, cut) => {
      const written = bytesOf(list);
      const pack = Buffer.concat(written);
      const end = cut % (pack.byteLength + 1);
      let offset = 0;
      const whole = written.filter((one) => (offset += one.byteLength) <= end).length;
      const scanned = await scan(pack.subarray(0, end));
      expect(scanned.filter(({ type }) => type === 'record')).toHaveLength(whole);
    }),
  );
});

test('random bytes are no records', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5 * recordHeaderBytes }), async (bytes) => {
      const scanned = await scan(bytes);
      expect(scanned.every(({ type }) => type === 'gap')).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
