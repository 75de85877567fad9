import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { firstRow } from '../sqlite/database.ts';
import type { FoundCommit, PackProgress } from './facts.ts';
import type { RecordPlace } from './retention-facts.ts';
import { packRowCrc } from './row-checksum.ts';

/** Which packs there are and how far they are indexed; the writer's half. */
export class PackIndex {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #advance: StatementSync;
  readonly #addLive: StatementSync;
  readonly #note: StatementSync;
  readonly #setAside: StatementSync;
  readonly #forgetFound: StatementSync;
  readonly #numbers = new Map<string, number>();

  constructor(db: DatabaseSync) {
    this.#select = db.prepare('SELECT pack FROM packs WHERE name = ?');
    this.#insert = db.prepare('INSERT INTO packs (name, owner, kind, indexed_bytes, crc) VALUES (?, ?, ?, ?, ?)');
    this.#advance = db.prepare('UPDATE packs SET indexed_bytes = ?, sealed = ?, crc = ? WHERE pack = ?');
    this.#addLive = db.prepare('UPDATE packs SET live_bytes = live_bytes + ? WHERE pack = ?');
    this.#note = db.prepare(
      `INSERT OR IGNORE INTO unapplied (vault, owner, seq, hash, received_at_ms, pack, offset, bytes)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (
          SELECT 1 FROM commits c JOIN numbers n ON n.number = c.vault WHERE n.id = ?1 AND c.seq = ?3 AND c.hash = ?4)
        AND NOT EXISTS (SELECT 1 FROM set_aside s WHERE s.pack = ?6 AND s.offset = ?7)`,
    );
    this.#setAside = db.prepare('INSERT OR IGNORE INTO set_aside (pack, offset) VALUES (?, ?)');
    this.#forgetFound = db.prepare('DELETE FROM unapplied WHERE pack = ? AND offset = ?');
  }

  /** The row numbers of the packs, their progress recorded. */
  advance(packs: readonly PackProgress[]): void {
    for (const progress of packs) {
      const { indexedBytes, sealed } = progress;
      this.#advance.run(indexedBytes, sealed ? 1 : 0, packRowCrc(progress), this.numberOf(progress));
      if (sealed) this.#numbers.delete(progress.pack);
    }
  }

  numberOf(progress: Pick<PackProgress, 'pack' | 'owner' | 'kind'>): number {
    const known = this.#numbers.get(progress.pack);
    if (known !== undefined) return known;
    const number = this.#find(progress.pack) ?? this.#add(progress);
    if (this.#numbers.size >= knownPackLimit) this.#numbers.clear();
    this.#numbers.set(progress.pack, number);
    return number;
  }

  addLive(pack: number, bytes: number): void {
    this.#addLive.run(bytes, pack);
  }

  note(commits: readonly FoundCommit[]): void {
    for (const { vault, owner, seq, hash, receivedAtMs, place } of commits) {
      this.#note.run(vault, owner, seq, hash, receivedAtMs, place.pack, place.offset, place.bytes);
    }
  }

  setAside(places: readonly RecordPlace[]): void {
    for (const { pack, offset } of places) {
      this.#setAside.run(pack, offset);
      this.#forgetFound.run(pack, offset);
    }
  }

  /** After a rolled back transaction. */
  forget(): void {
    this.#numbers.clear();
  }

  #find(name: string): number | undefined {
    return firstRow<{ pack: number }>(this.#select, name)?.pack;
  }

  #add({ pack, owner, kind }: Pick<PackProgress, 'pack' | 'owner' | 'kind'>): number {
    const crc = packRowCrc({ pack, kind, indexedBytes: 0, sealed: false });
    return Number(this.#insert.run(pack, owner, kind, 0, crc).lastInsertRowid);
  }
}

/** Open packs whose numbers are remembered: two of each busy account. */
const knownPackLimit = 4096;
