import { equalBytes, isCofferError } from '@coffer/core';
import { decodePackHeader, packHeaderBytes } from '../packs/pack-format.ts';
import { scanPack } from '../packs/pack-scanner.ts';
import type { Scanned, ScanOptions } from '../packs/pack-scanner.ts';
import type { PackId, Packs } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';
import type { CheckedPack, CheckIndex, IndexedRecord } from './check-index.ts';
import type { Finding } from './finding.ts';

/** Where a record lies that cannot be read. */
export interface LostPlace {
  readonly pack: PackId;
  readonly offset: number;
}

export interface CheckPacks {
  readonly index: CheckIndex;
  readonly packs: Packs;
  /** True: every byte of every pack is read. False: only journals are. */
  readonly readData: boolean;
  /** Rows of chunks that turn out not to be readable are added here. */
  readonly lost: Map<number, LostPlace>;
  /** Told of every chunk that cannot be read, and of those that can be again. */
  readonly onChunk?: ((place: LostPlace, state: 'lost' | 'sound') => void) | undefined;
  readonly onPack?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Packs against the index and against their own checksums. */
export async function* checkPacks(check: CheckPacks): AsyncGenerator<Finding, void, undefined> {
  const all = check.index.packs();
  const sizes = new Map<string, number>();
  for await (const { pack, bytes } of check.packs.list()) sizes.set(pack, bytes);
  for (const pack of all) {
    check.signal?.throwIfAborted();
    check.index.renew();
    yield* checkPack(check, pack, sizes.get(pack.pack));
    check.onPack?.(pack.indexedBytes);
  }
}

/**
 * Records that are moved elsewhere while a server runs leave a pack behind that holds nothing and goes away: that is no
 * finding. One that still holds something stays as long as this reader sees it.
 */
async function* checkPack(
  check: CheckPacks,
  pack: CheckedPack,
  bytes: number | undefined,
): AsyncGenerator<Finding, void, undefined> {
  const about = { account: pack.owner, pack: pack.pack };
  if (!pack.intact) yield { ...about, kind: 'database', message: 'the row of a pack does not match its checksum' };
  const records = check.index.records(pack);
  if (pack.kind === 'chunks' && records.length === 0) return;
  if (bytes === undefined) {
    lose(check, pack, records);
    yield { ...about, kind: 'pack', message: 'a pack is missing' };
    return;
  }
  if (bytes < pack.indexedBytes)
    yield { ...about, kind: 'pack', offset: bytes, message: 'a pack is shorter than what was flushed to it' };
  try {
    yield* checkContent(check, { pack, records, end: Math.min(bytes, pack.indexedBytes) });
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    yield { ...about, kind: 'pack', message: `a pack cannot be read (${error.code})` };
  }
}

interface Content {
  readonly pack: CheckedPack;
  /** What the index says lies there, by offset. */
  readonly records: readonly IndexedRecord[];
  readonly end: number;
}

async function* checkContent(check: CheckPacks, content: Content): AsyncGenerator<Finding, void, undefined> {
  const { pack, end } = content;
  const about = { account: pack.owner, pack: pack.pack };
  if (!(await hasHeader(check.packs, pack, end)))
    yield { ...about, kind: 'pack', offset: 0, message: 'a pack has no valid header' };
  if (check.readData || pack.kind === 'journal') yield* checkRecords(check, content);
  else yield* checkPlaces(check, content);
}

async function hasHeader(packs: Packs, pack: CheckedPack, end: number): Promise<boolean> {
  if (end < packHeaderBytes) return false;
  try {
    return decodePackHeader(await packs.read({ ...pack, offset: 0, length: packHeaderBytes })) !== undefined;
  } catch (error) {
    if (isCofferError(error, 'UPGRADE_REQUIRED')) return false;
    throw error;
  }
}

/** Without reading: what the index says must at least lie within the pack. */
function* checkPlaces(check: CheckPacks, { pack, records, end }: Content): Generator<Finding, void, undefined> {
  for (const record of records) {
    if (record.offset >= packHeaderBytes && record.offset + record.bytes <= end) continue;
    yield loseRecord(check, { pack, record, message: 'a record lies outside its pack' });
  }
}

async function* checkRecords(check: CheckPacks, content: Content): AsyncGenerator<Finding, void, undefined> {
  const { pack, records, end } = content;
  const expected = new Map(records.map((record) => [record.offset, record]));
  const read: ScanOptions['read'] = (range, into) => check.packs.read({ ...pack, ...range }, into);
  try {
    for await (const scanned of scanPack({ from: packHeaderBytes, to: end, read, signal: check.signal })) {
      const known = expected.get(scanned.offset);
      if (scanned.type !== 'record') yield* damage(content, scanned);
      else if (known && matches(known, scanned)) {
        expected.delete(scanned.offset);
        if (known.lost) check.onChunk?.({ pack: pack.pack, offset: known.offset }, 'sound');
      }
    }
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    yield { kind: 'pack', account: pack.owner, pack: pack.pack, message: `a pack cannot be read (${error.code})` };
    await dropReadable(check, pack, expected);
  }
  for (const record of expected.values())
    yield loseRecord(check, { pack, record, message: 'a record is not where the index says' });
}

/** Around a place that the disk cannot read: one bad sector is not the loss of a pack. */
async function dropReadable(
  { packs, signal }: CheckPacks,
  pack: CheckedPack,
  expected: Map<number, IndexedRecord>,
): Promise<void> {
  for (const { offset, bytes, id } of expected.values()) {
    signal?.throwIfAborted();
    try {
      const record = await packs.read({ ...pack, offset, length: bytes });
      openRecord(record, { place: { pack: pack.pack, offset, bytes, id }, at: 0 });
      expected.delete(offset);
    } catch (error) {
      if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    }
  }
}

function matches(expected: IndexedRecord, scanned: Extract<Scanned, { type: 'record' }>): boolean {
  return expected.bytes === scanned.bytes && equalBytes(expected.id, scanned.header.id);
}

/** Damage where nothing lies that is still needed is none: the record was sent again, or nobody refers to it. */
function* damage({ pack, records }: Content, { offset, bytes, type }: Scanned): Generator<Finding, void, undefined> {
  const needed = records.some((record) => record.offset < offset + bytes && record.offset + record.bytes > offset);
  if (pack.kind === 'chunks' && !needed) return;
  const what = type === 'gap' ? 'no record' : 'a damaged record';
  yield { kind: 'record', account: pack.owner, pack: pack.pack, offset, message: `${bytes} bytes are ${what}` };
}

interface LostRecord {
  readonly pack: CheckedPack;
  readonly record: IndexedRecord;
  readonly message: string;
}

function loseRecord(check: CheckPacks, { pack, record, message }: LostRecord): Finding {
  lose(check, pack, [record]);
  return { kind: 'record', account: pack.owner, pack: pack.pack, offset: record.offset, message };
}

function lose({ lost, onChunk }: CheckPacks, { pack }: CheckedPack, records: readonly IndexedRecord[]): void {
  for (const { chunk, offset } of records) {
    if (chunk === undefined) continue;
    lost.set(chunk, { pack, offset });
    onChunk?.({ pack, offset }, 'lost');
  }
}
