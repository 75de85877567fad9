import type { AccountId, Hash, VaultId } from '@coffer/core';
import { CofferError, splitBytes } from '@coffer/core';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { allRows, databaseError, firstRow, openReadOnly } from '../sqlite/database.ts';
import { CollectionReader } from './collection-reader.ts';
import { factsMigrations } from './facts-schema.ts';
import type {
  AppliedCommit,
  ChunkPlace,
  FoundCommit,
  LookUpChunks,
  MembershipFacts,
  PackProgress,
  StoredQuestion,
  UsageFacts,
  VaultFacts,
} from './facts.ts';
import { Numbers, segmentUploader, unknownNumber } from './numbers.ts';
import { RetentionReader } from './retention-reader.ts';
import { packRowCrc, vaultRowCrc } from './row-checksum.ts';

interface VaultRow {
  readonly owner: Uint8Array;
  readonly kind: string;
  readonly seq: number;
  readonly head: Uint8Array;
  readonly received_at_ms: number;
  readonly state: Uint8Array;
  readonly crc: number;
}

interface PlaceRow {
  readonly pack: string;
  readonly offset: number;
  readonly bytes: number;
}

interface PackRow {
  readonly name: string;
  readonly owner: Uint8Array;
  readonly kind: 'chunks' | 'journal';
  readonly indexed_bytes: number;
  readonly sealed: number;
  readonly crc: number;
}

interface CommitRow extends PlaceRow {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly received_at_ms: number;
}

interface FoundRow extends CommitRow {
  readonly owner: Uint8Array;
}

function foundOf(vault: VaultId, row: FoundRow): FoundCommit {
  const { owner, seq, hash, received_at_ms: receivedAtMs, pack, offset, bytes } = row;
  return { vault, owner, seq, hash, receivedAtMs, place: { pack, offset, bytes } };
}

const nothing: UsageFacts = {
  chunkBytes: 0,
  uncommittedBytes: 0,
  journalBytes: 0,
  files: 0,
  versions: 0,
  trashBytes: 0,
  othersBytes: 0,
};

/** Every question to the index, on a read-only connection; each is short enough for the thread that serves. */
export class FactsReader {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #numbers: Numbers;
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly collection: CollectionReader;
  /** What retention asks. */
  readonly retention: RetentionReader;

  constructor(path: string) {
    this.#path = path;
    this.#db = openReadOnly(path, factsMigrations);
    this.#numbers = new Numbers(this.#db, 'read');
    this.#statements = prepareAll(this.#db);
    const ask = <Result>(work: () => Result): Result => this.#ask(work);
    this.collection = new CollectionReader({ db: this.#db, numberOf: (id) => this.#number(id), ask });
    this.retention = new RetentionReader(this.#db, { numbers: this.#numbers, ask });
  }

  isComplete(): boolean {
    return this.#ask(() => this.#statements.complete.get() !== undefined);
  }

  packs(): PackProgress[] {
    return this.#ask(() => allRows<PackRow>(this.#statements.packs).map((row) => this.#packOf(row)));
  }

  vault(vault: VaultId): VaultFacts | undefined {
    const row = this.#ask(() => firstRow<VaultRow>(this.#statements.vault, this.#number(vault)));
    if (!row) return undefined;
    const { owner, kind, seq, head, received_at_ms: receivedAtMs, state } = row;
    const facts = { vault, owner, kind, seq, head, receivedAtMs, state };
    if (vaultRowCrc(facts) !== row.crc) throw this.#damaged();
    return facts;
  }

  vaultsOf(member: AccountId | VaultId): MembershipFacts[] {
    return this.#ask(() => allRows<MembershipFacts>(this.#statements.vaultsOf, member));
  }

  commits(vault: VaultId, after: number, limit: number): AppliedCommit[] {
    const rows = this.#ask(() => allRows<CommitRow>(this.#statements.commits, this.#number(vault), after, limit));
    return rows.map(({ seq, hash, received_at_ms, pack, offset, bytes }) => ({
      seq,
      hash,
      receivedAtMs: received_at_ms,
      place: { pack, offset, bytes },
    }));
  }

  journalBytes(vault: VaultId): number {
    return this.#ask(() => firstRow<{ bytes: number }>(this.#statements.journalBytes, this.#number(vault)))?.bytes ?? 0;
  }

  teamSeq(team: VaultId, head: Hash): number | undefined {
    return this.#ask(() => firstRow<{ seq: number }>(this.#statements.teamSeq, this.#number(team), head))?.seq;
  }

  teamStateUpTo(team: VaultId, seq: number): Uint8Array | undefined {
    return this.#ask(() => firstRow<{ state: Uint8Array }>(this.#statements.teamState, this.#number(team), seq))?.state;
  }

  isStored({ owner, vault, uploader, kind, id }: StoredQuestion): boolean {
    return this.#ask(() => {
      const [store, sender] = [this.#number(owner), this.#number(uploader)];
      if (kind === 'chunk') return this.#statements.stored.get(store, sender, id) !== undefined;
      return this.#statements.usableSegment.get(this.#number(vault), store, segmentUploader, id) !== undefined;
    });
  }

  readableChunks({ vault, owner, uploader, ids }: LookUpChunks): (ChunkPlace | undefined)[] {
    return this.#ask(() => {
      const [place, store, sender] = [this.#number(vault), this.#number(owner), this.#number(uploader)];
      return splitBytes(ids, 32).map((id) => {
        const row = firstRow<PlaceRow>(this.#statements.readable, place, store, sender, id);
        return row && { pack: row.pack, offset: row.offset, bytes: row.bytes, id };
      });
    });
  }

  usage(owner: AccountId): UsageFacts {
    const row = this.#ask(() => firstRow<UsageFacts>(this.#statements.usage, this.#number(owner)));
    return row ?? nothing;
  }

  writtenBytes(owner: AccountId, writer: AccountId): number {
    const [store, sender] = [this.#number(owner), this.#number(writer)];
    return this.#ask(() => firstRow<{ bytes: number }>(this.#statements.written, store, sender))?.bytes ?? 0;
  }

  vaultsToRecover(): VaultId[] {
    return this.#ask(() => allRows<{ vault: Uint8Array }>(this.#statements.toRecover).map(({ vault }) => vault));
  }

  foundCommits(vault: VaultId, seq: number): FoundCommit[] {
    return this.#ask(() => allRows<FoundRow>(this.#statements.found, vault, seq)).map((row) => foundOf(vault, row));
  }

  foundAfter(vault: VaultId, seq: number, limit: number): FoundCommit[] {
    const rows = this.#ask(() => allRows<FoundRow>(this.#statements.foundAfter, vault, seq, limit));
    return rows.map((row) => foundOf(vault, row));
  }

  close(): void {
    this.#db.close();
  }

  #packOf({ name: pack, owner, kind, indexed_bytes: indexedBytes, sealed, crc }: PackRow): PackProgress {
    const progress = { owner, kind, pack, indexedBytes, sealed: sealed === 1 };
    if (packRowCrc(progress) !== crc) throw this.#damaged();
    return progress;
  }

  #number(id: Uint8Array): number {
    return this.#numbers.find(id) ?? unknownNumber;
  }

  #damaged(): CofferError {
    return new CofferError('DAMAGED', 'a row of the index does not match its checksum', {
      details: { path: this.#path },
    });
  }

  #ask<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  }
}

function prepareAll(
  db: DatabaseSync,
): Record<
  | 'complete'
  | 'packs'
  | 'vault'
  | 'vaultsOf'
  | 'commits'
  | 'stored'
  | 'usableSegment'
  | 'readable'
  | 'usage'
  | 'written'
  | 'journalBytes'
  | 'teamSeq'
  | 'teamState'
  | 'toRecover'
  | 'found'
  | 'foundAfter',
  StatementSync
> {
  return {
    complete: db.prepare("SELECT 1 FROM meta WHERE key = 'complete'"),
    packs: db.prepare('SELECT name, owner, kind, indexed_bytes, sealed, crc FROM packs'),
    vault: db.prepare('SELECT owner, kind, seq, head, received_at_ms, state, crc FROM vaults WHERE vault = ?'),
    vaultsOf: db.prepare(`
      SELECT n.id AS vault, v.kind, v.owner, m.role, v.seq, v.head
      FROM members m JOIN vaults v ON v.vault = m.vault JOIN numbers n ON n.number = v.vault
      WHERE m.member = ? ORDER BY v.vault`),
    commits: db.prepare(`
      SELECT c.seq, c.hash, c.received_at_ms, p.name AS pack, c.offset, c.bytes
      FROM commits c JOIN packs p ON p.pack = c.pack WHERE c.vault = ? AND c.seq > ? ORDER BY c.seq LIMIT ?`),
    stored: db.prepare('SELECT 1 FROM chunks WHERE owner = ? AND uploader = ? AND id = ? AND lost = 0'),
    usableSegment: db.prepare(`
      SELECT 1 FROM chunks c JOIN grants g ON g.chunk = c.chunk AND g.vault = ?
      WHERE c.owner = ? AND c.uploader = ? AND c.id = ? AND c.lost = 0`),
    readable: db.prepare(`
      SELECT p.name AS pack, c.offset, c.bytes FROM chunks c
      JOIN grants g ON g.chunk = c.chunk AND g.vault = ? AND g.count > 0
      JOIN packs p ON p.pack = c.pack
      WHERE c.owner = ? AND c.uploader = ? AND c.id = ?`),
    ...prepareUsage(db),
    ...prepareTeams(db),
    ...prepareFound(db),
  };
}

/** What the journals of teams were. */
function prepareTeams(db: DatabaseSync) {
  return {
    journalBytes: db.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM commits WHERE vault = ?'),
    teamSeq: db.prepare('SELECT seq FROM team_heads WHERE vault = ? AND hash = ?'),
    teamState: db.prepare('SELECT state FROM team_states WHERE vault = ? AND seq <= ? ORDER BY seq DESC LIMIT 1'),
  };
}

/** What a recovery has found and not applied. */
function prepareFound(db: DatabaseSync) {
  return {
    toRecover: db.prepare('SELECT DISTINCT vault FROM unapplied'),
    found: db.prepare(
      'SELECT owner, seq, hash, received_at_ms, pack, offset, bytes FROM unapplied WHERE vault = ? AND seq = ?',
    ),
    foundAfter: db.prepare(
      'SELECT owner, seq, hash, received_at_ms, pack, offset, bytes FROM unapplied WHERE vault = ? AND seq > ? ORDER BY seq LIMIT ?',
    ),
  };
}

/** What accounts store, and with whom. */
function prepareUsage(db: DatabaseSync) {
  return {
    usage: db.prepare(`
      SELECT chunk_bytes AS chunkBytes, uncommitted_bytes AS uncommittedBytes, journal_bytes AS journalBytes,
        files, versions, trash_bytes AS trashBytes,
        (SELECT coalesce(sum(w.bytes), 0) FROM writers w WHERE w.owner = u.owner) AS othersBytes
      FROM usage u WHERE owner = ?`),
    written: db.prepare('SELECT bytes FROM writers WHERE owner = ? AND writer = ?'),
  };
}
