import { equalBytes, isCofferError } from '@coffer/core';
import { decodePackHeader, packHeaderBytes } from '../packs/pack-format.ts';
import { scanPack } from '../packs/pack-scanner.ts';
import type { Scanned, ScanOptions } from '../packs/pack-scanner.ts';
import type { PackId, Packs } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';
import type { CheckedPack, CheckIndex, IndexedRecord } from './check-index.ts';
import { ExpectedRecords } from './expected-records.ts';
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
  if (pack.kind === 'chunks' && holdsNothing(check, pack)) return;
  if (bytes === undefined) {
    for (const record of check.index.records(pack)) lose(check, pack, record);
    yield { ...about, kind: 'pack', message: 'a pack is missing' };
    return;
  }
  if (bytes < pack.indexedBytes)
    yield { ...about, kind: 'pack', offset: bytes, message: 'a pack is shorter than what was flushed to it' };
  try {
    yield* checkContent(check, { pack, end: Math.min(bytes, pack.indexedBytes) });
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    yield { ...about, kind: 'pack', message: `a pack cannot be read (${error.code})` };
  }
}

function holdsNothing({ index }: CheckPacks, pack: CheckedPack): boolean {
  for (const _record of index.records(pack)) return false;
  return true;
}

interface Content {
  readonly pack: CheckedPack;
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
function* checkPlaces(check: CheckPacks, { pack, end }: Content): Generator<Finding, void, undefined> {
  for (const record of check.index.records(pack)) {
    if (record.offset >= packHeaderBytes && record.offset + record.bytes <= end) continue;
    yield loseRecord(check, { pack, record, message: 'a record lies outside its pack' });
  }
}

/** The walk through the pack and that through the index go side by side. */
async function* checkRecords(check: CheckPacks, { pack, end }: Content): AsyncGenerator<Finding, void, undefined> {
  using expected = new ExpectedRecords(check.index.records(pack));
  const read: ScanOptions['read'] = (range, into) => check.packs.read({ ...pack, ...range }, into);
  let broken = false;
  try {
    for await (const scanned of scanPack({ from: packHeaderBytes, to: end, read, signal: check.signal })) {
      for (const record of expected.before(scanned.offset))
        yield loseRecord(check, { pack, record, message: notThere });
      if (scanned.type === 'record') meet(check, pack, { scanned, expected });
      else yield* damage(pack, scanned, expected);
    }
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    yield { kind: 'pack', account: pack.owner, pack: pack.pack, message: `a pack cannot be read (${error.code})` };
    broken = true;
  }
  for (const record of expected.before(Infinity))
    if (!broken || !(await isReadable(check, pack, record)))
      yield loseRecord(check, { pack, record, message: notThere });
}

const notThere = 'a record is not where the index says';

interface Met {
  readonly scanned: WholeRecord;
  readonly expected: ExpectedRecords;
}

/** One that is another than the index says stays: the walk passes it by. */
function meet({ onChunk }: CheckPacks, pack: CheckedPack, { scanned, expected }: Met): void {
  const known = expected.at(scanned.offset);
  if (!known || known.bytes !== scanned.bytes || !equalBytes(known.id, scanned.header.id)) return;
  expected.take();
  if (known.lost) onChunk?.({ pack: pack.pack, offset: known.offset }, 'sound');
}

/** Around a place that the disk cannot read: one bad sector is not the loss of a pack. */
async function isReadable(
  { packs, signal }: CheckPacks,
  pack: CheckedPack,
  { offset, bytes, id }: IndexedRecord,
): Promise<boolean> {
  signal?.throwIfAborted();
  try {
    const record = await packs.read({ ...pack, offset, length: bytes });
    openRecord(record, { place: { pack: pack.pack, offset, bytes, id }, at: 0 });
    return true;
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    return false;
  }
}

type WholeRecord = Extract<Scanned, { type: 'record' }>;

/** Damage where nothing lies that is still needed is none: the record was sent again, or nobody refers to it. */
function* damage(
  pack: CheckedPack,
  { offset, bytes, type }: Scanned,
  expected: ExpectedRecords,
): Generator<Finding, void, undefined> {
  if (pack.kind === 'chunks' && !expected.reachInto({ offset, bytes })) return;
  const what = type === 'gap' ? 'no record' : 'a damaged record';
  yield { kind: 'record', account: pack.owner, pack: pack.pack, offset, message: `${bytes} bytes are ${what}` };
}

interface LostRecord {
  readonly pack: CheckedPack;
  readonly record: IndexedRecord;
  readonly message: string;
}

function loseRecord(check: CheckPacks, { pack, record, message }: LostRecord): Finding {
  lose(check, pack, record);
  return { kind: 'record', account: pack.owner, pack: pack.pack, offset: record.offset, message };
}

function lose({ lost, onChunk }: CheckPacks, { pack }: CheckedPack, { chunk, offset }: IndexedRecord): void {
  if (chunk === undefined) return;
  lost.set(chunk, { pack, offset });
  onChunk?.({ pack, offset }, 'lost');
}
