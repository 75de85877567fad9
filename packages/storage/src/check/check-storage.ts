import { isCofferError, systemClock, systemRandom } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import { accountsMigrations } from '../accounts/accounts-schema.ts';
import { AccountsTables } from '../accounts/accounts-tables.ts';
import { lostChanges } from '../accounts/refuse-older.ts';
import type { Disk } from '../packs/disk.ts';
import { LocalPacks } from '../packs/local-packs.ts';
import type { Packs } from '../packs/packs.ts';
import { nodeDisk } from '../packs/node-disk.ts';
import { allRows, openReadOnly } from '../sqlite/database.ts';
import { accountsPath, indexPath, readIdentity } from '../storage-folder.ts';
import { CheckIndex } from './check-index.ts';
import { checkJournals } from './check-journals.ts';
import type { CheckPacks, LostPlace } from './check-packs.ts';
import { checkPacks } from './check-packs.ts';
import type { Finding } from './finding.ts';

export interface CheckOptions {
  /** The storage folder. */
  readonly path: string;
  /** True: every record is read and its checksum compared. False: journals only. */
  readonly readData: boolean;
  readonly signal?: AbortSignal;
  /** For tests: another disk under the packs. */
  readonly disk?: Disk;
}

/**
 * Compares everything with everything and changes nothing; works beside a running server, as of the moment it begins.
 * What it yields are findings; nothing yielded means that all is well.
 * @throws NOT_FOUND (no storage there), UPGRADE_REQUIRED, IO
 */
export function checkStorage({ path, readData, signal, disk }: CheckOptions): AsyncGenerator<Finding, void, undefined> {
  return checkWith({ path, readData, ...(signal && { signal }), ...(disk && { disk }) });
}

export interface CheckHooks extends Pick<CheckPacks, 'onChunk' | 'onPack'> {
  /** Stands before the packs that are read. */
  readonly wrapPacks?: (packs: Packs) => Packs;
}

/** The same for a scrub, which reads slowly and remembers what it found. @throws as {@link checkStorage} */
export async function* checkWith(options: CheckOptions & CheckHooks): AsyncGenerator<Finding, void, undefined> {
  const { path, readData, signal, disk = nodeDisk, onChunk, onPack, wrapPacks = (packs) => packs } = options;
  await readIdentity(path);
  yield* checkAccounts(path);
  const index = openIndex(path);
  if (!index) {
    yield { kind: 'database', message: 'index.db is damaged or missing; rebuild it' };
    return;
  }
  using _index = index;
  await using files = new LocalPacks({ path, packBytes: 0 }, { disk, clock: systemClock, random: systemRandom });
  const packs = wrapPacks(files);
  try {
    for (const text of index.integrity()) yield { kind: 'database', message: `index.db: ${text}` };
    const lost = new Map<number, LostPlace>();
    yield* checkPacks({ index, packs, readData, lost, signal, onChunk, onPack });
    index.renew();
    yield* checkJournals({ index, packs, lost: stillLost(index, lost), signal });
  } catch (error) {
    if (!isDamagedDatabase(error)) throw error;
    yield { kind: 'database', message: 'index.db is damaged; rebuild it' };
  }
}

/** What was sent again, moved or collected since it was looked at is not lost. */
function stillLost(index: CheckIndex, lost: ReadonlyMap<number, LostPlace>): Set<number> {
  return new Set([...lost].filter(([chunk, place]) => index.liesAt(chunk, place)).map(([chunk]) => chunk));
}

function openIndex(path: string): CheckIndex | undefined {
  try {
    return new CheckIndex(indexPath(path));
  } catch (error) {
    if (isCofferError(error, 'UPGRADE_REQUIRED', 'BUSY')) throw error;
    return undefined;
  }
}

function* checkAccounts(path: string): Generator<Finding, void, undefined> {
  try {
    const db = openReadOnly(accountsPath(path), accountsMigrations);
    try {
      const rows = allRows<{ integrity_check: string }>(db.prepare('PRAGMA integrity_check(20)'));
      for (const { integrity_check: text } of rows)
        if (text !== 'ok') yield { kind: 'database', message: `accounts.db: ${text}` };
      yield* checkChains(new AccountsTables(db));
    } finally {
      db.close();
    }
  } catch (error) {
    if (isCofferError(error, 'UPGRADE_REQUIRED', 'BUSY')) throw error;
    yield { kind: 'database', message: 'accounts.db is damaged or missing; restore it from a backup' };
    return;
  }
  yield* checkMark(path);
}

function* checkMark(path: string): Generator<Finding, void, undefined> {
  try {
    const lost = lostChanges(path);
    if (lost > 0) yield { kind: 'database', message: `accounts.db has lost ${lost} changes; restore it from a backup` };
  } catch (error) {
    if (!isCofferError(error, 'IO')) throw error;
    yield { kind: 'database', message: error.message };
  }
}

function* checkChains(tables: AccountsTables): Generator<Finding, void, undefined> {
  for (const { account } of tables.list()) {
    try {
      foldChain(tables.statements(account, 0));
    } catch (error) {
      if (!isCofferError(error)) throw error;
      yield { kind: 'journal', account, message: 'the identity chain of an account is broken' };
    }
  }
}

/** Errors of SQLite reach here as they are: the checks ask it directly. */
function isDamagedDatabase(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error;
}
