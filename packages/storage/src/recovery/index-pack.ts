import type { Clock, Logger } from '@coffer/core';
import { concatBytes, isCofferError } from '@coffer/core';
import { parseCommit } from '@coffer/journal';
import { graceMs } from '../chunks/chunk-store.ts';
import type { ChunkGroup, Facts, FoundCommit } from '../facts/facts.ts';
import type { FoundExpiry, FoundRetention, HoldChange, RecordPlace } from '../facts/retention-facts.ts';
import type { RecordHeader } from '../packs/pack-format.ts';
import { decodePackHeader, packHeaderBytes, recordKinds } from '../packs/pack-format.ts';
import type { Scanned, ScanOptions } from '../packs/pack-scanner.ts';
import { scanPack } from '../packs/pack-scanner.ts';
import type { PackInfo, Packs } from '../packs/packs.ts';
import type { FoundStatements } from './found-statements.ts';

/** Records of one index transaction. */
const batchRecords = 2048;

export interface Tail {
  /** End of the whole records that follow each other without a gap. */
  readonly cleanBytes: number;
  /** End of the last whole record of all. */
  readonly wholeBytes: number;
}

export interface TailScan {
  readonly pack: PackInfo;
  /** Everything before is indexed. */
  readonly from: number;
  readonly signal?: AbortSignal | undefined;
}

/** Where the whole records of a pack end. @throws UPGRADE_REQUIRED when newer code wrote the pack */
export async function findTail(packs: Packs, { pack, from, signal }: TailScan): Promise<Tail> {
  const headed = from > 0 || (await hasHeader(packs, pack));
  let clean = headed;
  let cleanBytes = headed ? Math.max(from, packHeaderBytes) : 0;
  let wholeBytes = cleanBytes;
  for await (const scanned of scanRange(packs, { pack, from, to: pack.bytes, signal })) {
    if (scanned.type !== 'record') clean = false;
    else wholeBytes = scanned.offset + scanned.bytes;
    if (clean) cleanBytes = wholeBytes;
  }
  return { cleanBytes, wholeBytes };
}

async function hasHeader(packs: Packs, pack: PackInfo): Promise<boolean> {
  if (pack.bytes < packHeaderBytes) return false;
  return decodePackHeader(await packs.read({ ...pack, offset: 0, length: packHeaderBytes })) !== undefined;
}

export interface ScanRange {
  readonly pack: PackInfo;
  readonly from: number;
  readonly to: number;
  readonly signal?: AbortSignal | undefined;
}

/** Every record of a part of a pack, checked. */
export function scanRange(
  packs: Packs,
  { pack, from, to, signal }: ScanRange,
): AsyncGenerator<Scanned, void, undefined> {
  const read: ScanOptions['read'] = (range, into) => packs.read({ ...pack, ...range }, into);
  return scanPack({ from: Math.max(from, Math.min(packHeaderBytes, to)), to, read, signal });
}

export interface IndexPack extends ScanRange {
  readonly packs: Packs;
  readonly facts: Facts;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  readonly statements: FoundStatements;
  /** True: the pack will not grow. */
  readonly sealed: boolean;
}

/** Puts the whole records of the range into the index. Resolves to how many there were. */
export async function indexPack(work: IndexPack): Promise<number> {
  let batch: Extract<Scanned, { type: 'record' }>[] = [];
  let count = 0;
  let whole = Math.max(work.from, packHeaderBytes);
  for await (const scanned of scanRange(work.packs, work)) {
    if (scanned.type !== 'record') {
      work.logger.error(
        { pack: work.pack.pack, offset: scanned.offset, bytes: scanned.bytes },
        'a damaged place in a pack',
      );
      continue;
    }
    batch.push({ ...scanned, header: keep(scanned.header), payload: keepPayload(scanned) });
    count += 1;
    whole = scanned.offset + scanned.bytes;
    if (batch.length < batchRecords) continue;
    await indexBatch(work, batch, { to: whole, sealed: false });
    batch = [];
  }
  // A pack in which nothing is whole is left alone: it was being made when the process stopped.
  if (count > 0 || work.from > 0) await indexBatch(work, batch, { to: whole, sealed: work.sealed });
  return count;
}

/** Ids are views of the scanner's window, which moves on. */
function keep(header: RecordHeader): RecordHeader {
  return { ...header, vault: header.vault.slice(), id: header.id.slice(), uploader: header.uploader.slice() };
}

/** Chunks are only counted; of the rest the index needs the content. */
function keepPayload({ header, payload }: Extract<Scanned, { type: 'record' }>): Uint8Array {
  return header.kind === recordKinds.chunk ? new Uint8Array(0) : Uint8Array.from(payload);
}

type Whole = Extract<Scanned, { type: 'record' }>;

async function indexBatch(
  work: IndexPack,
  batch: readonly Whole[],
  reached: { to: number; sealed: boolean },
): Promise<void> {
  const { owner, kind, pack } = work.pack;
  const progress = { owner, kind, pack, indexedBytes: reached.to, sealed: reached.sealed };
  if (kind === 'chunks') {
    const graceUntilMs = work.clock.nowMs() + graceMs;
    await work.facts.indexChunks({
      owner,
      groups: groupsOf(batch, pack),
      packs: [progress],
      graceUntilMs,
      recovering: true,
    });
    return;
  }
  const found = foundRetention(work, batch);
  const commits = batch.flatMap((record) => foundCommit(work, record));
  await work.facts.noteCommits(commits, progress, found);
}

function groupsOf(batch: readonly Whole[], pack: string): ChunkGroup[] {
  const groups = new Map<string, Whole[]>();
  for (const record of batch) {
    const { kind, vault, uploader } = record.header;
    if (kind !== recordKinds.chunk && kind !== recordKinds.segment) continue;
    const key = `${kind} ${Buffer.from(vault).toString('latin1')} ${Buffer.from(uploader).toString('latin1')}`;
    const group = groups.get(key);
    if (group) group.push(record);
    else groups.set(key, [record]);
  }
  return [...groups.values()].map((records) => groupOf(records, pack));
}

function groupOf(records: readonly Whole[], pack: string): ChunkGroup {
  const first = records[0]?.header;
  if (!first) throw new TypeError('an empty group');
  const { vault, uploader } = first;
  const segment = first.kind === recordKinds.segment;
  return {
    vault,
    uploader,
    kind: segment ? 'segment' : 'chunk',
    pack,
    ids: concatBytes(...records.map(({ header }) => header.id)),
    offsets: records.map(({ offset }) => offset),
    bytes: records.map(({ bytes }) => bytes),
    ...(segment ? { payloads: records.map(({ payload }) => payload) } : {}),
  };
}

/** Identities are remembered until accounts.db is asked; the rest is the index's. */
function foundRetention({ statements, pack }: IndexPack, batch: readonly Whole[]): FoundRetention {
  const found = { expiries: [] as FoundExpiry[], holds: [] as HoldChange[], setAside: [] as RecordPlace[] };
  for (const { header, payload, offset, bytes } of batch) {
    if (header.kind !== recordKinds.statement) continue;
    const statement = statements.add(payload);
    if (statement?.type === 'hold') found.holds.push(statement);
    if (statement?.type === 'set-aside')
      found.setAside.push(...statement.places.map(([name, at]) => ({ pack: name, offset: at })));
    if (statement?.type !== 'expiry') continue;
    const { owner, pack: name } = pack;
    found.expiries.push({ id: header.id, vault: statement.vault, owner, place: { pack: name, offset, bytes } });
  }
  return found;
}

function foundCommit({ pack, logger }: IndexPack, { header, payload, offset, bytes }: Whole): FoundCommit[] {
  if (header.kind !== recordKinds.commit) return [];
  try {
    const { vault, hash, header: commit } = parseCommit(payload);
    const place = { pack: pack.pack, offset, bytes };
    return [{ vault, owner: pack.owner, seq: commit.seq, hash, receivedAtMs: header.receivedAtMs, place }];
  } catch (error) {
    if (!isCofferError(error) || error.code === 'UPGRADE_REQUIRED') throw error;
    logger.error({ pack: pack.pack, offset, code: error.code }, 'a stored commit does not parse');
    return [];
  }
}
