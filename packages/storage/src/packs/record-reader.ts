import type { AccountId } from '@coffer/core';
import { CofferError, equalBytes, isCofferError, KiB, MiB } from '@coffer/core';
import { crc32 } from 'node:zlib';
import type { RecordHeader } from './pack-format.ts';
import { decodeRecordHeader, recordHeaderBytes } from './pack-format.ts';
import type { PackKind, PackPlace, Packs } from './packs.ts';

/** Bytes of records that are read together; one more window is on its way while one is handed out. */
const windowBytes = 4 * MiB;

/** Records of one window: bounds the bookkeeping for very small ones. */
const windowRecords = 1024;

/** Records this close to each other are read in one go: reading the gap costs less than a second read. */
const gapBytes = 32 * KiB;

export interface ReadRecord<Place extends PackPlace> {
  readonly place: Place;
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
}

export interface ReadRecords<Place extends PackPlace> {
  readonly packs: Packs;
  readonly owner: AccountId;
  readonly kind: PackKind;
  readonly places: AsyncIterable<readonly Place[]>;
  readonly signal?: AbortSignal | undefined;
  /** Asked once when a pack is gone: where the records lie now, in the same order. */
  readonly relocate?: (places: readonly Place[]) => Promise<readonly Place[]>;
}

interface Run<Place> {
  readonly pack: string;
  readonly offset: number;
  end: number;
  readonly members: { readonly place: Place; readonly index: number }[];
}

/**
 * Records at the given places, in that order, each checked against its checksums. Neighbours are read together: what
 * was uploaded in sequence lies in sequence. Holds at most two windows of 4 MiB (or one record, if larger).
 * @throws DAMAGED, NOT_FOUND (pack missing), IO; the signal's reason
 */
export async function* readRecords<Place extends PackPlace>(
  options: ReadRecords<Place>,
): AsyncGenerator<ReadRecord<Place>, void, undefined> {
  let ahead: Promise<ReadRecord<Place>[]> | undefined;
  for await (const window of windowsOf(options.places)) {
    options.signal?.throwIfAborted();
    const next = readWindow(options, window);
    next.catch(ignore); // may be abandoned; whoever awaits it still sees the error
    if (ahead) yield* await ahead;
    ahead = next;
  }
  if (ahead) yield* await ahead;
}

async function* windowsOf<Place extends PackPlace>(batches: AsyncIterable<readonly Place[]>): AsyncGenerator<Place[]> {
  let window: Place[] = [];
  let bytes = 0;
  for await (const batch of batches) {
    for (const place of batch) {
      if (window.length > 0 && (bytes + place.bytes > windowBytes || window.length >= windowRecords)) {
        yield window;
        window = [];
        bytes = 0;
      }
      window.push(place);
      bytes += place.bytes;
    }
  }
  if (window.length > 0) yield window;
}

async function readWindow<Place extends PackPlace>(
  options: ReadRecords<Place>,
  window: readonly Place[],
): Promise<ReadRecord<Place>[]> {
  const { relocate } = options;
  try {
    return await readPlaces(options, window);
  } catch (error) {
    if (!relocate || !isCofferError(error, 'NOT_FOUND')) throw error;
    return readMoved(options, await relocate(window));
  }
}

/** What is not where it should be now is gone for good. */
async function readMoved<Place extends PackPlace>(
  options: ReadRecords<Place>,
  window: readonly Place[],
): Promise<ReadRecord<Place>[]> {
  try {
    return await readPlaces(options, window);
  } catch (error) {
    if (!isCofferError(error, 'NOT_FOUND')) throw error;
    throw new CofferError('DAMAGED', 'a pack is missing', { cause: error, details: error.details });
  }
}

async function readPlaces<Place extends PackPlace>(
  { packs, owner, kind }: ReadRecords<Place>,
  window: readonly Place[],
): Promise<ReadRecord<Place>[]> {
  const records: ReadRecord<Place>[] = [];
  records.length = window.length;
  const reads = runsOf(window).map(async (run) => {
    const bytes = await packs.read({ owner, kind, pack: run.pack, offset: run.offset, length: run.end - run.offset });
    for (const { place, index } of run.members)
      records[index] = openRecord(bytes, { place, at: place.offset - run.offset });
  });
  await Promise.all(reads);
  return records;
}

function runsOf<Place extends PackPlace>(window: readonly Place[]): Run<Place>[] {
  const members = window.map((place, index) => ({ place, index }));
  members.sort((a, b) => comparePlaces(a.place, b.place));
  const runs: Run<Place>[] = [];
  for (const member of members) {
    const { pack, offset, bytes } = member.place;
    const run = runs.at(-1);
    const joins = run !== undefined && run.pack === pack && offset <= run.end + gapBytes;
    if (!joins) runs.push({ pack, offset, end: offset + bytes, members: [member] });
    else {
      run.end = Math.max(run.end, offset + bytes);
      run.members.push(member);
    }
  }
  return runs;
}

function comparePlaces(a: PackPlace, b: PackPlace): number {
  if (a.pack !== b.pack) return a.pack < b.pack ? -1 : 1;
  return a.offset - b.offset;
}

/** @throws DAMAGED when the bytes are not the whole, undamaged record that was written there */
export function openRecord<Place extends PackPlace & { readonly id?: Uint8Array }>(
  bytes: Uint8Array,
  { place, at }: { readonly place: Place; readonly at: number },
): ReadRecord<Place> {
  const header = decodeRecordHeader(bytes, at);
  const payload = bytes.subarray(at + recordHeaderBytes, at + place.bytes);
  const whole =
    header !== undefined && header.payloadBytes === payload.byteLength && crc32(payload) === header.payloadCrc;
  if (whole && (place.id === undefined || equalBytes(place.id, header.id))) return { place, header, payload };
  throw new CofferError('DAMAGED', 'a stored record is damaged', {
    hint: 'Run `coffer admin check --read-data` on the server.',
    details: { pack: place.pack, offset: place.offset },
  });
}

function ignore(): void {}
