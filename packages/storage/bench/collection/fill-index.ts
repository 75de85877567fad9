import type { AccountId, VaultId } from '@coffer/core';
import { idKey, systemClock, systemRandom } from '@coffer/core';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import { Storage } from '@coffer/storage';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { packRowCrc } from '../../src/facts/row-checksum.ts';
import { encodePackHeader, packHeaderBytes } from '../../src/packs/pack-format.ts';
import { addAccount, ownerSeed, storageOptions } from './fill.ts';

const chunksPerPack = 100_000;
const recordBytes = 404;

/** Of ten chunks in a row, how many nothing refers to: few enough that no pack is worth compacting. */
const garbageOfTen = 4;

/**
 * A storage whose index knows so many chunks, and whose packs are holes: enough for what a collection does in the index, which
 * is all that grows with their number, and made in minutes where sending ten million chunks takes an hour.
 */
export async function fillIndex(path: string, chunks: number): Promise<void> {
  await Storage.init({ path, clock: systemClock, random: systemRandom });
  const owner = new TestAccount(ownerSeed);
  owner.enroll();
  const home = new TestVault({ owner });
  await makeVault(path, { owner, home });
  using db = new DatabaseSync(join(path, 'index.db'));
  // One transaction in memory: written as it grows, every page of ids in random order would be written a hundred times.
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000; BEGIN');
  const index = new IndexFiller(db, { account: owner.account, vault: home.id });
  for (let at = 0; at < chunks; at += chunksPerPack) makePack(path, owner.account, index.addPack(at / chunksPerPack));
  index.countUsage();
  db.exec('COMMIT; PRAGMA journal_mode = WAL');
}

async function makeVault(
  path: string,
  { owner, home }: { readonly owner: TestAccount; readonly home: TestVault },
): Promise<void> {
  await using storage = await Storage.open(storageOptions(path, systemClock, fail));
  await addAccount(storage, owner, 'owner');
  await storage.createVault(home.genesis);
}

interface MadePack {
  readonly name: string;
  readonly bytes: number;
}

class IndexFiller {
  readonly #db: DatabaseSync;
  readonly #account: AccountId;
  readonly #owner: number;
  readonly #vault: number;

  constructor(db: DatabaseSync, { account, vault }: { readonly account: AccountId; readonly vault: VaultId }) {
    this.#db = db;
    this.#account = account;
    this.#owner = this.#numberOf(account);
    this.#vault = this.#numberOf(vault);
  }

  addPack(number: number): MadePack {
    const name = String(number).padStart(32, '0');
    const bytes = packHeaderBytes + chunksPerPack * recordBytes;
    const row = { pack: name, kind: 'chunks', indexedBytes: bytes, sealed: true } as const;
    const insert = `INSERT INTO packs (name, owner, kind, indexed_bytes, sealed, live_bytes, crc) VALUES (?, ?, 'chunks', ?, 1, ?, ?)`;
    const live = chunksPerPack * recordBytes;
    const { lastInsertRowid: pack } = this.#db.prepare(insert).run(name, this.#account, bytes, live, packRowCrc(row));
    this.#db.exec(`
      INSERT INTO chunks (owner, uploader, id, kind, pack, offset, bytes, content_bytes, count, grace_until_ms)
      SELECT ${this.#owner}, ${this.#owner}, randomblob(32), 1, ${pack}, ${packHeaderBytes} + value * ${recordBytes}, ${recordBytes},
        ${recordBytes}, value % 10 >= ${garbageOfTen}, 0 FROM ${numbersBelow(chunksPerPack)};
      INSERT INTO grants (chunk, vault, count) SELECT chunk, ${this.#vault}, count FROM chunks WHERE pack = ${pack};`);
    return { name, bytes };
  }

  countUsage(): void {
    this.#db.exec(`
      INSERT INTO usage (owner) VALUES (${this.#owner}) ON CONFLICT DO NOTHING;
      UPDATE usage SET chunk_bytes = (SELECT sum(bytes) FROM chunks),
        uncommitted_bytes = (SELECT sum(bytes) FROM chunks WHERE count = 0) WHERE owner = ${this.#owner};`);
  }

  /** The account has one already, as the owner of a vault. */
  #numberOf(id: Uint8Array): number {
    this.#db.prepare('INSERT OR IGNORE INTO numbers (id) VALUES (?)').run(id);
    return Number(this.#db.prepare('SELECT number FROM numbers WHERE id = ?').get(id)?.['number']);
  }
}

function numbersBelow(count: number): string {
  return `(WITH RECURSIVE n (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < ${count - 1}) SELECT value FROM n)`;
}

/** As long as the index says, and a hole but for its header: it is full, so that a start does not look into it. */
function makePack(path: string, owner: AccountId, { name, bytes }: MadePack): void {
  const folder = join(path, 'users', idKey(owner), 'chunks');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.pack`);
  writeFileSync(file, encodePackHeader());
  truncateSync(file, bytes);
}

function fail(error: unknown): never {
  throw new Error('the storage failed', { cause: error });
}
