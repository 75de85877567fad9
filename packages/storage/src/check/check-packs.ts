import { equalBytes, isCofferError } from '@coffer/core';
import { decodePackHeader, packHeaderBytes } from '../packs/pack-format.ts';
import { scanPack } from '../packs/pack-scanner.ts';
import type { Scanned, ScanOptions } from '../packs/pack-scanner.ts';
import type { Packs } from '../packs/packs.ts';
import type { CheckedPack, CheckIndex, IndexedRecord } from './check-index.ts';
import type { Finding } from './finding.ts';

export interface CheckPacks {
  readonly index: CheckIndex;
  readonly packs: Packs;
  /** True: every byte of every pack is read. False: only journals are. */
  readonly readData: boolean;
  /** Rows of chunks that turn out not to be readable are added here. */
  readonly lost: Set<number>;
  readonly signal?: AbortSignal | undefined;
}

/** Packs against the index and against their own checksums. */
export async function* checkPacks(check: CheckPacks): AsyncGenerator<Finding, void, undefined> {
  const sizes = new Map<string, number>();
  for await (const { pack, bytes } of check.packs.list()) sizes.set(pack, bytes);
  for (const pack of check.index.packs()) {
    check.signal?.throwIfAborted();
    yield* checkPack(check, pack, sizes.get(pack.pack));
  }
}

async function* checkPack(
  check: CheckPacks,
  pack: CheckedPack,
  bytes: number | undefined,
): AsyncGenerator<Finding, void, undefined> {
  const about = { account: pack.owner, pack: pack.pack };
  if (!pack.intact) yield { ...about, kind: 'database', message: 'the row of a pack does not match its checksum' };
  if (bytes === undefined) {
    if (!check.index.isStillListed(pack.pack)) return;
    lose(check, check.index.records(pack));
    yield { ...about, kind: 'pack', message: 'a pack is missing' };
    return;
  }
  if (bytes < pack.indexedBytes)
    yield { ...about, kind: 'pack', offset: bytes, message: 'a pack is shorter than what was flushed to it' };
  try {
    yield* checkContent(check, pack, Math.min(bytes, pack.indexedBytes));
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
    yield { ...about, kind: 'pack', message: `a pack cannot be read (${error.code})` };
  }
}

async function* checkContent(
  check: CheckPacks,
  pack: CheckedPack,
  end: number,
): AsyncGenerator<Finding, void, undefined> {
  const about = { account: pack.owner, pack: pack.pack };
  if (!(await hasHeader(check.packs, pack, end)))
    yield { ...about, kind: 'pack', offset: 0, message: 'a pack has no valid header' };
  if (check.readData || pack.kind === 'journal') yield* checkRecords(check, pack, end);
  else yield* checkPlaces(check, pack, end);
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
function* checkPlaces(check: CheckPacks, pack: CheckedPack, end: number): Generator<Finding, void, undefined> {
  for (const record of check.index.records(pack)) {
    if (record.offset >= packHeaderBytes && record.offset + record.bytes <= end) continue;
    lose(check, [record]);
    yield {
      kind: 'record',
      account: pack.owner,
      pack: pack.pack,
      offset: record.offset,
      message: 'a record lies outside its pack',
    };
  }
}

async function* checkRecords(
  check: CheckPacks,
  pack: CheckedPack,
  end: number,
): AsyncGenerator<Finding, void, undefined> {
  const expected = new Map(check.index.records(pack).map((record) => [record.offset, record]));
  const read: ScanOptions['read'] = (range, into) => check.packs.read({ ...pack, ...range }, into);
  for await (const scanned of scanPack({ from: packHeaderBytes, to: end, read, signal: check.signal })) {
    if (scanned.type !== 'record') yield damage(pack, scanned);
    else if (matches(expected.get(scanned.offset), scanned)) expected.delete(scanned.offset);
  }
  for (const record of expected.values()) {
    lose(check, [record]);
    yield {
      kind: 'record',
      account: pack.owner,
      pack: pack.pack,
      offset: record.offset,
      message: 'a record is not where the index says',
    };
  }
}

function matches(expected: IndexedRecord | undefined, scanned: Extract<Scanned, { type: 'record' }>): boolean {
  return expected !== undefined && expected.bytes === scanned.bytes && equalBytes(expected.id, scanned.header.id);
}

function damage(pack: CheckedPack, { offset, bytes, type }: Scanned): Finding {
  const what = type === 'gap' ? 'no record' : 'a damaged record';
  return { kind: 'record', account: pack.owner, pack: pack.pack, offset, message: `${bytes} bytes are ${what}` };
}

function lose({ lost }: CheckPacks, records: readonly IndexedRecord[]): void {
  for (const { chunk } of records) if (chunk !== undefined) lost.add(chunk);
}
