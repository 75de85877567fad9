import type { AccountId, EntryId, VaultId } from '@coffer/core';
import { decodeCbor, equalBytes } from '@coffer/core';
import type { PolicyChange } from '@coffer/journal';
import { destructionDelayMs } from '@coffer/journal';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { Numbers } from './numbers.ts';
import { unknownNumber } from './numbers.ts';
import type {
  FoundExpiry,
  HoldFacts,
  PolicyHistory,
  Tombstone,
  VersionEnd,
  VersionFacts,
  VersionPlace,
  VersionRange,
} from './retention-facts.ts';

interface VersionRow {
  readonly entry: Uint8Array;
  readonly seq: number;
  readonly fromMs: number;
  readonly endedAtMs: number | null;
  readonly ended: VersionEnd | null;
  readonly bytes: number;
}

interface PolicyRow {
  readonly versions: number;
  readonly days: number;
  readonly trashDays: number;
  readonly receivedAtMs: number;
}

/** What is the same for all versions of an entry. */
interface EntryFacts {
  readonly drop: VersionFacts['drop'];
  readonly purge: { readonly seqs: ReadonlySet<number>; readonly receivedAtMs: number } | undefined;
  readonly currentSeq: number | undefined;
}

/** How the reader wraps what it asks of the database. */
type Ask = <Result>(work: () => Result) => Result;

/** Questions of retention to the index; a part of `FactsReader`, on its connection. */
export class RetentionReader {
  readonly #numbers: Numbers;
  readonly #ask: Ask;
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(db: DatabaseSync, deps: { readonly numbers: Numbers; readonly ask: Ask }) {
    this.#numbers = deps.numbers;
    this.#ask = deps.ask;
    this.#statements = prepareAll(db);
  }

  vaultsAfter(after: VaultId | undefined, limit: number): Pick<FoundExpiry, 'vault' | 'owner'>[] {
    return this.#ask(() => allRows(this.#statements.vaults, after ? this.#number(after) : unknownNumber, limit));
  }

  endedVersions(vault: VaultId, after: VersionPlace | undefined, limit: number): VersionFacts[] {
    return this.#ask(() => {
      const number = this.#number(vault);
      const { entry, seq } = after ?? { entry: new Uint8Array(0), seq: 0 };
      return this.#complete(number, allRows<VersionRow>(this.#statements.ended, number, entry, seq, limit));
    });
  }

  versionsOf(vault: VaultId, entry: EntryId, { after, limit }: VersionRange): VersionFacts[] {
    return this.#ask(() => {
      const number = this.#number(vault);
      return this.#complete(number, allRows<VersionRow>(this.#statements.ofEntry, number, entry, after, limit));
    });
  }

  tombstonesOf(vault: VaultId, entry: EntryId, { after, limit }: VersionRange): Tombstone[] {
    return this.#ask(() => allRows<Tombstone>(this.#statements.tombstones, this.#number(vault), entry, after, limit));
  }

  policies(vault: VaultId, nowMs: number): PolicyHistory {
    return this.#ask(() => {
      const number = this.#number(vault);
      const since = nowMs - destructionDelayMs;
      const before = firstRow<PolicyRow>(this.#statements.policyBefore, number, since);
      // However many there were: the largest figures are all that counts of them.
      const recent = firstRow<Nullable<PolicyRow>>(this.#statements.largestPolicy, number, since);
      const last = firstRow<PolicyRow>(this.#statements.lastPolicy, number);
      return { changes: [before, recent].flatMap(changeOf), last: changeOf(last)[0] };
    });
  }

  holds(account: AccountId): HoldFacts[] {
    type Row = Omit<HoldFacts, 'on'> & { readonly on: number };
    return this.#ask(() => allRows<Row>(this.#statements.holds, account).map((row) => ({ ...row, on: row.on === 1 })));
  }

  vaultsToExpire(): VaultId[] {
    return this.#ask(() => allRows<{ vault: Uint8Array }>(this.#statements.toExpire).map(({ vault }) => vault));
  }

  foundExpiries(vault: VaultId, limit: number): FoundExpiry[] {
    type Row = Pick<FoundExpiry, 'id' | 'vault' | 'owner'> & FoundExpiry['place'];
    const rows = this.#ask(() => allRows<Row>(this.#statements.found, vault, limit));
    return rows.map(({ pack, offset, bytes, ...found }) => ({ ...found, place: { pack, offset, bytes } }));
  }

  /** Rows in order of entry and seq. */
  #complete(vault: number, rows: readonly VersionRow[]): VersionFacts[] {
    let facts: EntryFacts | undefined;
    let before: VersionFacts | undefined;
    return rows.map((row) => {
      const same = before !== undefined && equalBytes(before.entry, row.entry);
      facts = same && facts ? facts : this.#entry(vault, row.entry);
      const { drop, purge } = facts;
      const newer = same && before ? newerAfter(before, row.seq, facts) : this.#newer(vault, row);
      const purgeReceivedAtMs = purge?.seqs.has(row.seq) ? purge.receivedAtMs : null;
      before = { ...row, newer, drop, purgeReceivedAtMs };
      return before;
    });
  }

  #entry(vault: number, entry: EntryId): EntryFacts {
    const { drop, purge, current } = this.#statements;
    const purged = firstRow<{ seqs: Uint8Array; receivedAtMs: number }>(purge, vault, entry);
    return {
      drop: firstRow<NonNullable<VersionFacts['drop']>>(drop, vault, entry) ?? null,
      purge: purged && { seqs: new Set(decodeCbor(purged.seqs) as number[]), receivedAtMs: purged.receivedAtMs },
      currentSeq: firstRow<{ seq: number }>(current, vault, entry)?.seq,
    };
  }

  #newer(vault: number, { entry, seq }: VersionRow): number {
    return firstRow<{ n: number }>(this.#statements.newer, vault, entry, seq)?.n ?? 0;
  }

  #number(id: Uint8Array): number {
    return this.#numbers.find(id) ?? unknownNumber;
  }
}

/** One fewer than of the row before, and one more fewer if the current version, which may be no row, lies between. */
function newerAfter(before: VersionFacts, seq: number, { currentSeq }: EntryFacts): number {
  const between = currentSeq !== undefined && before.seq < currentSeq && currentSeq < seq;
  return before.newer - (between ? 2 : 1);
}

type Nullable<Row> = { readonly [Key in keyof Row]: Row[Key] | null };

function changeOf(row: Nullable<PolicyRow> | undefined): PolicyChange[] {
  if (!row) return [];
  const { versions, days, trashDays, receivedAtMs } = row;
  if (versions === null || days === null || trashDays === null || receivedAtMs === null) return [];
  return [{ policy: { versions, days, trashDays }, receivedAtMs }];
}

const versionColumns = 'entry, seq, from_ms AS fromMs, to_ms AS endedAtMs, ended, bytes';
const policyColumns = 'versions, days, trash_days AS trashDays, at_ms AS receivedAtMs';

function prepareAll(
  db: DatabaseSync,
): Record<
  | 'vaults'
  | 'ended'
  | 'ofEntry'
  | 'tombstones'
  | 'policyBefore'
  | 'largestPolicy'
  | 'lastPolicy'
  | 'holds'
  | 'toExpire'
  | 'found'
  | 'drop'
  | 'purge'
  | 'current'
  | 'newer',
  StatementSync
> {
  return {
    vaults: db.prepare(`
      SELECT n.id AS vault, v.owner FROM vaults v JOIN numbers n ON n.number = v.vault
      WHERE v.vault > ? ORDER BY v.vault LIMIT ?`),
    ended: db.prepare(`
      SELECT ${versionColumns} FROM versions INDEXED BY ended_versions
      WHERE vault = ? AND (entry, seq) > (?, ?) AND to_ms IS NOT NULL ORDER BY entry, seq LIMIT ?`),
    ofEntry: db.prepare(`
      SELECT ${versionColumns} FROM versions WHERE vault = ? AND entry = ? AND seq > ? ORDER BY seq LIMIT ?`),
    tombstones: db.prepare(`
      SELECT seq, at_ms AS atMs, cause FROM tombstones WHERE vault = ? AND entry = ? AND seq > ? ORDER BY seq LIMIT ?`),
    policyBefore: db.prepare(
      `SELECT ${policyColumns} FROM policies WHERE vault = ? AND at_ms <= ? ORDER BY seq DESC LIMIT 1`,
    ),
    largestPolicy: db.prepare(`
      SELECT max(versions) AS versions, max(days) AS days, max(trash_days) AS trashDays, max(at_ms) AS receivedAtMs
      FROM policies WHERE vault = ? AND at_ms > ?`),
    lastPolicy: db.prepare(`SELECT ${policyColumns} FROM policies WHERE vault = ? ORDER BY seq DESC LIMIT 1`),
    holds: db.prepare(`
      SELECT holder AS "by", is_on AS "on", at_ms AS atMs, since_ms AS sinceMs, reason FROM holds
      WHERE account = ? ORDER BY holder`),
    toExpire: db.prepare('SELECT DISTINCT vault FROM found_expiries'),
    found: db.prepare('SELECT id, vault, owner, pack, offset, bytes FROM found_expiries WHERE vault = ? LIMIT ?'),
    drop: db.prepare('SELECT reason, at_ms AS atMs FROM drops WHERE vault = ? AND entry = ?'),
    purge: db.prepare('SELECT seqs, at_ms AS receivedAtMs FROM purges WHERE vault = ? AND entry = ?'),
    current: db.prepare('SELECT seq FROM versions WHERE vault = ? AND entry = ? AND to_ms IS NULL'),
    newer: db.prepare('SELECT count(*) AS n FROM versions WHERE vault = ? AND entry = ? AND seq > ?'),
  };
}
