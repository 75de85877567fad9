import { CofferError } from '@coffer/core';
import type { DatabaseSync } from 'node:sqlite';
import { factsMigrations } from '../facts/facts-schema.ts';
import { allRows, eachRow, firstRow, openReadOnly } from '../sqlite/database.ts';
import { packRowCrc, vaultRowCrc } from '../facts/row-checksum.ts';
import type { PackKind } from '../packs/packs.ts';

export interface CheckedPack {
  readonly number: number;
  readonly pack: string;
  readonly owner: Uint8Array;
  readonly kind: PackKind;
  readonly indexedBytes: number;
  readonly intact: boolean;
}

export interface IndexedRecord {
  readonly offset: number;
  readonly bytes: number;
  /** Chunk id or commit hash. */
  readonly id: Uint8Array;
  /** Row of a chunk; of a commit undefined. */
  readonly chunk: number | undefined;
  /** It was found to be unreadable before. */
  readonly lost: boolean;
}

export interface CheckedVault {
  readonly number: number;
  readonly vault: Uint8Array;
  readonly owner: Uint8Array;
  readonly seq: number;
  readonly head: Uint8Array;
  readonly intact: boolean;
}

export interface CheckedCommit {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly pack: string;
  readonly offset: number;
  readonly bytes: number;
}

/** The index as one reader sees it: everything asked of it is of one moment, whatever a running server does meanwhile. */
export class CheckIndex implements Disposable {
  readonly #db: DatabaseSync;

  /** @throws DAMAGED, UPGRADE_REQUIRED, IO */
  constructor(path: string) {
    this.#db = openReadOnly(path, factsMigrations);
    refuseOlder(this.#db, path);
    this.#db.exec('BEGIN');
  }

  /** From here on what is asked is of another, later moment: a long check must not hold on to one. */
  renew(): void {
    this.#db.exec('COMMIT; BEGIN');
  }

  /** What SQLite's own check says; empty when all is well. */
  integrity(): string[] {
    const rows = allRows<{ integrity_check: string }>(this.#db.prepare('PRAGMA integrity_check(20)'));
    return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  }

  packs(): CheckedPack[] {
    type Row = {
      pack: number;
      name: string;
      owner: Uint8Array;
      kind: PackKind;
      indexed_bytes: number;
      sealed: number;
      crc: number;
    };
    const rows = allRows<Row>(
      this.#db.prepare('SELECT pack, name, owner, kind, indexed_bytes, sealed, crc FROM packs ORDER BY pack'),
    );
    return rows.map(({ pack, name, owner, kind, indexed_bytes: indexedBytes, sealed, crc }) => {
      const intact = packRowCrc({ pack: name, kind, indexedBytes, sealed: sealed === 1 }) === crc;
      return { number: pack, pack: name, owner, kind, indexedBytes, intact };
    });
  }

  /**
   * What the index says lies in a pack, by offset, as far as the pack was indexed when it was listed; row by row, for a pack of
   * small chunks has a hundred thousand. The index must not be renewed meanwhile.
   */
  *records({ pack, kind, indexedBytes }: CheckedPack): Generator<IndexedRecord, void, undefined> {
    const columns =
      kind === 'chunks'
        ? 'offset, bytes, id, chunk, lost FROM chunks'
        : 'offset, bytes, hash AS id, NULL AS chunk, 0 AS lost FROM commits';
    const sql = `SELECT ${columns} WHERE pack = (SELECT pack FROM packs WHERE name = ?) AND offset < ? ORDER BY offset`;
    type Row = Omit<IndexedRecord, 'chunk' | 'lost'> & { chunk: number | null; lost: number };
    for (const row of eachRow<Row>(this.#db.prepare(sql), pack, indexedBytes))
      yield { ...row, chunk: row.chunk ?? undefined, lost: row.lost === 1 };
  }

  /** True when the chunk still lies where it was found to be unreadable. */
  liesAt(chunk: number, { pack, offset }: { readonly pack: string; readonly offset: number }): boolean {
    const sql =
      'SELECT 1 FROM chunks c JOIN packs p ON p.pack = c.pack WHERE c.chunk = ? AND p.name = ? AND c.offset = ?';
    return this.#db.prepare(sql).get(chunk, pack, offset) !== undefined;
  }

  vaults(): CheckedVault[] {
    type Row = {
      vault: number;
      id: Uint8Array;
      owner: Uint8Array;
      kind: string;
      seq: number;
      head: Uint8Array;
      received_at_ms: number;
      state: Uint8Array;
      crc: number;
    };
    const sql =
      'SELECT v.vault, n.id, v.owner, v.kind, v.seq, v.head, v.received_at_ms, v.state, v.crc FROM vaults v JOIN numbers n ON n.number = v.vault';
    return allRows<Row>(this.#db.prepare(sql)).map((row) => {
      const { vault: number, id: vault, owner, kind, seq, head, received_at_ms: receivedAtMs, state } = row;
      return {
        number,
        vault,
        owner,
        seq,
        head,
        intact: vaultRowCrc({ owner, kind, seq, head, receivedAtMs, state }) === row.crc,
      };
    });
  }

  /** In order, from `after + 1` on. */
  commits(vault: number, after: number, limit: number): CheckedCommit[] {
    const sql = `SELECT c.seq, c.hash, p.name AS pack, c.offset, c.bytes FROM commits c JOIN packs p ON p.pack = c.pack
      WHERE c.vault = ? AND c.seq > ? ORDER BY c.seq LIMIT ?`;
    return allRows<CheckedCommit>(this.#db.prepare(sql), vault, after, limit);
  }

  /** Commits that were found and do not follow on. */
  unapplied(): number {
    return firstRow<{ n: number }>(this.#db.prepare('SELECT count(*) AS n FROM unapplied'))?.n ?? 0;
  }

  numberOf(id: Uint8Array): number | undefined {
    return firstRow<{ number: number }>(this.#db.prepare('SELECT number FROM numbers WHERE id = ?'), id)?.number;
  }

  /** Prepared look-ups for the walk over all references. */
  lookUps() {
    const chunk = this.#db.prepare('SELECT chunk FROM chunks WHERE owner = ? AND uploader = ? AND id = ?');
    const version = this.#db.prepare('SELECT to_ms FROM versions WHERE vault = ? AND entry = ? AND seq = ?');
    const tombstone = this.#db.prepare('SELECT 1 FROM tombstones WHERE vault = ? AND entry = ? AND seq = ?');
    return {
      expired: (vault: number, entry: Uint8Array, seq: number) => tombstone.get(vault, entry, seq) !== undefined,
      chunk: (owner: number, uploader: number, id: Uint8Array) =>
        firstRow<{ chunk: number }>(chunk, owner, uploader, id)?.chunk,
      version: (vault: number, entry: Uint8Array, seq: number) =>
        firstRow<{ to_ms: number | null }>(version, vault, entry, seq),
    };
  }

  /** Rows that are referred to and not stored. */
  lostChunks(): number[] {
    return allRows<{ chunk: number }>(this.#db.prepare('SELECT chunk FROM chunks WHERE lost = 1 AND count > 0')).map(
      ({ chunk }) => chunk,
    );
  }

  /** Counts of chunks from a row number on; `grants` is what the vaults' shares add up to. */
  counts(after: number, limit: number): { chunk: number; count: number; grants: number; owner: Uint8Array }[] {
    const sql = `SELECT c.chunk, c.count, n.id AS owner, coalesce((SELECT sum(g.count) FROM grants g WHERE g.chunk = c.chunk), 0) AS grants
      FROM chunks c JOIN numbers n ON n.number = c.owner WHERE c.chunk > ? ORDER BY c.chunk LIMIT ?`;
    return allRows(this.#db.prepare(sql), after, limit);
  }

  /** Every vault that may use a segment, with where the segment lies. */
  segments(
    after: number,
    limit: number,
  ): {
    chunk: number;
    owner: number;
    store: Uint8Array;
    pack: string | null;
    offset: number;
    bytes: number;
    vaults: number;
  }[] {
    const sql = `SELECT c.chunk, c.owner, n.id AS store, p.name AS pack, c.offset, c.bytes,
        (SELECT count(*) FROM grants g WHERE g.chunk = c.chunk) AS vaults
      FROM chunks c JOIN numbers n ON n.number = c.owner LEFT JOIN packs p ON p.pack = c.pack
      WHERE c.kind = 2 AND c.chunk > ? ORDER BY c.chunk LIMIT ?`;
    return allRows(this.#db.prepare(sql), after, limit);
  }

  versionCount(vault: number): number {
    return (
      firstRow<{ n: number }>(this.#db.prepare('SELECT count(*) AS n FROM versions WHERE vault = ?'), vault)?.n ?? 0
    );
  }

  currentCount(vault: number): number {
    return (
      firstRow<{ n: number }>(
        this.#db.prepare('SELECT count(*) AS n FROM versions WHERE vault = ? AND to_ms IS NULL'),
        vault,
      )?.n ?? 0
    );
  }

  /** Owners whose usage does not add up. */
  wrongUsage(): { owner: Uint8Array }[] {
    const sql = `
      WITH
        stored AS (SELECT owner, sum(iif(pack IS NULL, 0, bytes)) AS chunk_bytes, sum(iif(count = 0, bytes, 0)) AS uncommitted,
          sum(iif(pack IS NULL OR sender = owner, 0, bytes)) AS others FROM chunks GROUP BY owner),
        journals AS (SELECT n.number AS owner, sum(c.bytes) AS journal_bytes, sum(iif(c.author = n.number, 0, c.bytes)) AS others FROM commits c JOIN vaults v ON v.vault = c.vault JOIN numbers n ON n.id = v.owner GROUP BY 1),
        kept AS (SELECT n.number AS owner, count(*) AS versions, sum(iif(r.to_ms IS NULL, 1, 0)) AS files, sum(iif(r.ended = 'removed', r.bytes, 0)) AS trash
          FROM versions r JOIN vaults v ON v.vault = r.vault JOIN numbers n ON n.id = v.owner GROUP BY 1)
      SELECT n.id AS owner FROM usage u JOIN numbers n ON n.number = u.owner
        LEFT JOIN stored s ON s.owner = u.owner LEFT JOIN journals j ON j.owner = u.owner LEFT JOIN kept k ON k.owner = u.owner
      WHERE u.chunk_bytes <> coalesce(s.chunk_bytes, 0) OR u.uncommitted_bytes <> coalesce(s.uncommitted, 0)
        OR u.journal_bytes <> coalesce(j.journal_bytes, 0) OR u.versions <> coalesce(k.versions, 0)
        OR u.files <> coalesce(k.files, 0) OR u.trash_bytes <> coalesce(k.trash, 0)
        OR (SELECT coalesce(sum(w.bytes), 0) FROM writers w WHERE w.owner = u.owner)
          <> coalesce(s.others, 0) + coalesce(j.others, 0)`;
    return allRows(this.#db.prepare(sql));
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** A check changes nothing, so it cannot bring an index up to date either. */
function refuseOlder(db: DatabaseSync, path: string): void {
  const version = firstRow<{ user_version: number }>(db.prepare('PRAGMA user_version'))?.user_version ?? 0;
  if (version === factsMigrations.length) return;
  db.close();
  throw new CofferError('UPGRADE_REQUIRED', 'the index was made by an older version of this program', {
    hint: 'Start the server once; that brings the index up to date.',
    details: { path, version },
  });
}
