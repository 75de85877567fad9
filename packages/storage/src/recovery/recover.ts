import type { AccountId, Clock, Logger, VaultId } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { Accounts } from '../accounts/accounts.ts';
import type { Facts, PackProgress } from '../facts/facts.ts';
import { packHeaderBytes } from '../packs/pack-format.ts';
import type { PackInfo, Packs } from '../packs/packs.ts';
import { refuseNewerPacks } from '../refuse-newer.ts';
import { AccountDirectory } from '../vaults/account-directory.ts';
import { TeamStates } from '../vaults/team-states.ts';
import { applyExpiries } from './apply-expiries.ts';
import { applyFound } from './apply-found.ts';
import { FoundStatements } from './found-statements.ts';
import { findTail, indexPack } from './index-pack.ts';
import { salvage } from './salvage.ts';

export interface RecoverOptions {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly accounts: Accounts;
  /** Grace is counted by it. */
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

export interface Recovered {
  readonly packs: number;
  readonly records: number;
  readonly commits: number;
  /** Vaults whose found commits do not follow on: nothing may be appended to them. */
  readonly stuck: readonly VaultId[];
}

/**
 * Brings the index up to what the packs hold: the unindexed ends of open packs after a crash, everything when the index
 * is new. After a crash a torn end is cut, whole records behind a torn place are kept elsewhere; with a new index nothing
 * is ever cut, since nobody knows what was torn and what is damaged.
 */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const { facts, logger } = options;
  const rebuilding = !(await facts.isComplete());
  const known = new Map((await facts.packs()).map((progress) => [progress.pack, progress]));
  const all = await listPacks(options.packs);
  const found = packsToScan(all, known);
  // Before anything is changed. What is full and indexed never grows again: a newer program puts what it writes elsewhere.
  await refuseNewerPacks(
    options.packs,
    found.map(({ pack }) => pack),
  );
  await noteMissing(options, { known, all });
  if (rebuilding && found.length > 0) {
    const bytes = found.reduce((sum, { pack }) => sum + pack.bytes, 0);
    logger.warn({ packs: found.length, bytes }, 'the index is new and is made from the packs; this takes a while');
  }
  const statements = new FoundStatements();
  let records = 0;
  for (const work of found) {
    options.signal?.throwIfAborted();
    records += await recoverPack({ ...options, ...work, rebuilding, statements });
  }
  await statements.restore(options.accounts, logger);
  const directory = new AccountDirectory((account, after) => statements.chain(options.accounts, account, after));
  const teams = new TeamStates({ ...options, directory });
  const { commits, stuck } = await applyFound({ ...options, teams });
  await applyExpiries(options, stuck);
  await facts.markComplete();
  if (rebuilding) await facts.checkpoint();
  const recovered = { packs: found.length, records, commits, stuck };
  if (records > 0 || stuck.length > 0)
    logger.info({ rebuilding, records, commits, stuck: stuck.length }, 'storage recovered');
  return recovered;
}

/** What lay in a pack that is gone is lost, unless it is met again: then that record takes its place. */
async function noteMissing(
  { facts, logger }: RecoverOptions,
  { known, all }: { readonly known: ReadonlyMap<string, PackProgress>; readonly all: readonly PackInfo[] },
): Promise<void> {
  const there = new Set(all.map(({ pack }) => pack));
  for (const { pack, kind } of known.values()) {
    if (kind !== 'chunks' || there.has(pack)) continue;
    logger.warn({ pack }, 'a pack is gone');
    await facts.markChunks({ pack, lost: true });
    await facts.forgetPack(pack);
  }
}

async function listPacks(packs: Packs): Promise<PackInfo[]> {
  const all: PackInfo[] = [];
  for await (const pack of packs.list()) all.push(pack);
  return all;
}

interface PackWork {
  readonly pack: PackInfo;
  readonly progress: PackProgress | undefined;
  /** The newest pack of its store: the one that goes on growing. */
  readonly newest: boolean;
}

/** Chunk packs before journals: a commit is applied when its chunks are known. Older packs before newer ones. */
function packsToScan(listed: readonly PackInfo[], known: ReadonlyMap<string, PackProgress>): PackWork[] {
  const all = listed.toSorted((a, b) => compare(a.kind, b.kind) || compare(a.pack, b.pack));
  const newest = new Map(all.map((info) => [storeOf(info), info.pack]));
  return all
    .map((pack) => ({ pack, progress: known.get(pack.pack), newest: newest.get(storeOf(pack)) === pack.pack }))
    .filter(({ pack, progress }) => !(progress?.sealed && progress.indexedBytes <= pack.bytes));
}

function storeOf({ owner, kind }: { readonly owner: AccountId; readonly kind: string }): string {
  return `${idKey(owner)}/${kind}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

export interface RecoverPack extends RecoverOptions, PackWork {
  readonly rebuilding: boolean;
  readonly statements: FoundStatements;
}

/** Records that were indexed. */
async function recoverPack(work: RecoverPack): Promise<number> {
  const { pack, progress, packs, logger, newest, rebuilding } = work;
  const indexed = progress?.indexedBytes ?? 0;
  if (pack.bytes < indexed) {
    logger.error({ pack: pack.pack, bytes: pack.bytes, indexed }, 'a pack is shorter than what was flushed to it');
    return 0;
  }
  if (rebuilding) {
    // Nobody knows any more how far it was flushed, and what is indexed may be acknowledged.
    await packs.settle(pack);
    return indexPack({ ...work, from: indexed, to: pack.bytes, sealed: true });
  }
  const tail = await findTail(packs, { pack, from: indexed, signal: work.signal });
  if (tail.cleanBytes < pack.bytes)
    logger.warn({ pack: pack.pack, bytes: pack.bytes - tail.cleanBytes }, 'the torn end of a pack');
  const saved = tail.wholeBytes > tail.cleanBytes ? await salvage(work, tail) : 0;
  if (tail.cleanBytes <= packHeaderBytes) {
    await packs.remove(pack);
    return saved;
  }
  await packs.resume({ ...pack, durableBytes: indexed, wholeBytes: tail.cleanBytes, grows: newest });
  if (tail.cleanBytes === indexed && newest) return saved;
  return saved + (await indexPack({ ...work, from: indexed, to: tail.cleanBytes, sealed: !newest }));
}
