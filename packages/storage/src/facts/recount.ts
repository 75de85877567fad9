import type { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { allRows, firstRow, openReadOnly } from '../sqlite/database.ts';
import type { UsageDifference } from './collection-facts.ts';
import { factsMigrations } from './facts-schema.ts';
import type { UsageFacts } from './facts.ts';
import type { UsageChange } from './usage-index.ts';

/** Rows added up at a time: a few milliseconds on the thread that serves. */
const stepRows = 8192;

/** What has to be added to the counters of the index. */
export interface Correction {
  readonly usage: readonly { readonly owner: number; readonly change: UsageChange }[];
  readonly writers: readonly { readonly owner: number; readonly writer: number; readonly bytes: number }[];
  readonly packs: readonly { readonly pack: number; readonly bytes: number }[];
}

interface Recounted {
  readonly differences: readonly UsageDifference[];
  readonly correction: Correction;
}

/** Where a step of the versions begins, and where the last one ends: entries have sixteen bytes. */
interface VersionKey {
  readonly entry: Uint8Array;
  readonly seq: number;
}

const first: VersionKey = { entry: new Uint8Array(0), seq: 0 };
const beyond: VersionKey = { entry: new Uint8Array(17).fill(255), seq: 0 };

type Counters = Record<keyof UsageFacts, number>;

const counterNames = [
  'chunkBytes',
  'uncommittedBytes',
  'journalBytes',
  'files',
  'versions',
  'trashBytes',
  'othersBytes',
] as const;

/** Adds up what the index holds, as of one moment, on a connection of its own. @throws the signal's reason */
export async function recount(path: string, signal?: AbortSignal): Promise<Recounted> {
  const db = openReadOnly(path, factsMigrations);
  try {
    db.exec('BEGIN');
    const count = new Count(db);
    for (const step of count.steps()) {
      signal?.throwIfAborted();
      step();
      await setImmediate();
    }
    return count.compare();
  } finally {
    db.close();
  }
}

/** What one account has sent into the vaults of another. */
interface Written {
  readonly owner: number;
  readonly writer: number;
  readonly bytes: number;
}

function keyOf({ owner, writer }: Pick<Written, 'owner' | 'writer'>): string {
  return `${owner}/${writer}`;
}

class Count {
  readonly #db: DatabaseSync;
  readonly #usage = new Map<number, Counters>();
  readonly #packs = new Map<number, number>();
  /** By owner and writer. */
  readonly #writers = new Map<string, Written>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Each adds up a bounded part. */
  *steps(): Generator<() => unknown, void, undefined> {
    const last = this.#number('SELECT coalesce(max(chunk), 0) AS number FROM chunks');
    for (let from = 0; from < last; from += stepRows) yield () => this.#countChunks(from);
    const vaults = allRows<{ vault: number; owner: number; seq: number }>(
      this.#db.prepare('SELECT v.vault, n.number AS owner, v.seq FROM vaults v JOIN numbers n ON n.id = v.owner'),
    );
    for (const { vault, owner, seq } of vaults) {
      for (let from = 0; from < seq; from += stepRows) yield () => this.#countCommits(vault, owner, from);
      const cursor: { after: VersionKey | undefined } = { after: first };
      while (cursor.after) yield () => (cursor.after = this.#countVersions(vault, owner, cursor.after ?? first));
    }
  }

  compare(): Recounted {
    const owners = allRows<Counters & { owner: number; account: Uint8Array }>(
      this.#db.prepare(`
        SELECT u.owner, n.id AS account, chunk_bytes AS chunkBytes, uncommitted_bytes AS uncommittedBytes,
          journal_bytes AS journalBytes, files, versions, trash_bytes AS trashBytes,
          (SELECT coalesce(sum(w.bytes), 0) FROM writers w WHERE w.owner = u.owner) AS othersBytes
        FROM usage u JOIN numbers n ON n.number = u.owner`),
    );
    const wrong = owners
      .map(({ owner, account, ...recorded }) => ({ owner, account, recorded, counted: this.#of(owner) }))
      .filter(({ recorded, counted }) => counterNames.some((name) => recorded[name] !== counted[name]));
    return {
      differences: wrong.map(({ account, recorded, counted }) => ({ account, recorded, counted: { ...counted } })),
      correction: {
        usage: wrong.map(({ owner, recorded, counted }) => {
          const { othersBytes: _ofWriters, ...change } = minus(counted, recorded);
          return { owner, change };
        }),
        writers: this.#compareWriters(),
        packs: this.#comparePacks(),
      },
    };
  }

  #countChunks(from: number): void {
    const byOwner = this.#db.prepare(`
      SELECT owner, sum(iif(pack IS NULL, 0, bytes)) AS chunkBytes, sum(iif(count = 0, bytes, 0)) AS uncommittedBytes
      FROM chunks WHERE chunk > ? AND chunk <= ? GROUP BY owner`);
    for (const { owner, ...sums } of allRows<{ owner: number } & Partial<Counters>>(byOwner, from, from + stepRows))
      this.#add(owner, sums);
    const bySender = `SELECT owner, sender AS writer, sum(bytes) AS bytes FROM chunks
      WHERE chunk > ? AND chunk <= ? AND pack IS NOT NULL AND sender <> owner GROUP BY owner, sender`;
    this.#addWritten(allRows<Written>(this.#db.prepare(bySender), from, from + stepRows));
    const byPack = this.#db.prepare(
      'SELECT pack, sum(bytes) AS bytes FROM chunks WHERE chunk > ? AND chunk <= ? AND pack IS NOT NULL GROUP BY pack',
    );
    for (const { pack, bytes } of allRows<{ pack: number; bytes: number }>(byPack, from, from + stepRows))
      this.#packs.set(pack, (this.#packs.get(pack) ?? 0) + bytes);
  }

  #countCommits(vault: number, owner: number, from: number): void {
    const sql = 'SELECT coalesce(sum(bytes), 0) AS number FROM commits WHERE vault = ? AND seq > ? AND seq <= ?';
    this.#add(owner, { journalBytes: this.#number(sql, vault, from, from + stepRows) });
    const byAuthor = `SELECT ?1 AS owner, author AS writer, sum(bytes) AS bytes FROM commits
      WHERE vault = ?2 AND seq > ?3 AND seq <= ?4 AND author <> ?1 GROUP BY author`;
    this.#addWritten(allRows<Written>(this.#db.prepare(byAuthor), owner, vault, from, from + stepRows));
  }

  /** Answers where the next step begins; undefined when these were the last. */
  #countVersions(vault: number, owner: number, after: VersionKey): VersionKey | undefined {
    const next = firstRow<VersionKey>(
      this.#db.prepare(`
        SELECT entry, seq FROM versions WHERE vault = ? AND (entry, seq) > (?, ?)
        ORDER BY entry, seq LIMIT 1 OFFSET ${stepRows - 1}`),
      vault,
      after.entry,
      after.seq,
    );
    const last = next ?? beyond;
    const sums = firstRow<Counters>(
      this.#db.prepare(`
        SELECT count(*) AS versions, coalesce(sum(to_ms IS NULL), 0) AS files,
          coalesce(sum(iif(ended = 'removed', bytes, 0)), 0) AS trashBytes
        FROM versions WHERE vault = ? AND (entry, seq) > (?, ?) AND (entry, seq) <= (?, ?)`),
      vault,
      after.entry,
      after.seq,
      last.entry,
      last.seq,
    );
    if (sums) this.#add(owner, sums);
    return next;
  }

  #compareWriters(): Correction['writers'] {
    const wrong = new Map(this.#writers);
    for (const recorded of allRows<Written>(this.#db.prepare('SELECT owner, writer, bytes FROM writers'))) {
      const bytes = (wrong.get(keyOf(recorded))?.bytes ?? 0) - recorded.bytes;
      wrong.set(keyOf(recorded), { ...recorded, bytes });
    }
    return [...wrong.values()].filter(({ bytes }) => bytes !== 0);
  }

  #comparePacks(): Correction['packs'] {
    const packs = this.#db.prepare("SELECT pack, live_bytes AS bytes FROM packs WHERE kind = 'chunks'");
    return allRows<{ pack: number; bytes: number }>(packs)
      .map(({ pack, bytes }) => ({ pack, bytes: (this.#packs.get(pack) ?? 0) - bytes }))
      .filter(({ bytes }) => bytes !== 0);
  }

  #number(sql: string, ...values: readonly number[]): number {
    return firstRow<{ number: number }>(this.#db.prepare(sql), ...values)?.number ?? 0;
  }

  #of(owner: number): Counters {
    return this.#usage.get(owner) ?? zero();
  }

  #addWritten(rows: readonly Written[]): void {
    for (const { owner, writer, bytes } of rows) {
      const before = this.#writers.get(keyOf({ owner, writer }))?.bytes ?? 0;
      this.#writers.set(keyOf({ owner, writer }), { owner, writer, bytes: before + bytes });
      this.#add(owner, { othersBytes: bytes });
    }
  }

  #add(owner: number, change: Partial<Counters>): void {
    const counters = this.#of(owner);
    for (const name of counterNames) counters[name] += change[name] ?? 0;
    this.#usage.set(owner, counters);
  }
}

function zero(): Counters {
  return { chunkBytes: 0, uncommittedBytes: 0, journalBytes: 0, files: 0, versions: 0, trashBytes: 0, othersBytes: 0 };
}

function minus(a: UsageFacts, b: UsageFacts): UsageFacts {
  const difference = zero();
  for (const name of counterNames) difference[name] = a[name] - b[name];
  return difference;
}
