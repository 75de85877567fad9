import type { AccountId } from '@coffer/core';
import { CofferError, sha256 } from '@coffer/core';
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { PackRecord } from '../packs/pack-format.ts';
import { decodeRecordHeader, packHeaderBytes, recordHeaderBytes, recordKinds } from '../packs/pack-format.ts';
import type { PackInfo, PackPlace, Packs, PackStore } from '../packs/packs.ts';
import type { ContractCase } from './contract.ts';

/** A new, empty {@link Packs} whose packs are full at 64 KiB, and a way to open it once more. */
export interface PacksSubject {
  readonly packs: Packs;
  /** Closes the packs and opens them again, as a restart does. */
  reopen(): Promise<Packs>;
}

const owner: AccountId = new Uint8Array(16).fill(1);
const other: AccountId = new Uint8Array(16).fill(2);
const chunks: PackStore = { owner, kind: 'chunks' };
const journal: PackStore = { owner, kind: 'journal' };

/** A record whose payload follows from `seed`. */
export function contractRecord(seed: number, bytes = 100): PackRecord {
  const payload = Buffer.alloc(bytes, sha256(Uint8Array.of(seed & 255, seed >> 8)));
  const ids = { vault: new Uint8Array(32).fill(7), id: sha256(payload), uploader: owner };
  const half = bytes >> 1;
  return {
    ...ids,
    kind: recordKinds.chunk,
    receivedAtMs: 2 ** 41 + seed,
    payload: [payload.subarray(0, half), payload.subarray(half)],
  };
}

/** What every {@link Packs} promises. */
export const packsContract: readonly ContractCase<PacksSubject>[] = [
  {
    name: 'what was flushed is read back, header and payload',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const records = [1, 2, 3].map((seed) => contractRecord(seed, seed * 50));
      await expectKept(packs, records);
    },
  },
  {
    name: 'records of one store lie behind each other, in order',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const first = packs.append(chunks, [contractRecord(1), contractRecord(2)]);
      const second = packs.append(chunks, [contractRecord(3)]);
      await packs.flush(chunks, second.ticket);
      const places = [...first.places, ...second.places];
      equal(places[0]?.offset, packHeaderBytes);
      for (const [index, place] of places.slice(1).entries()) equal(place.offset, end(places[index]));
    },
  },
  {
    name: 'stores do not mix',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const stores = [chunks, journal, { owner: other, kind: 'chunks' } as const];
      const placed = stores.map((store, seed) => ({ store, ...packs.append(store, [contractRecord(seed)]) }));
      await Promise.all(placed.map(({ store, ticket }) => packs.flush(store, ticket)));
      equal(new Set(placed.map(({ places }) => places[0]?.pack)).size, 3);
      const listed = await list(packs);
      equal(listed.length, 3);
      deepEqual(new Set(listed.map(({ kind }) => kind)), new Set(['chunks', 'journal']));
    },
  },
  {
    name: 'a full pack is followed by a new one and never grows again',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const all: PackPlace[] = [];
      for (let seed = 0; seed < 10; seed += 1) {
        const { places, room, ticket } = packs.append(chunks, [contractRecord(seed, 20_000)]);
        await room;
        await packs.flush(chunks, ticket);
        all.push(...places);
      }
      ok(new Set(all.map(({ pack }) => pack)).size >= 3);
      ok((await list(packs)).every(({ bytes }) => bytes <= 64 * 1024));
      for (const [seed, place] of all.entries())
        await expectRecord(packs, { store: chunks, place, record: contractRecord(seed, 20_000) });
    },
  },
  {
    name: 'a record larger than a pack has one to itself',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const records = [contractRecord(1), contractRecord(2, 100_000), contractRecord(3)];
      const places = await expectKept(packs, records);
      equal(new Set(places.map(({ pack }) => pack)).size, 3);
    },
  },
  {
    name: 'many flushes at once all mean what they say',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const work = Array.from({ length: 50 }, async (_, seed) => {
        const { places, ticket } = packs.append(chunks, [contractRecord(seed)]);
        await packs.flush(chunks, ticket);
        await expectRecord(packs, { store: chunks, place: places[0], record: contractRecord(seed) });
      });
      await Promise.all(work);
    },
  },
  {
    name: 'what is not there is NOT_FOUND or DAMAGED, never wrong bytes',
    async run(make) {
      const { packs } = await make();
      await using _packs = packs;
      const { places, ticket } = packs.append(chunks, [contractRecord(1)]);
      await packs.flush(chunks, ticket);
      const [place] = places;
      const beyond = { ...chunks, pack: place?.pack ?? '', offset: end(place), length: 1 };
      await rejects(packs.read(beyond), hasCode('DAMAGED'));
      await rejects(packs.read({ ...beyond, pack: '0'.repeat(32) }), hasCode('NOT_FOUND'));
    },
  },
  {
    name: 'after a restart everything flushed is there and a resumed pack goes on',
    async run(make) {
      const subject = await make();
      const first = subject.packs.append(chunks, [contractRecord(1), contractRecord(2)]);
      await subject.packs.flush(chunks, first.ticket);
      const [one, two] = first.places;
      await using packs = await subject.reopen();
      const name = { ...chunks, pack: one?.pack ?? '' };
      await packs.resume({
        ...name,
        bytes: end(two),
        durableBytes: packHeaderBytes,
        wholeBytes: end(two),
        grows: true,
      });
      const next = packs.append(chunks, [contractRecord(3)]);
      await packs.flush(chunks, next.ticket);
      equal(next.places[0]?.pack, one?.pack);
      equal(next.places[0]?.offset, end(two));
      for (const [index, place] of [...first.places, ...next.places].entries()) {
        await expectRecord(packs, { store: chunks, place, record: contractRecord(index + 1) });
      }
    },
  },
  {
    name: 'resuming cuts what follows the whole records',
    async run(make) {
      const subject = await make();
      const first = subject.packs.append(chunks, [contractRecord(1), contractRecord(2)]);
      await subject.packs.flush(chunks, first.ticket);
      const [one, two] = first.places;
      await using packs = await subject.reopen();
      const tail = { ...chunks, pack: one?.pack ?? '', bytes: end(two), durableBytes: end(one), wholeBytes: end(one) };
      await packs.resume({ ...tail, grows: false });
      await rejects(
        packs.read({ ...chunks, pack: two?.pack ?? '', offset: two?.offset ?? 0, length: 1 }),
        hasCode('DAMAGED'),
      );
      await expectRecord(packs, { store: chunks, place: one, record: contractRecord(1) });
    },
  },
  {
    name: 'a removed pack is gone',
    async run(make) {
      const subject = await make();
      const { places, ticket } = subject.packs.append(chunks, [contractRecord(1)]);
      await subject.packs.flush(chunks, ticket);
      await using packs = await subject.reopen();
      await packs.remove({ ...chunks, pack: places[0]?.pack ?? '' });
      deepEqual(await list(packs), []);
    },
  },
  {
    name: 'closing twice is closing once',
    async run(make) {
      const { packs } = await make();
      await packs[Symbol.asyncDispose]();
      await packs[Symbol.asyncDispose]();
    },
  },
];

interface Expected {
  readonly store: PackStore;
  readonly place: PackPlace | undefined;
  readonly record: PackRecord | undefined;
}

/** Appends and flushes the records; each is where it was said to be. */
async function expectKept(packs: Packs, records: readonly PackRecord[]): Promise<readonly PackPlace[]> {
  const { places, ticket } = packs.append(chunks, records);
  await packs.flush(chunks, ticket);
  for (const [index, place] of places.entries())
    await expectRecord(packs, { store: chunks, place, record: records[index] });
  return places;
}

async function expectRecord(packs: Packs, { store, place, record }: Expected): Promise<void> {
  ok(place && record);
  const bytes = await packs.read({ ...store, pack: place.pack, offset: place.offset, length: place.bytes });
  const header = decodeRecordHeader(bytes, 0);
  deepEqual(Buffer.from(header?.id ?? []), Buffer.from(record.id));
  equal(header?.receivedAtMs, record.receivedAtMs);
  deepEqual(Buffer.from(bytes.subarray(recordHeaderBytes)), Buffer.concat(record.payload));
}

async function list(packs: Packs): Promise<PackInfo[]> {
  const all: PackInfo[] = [];
  for await (const info of packs.list()) all.push(info);
  return all;
}

function end(place: PackPlace | undefined): number {
  return (place?.offset ?? 0) + (place?.bytes ?? 0);
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof CofferError && error.code === code;
}
