import { equalBytes, isCofferError, splitBytes, zeroHash } from '@coffer/core';
import type { Commit, PutRef } from '@coffer/journal';
import { parseCommit, parseSegment } from '@coffer/journal';
import { DatabaseSync } from 'node:sqlite';
import { segmentUploader, unknownNumber } from '../facts/numbers.ts';
import type { Packs, PackPlace } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';
import { firstRow } from '../sqlite/database.ts';
import type { CheckedCommit, CheckedVault, CheckIndex } from './check-index.ts';
import type { Finding } from './finding.ts';
import { ReferenceCounts } from './reference-counts.ts';

export interface CheckJournals {
  readonly index: CheckIndex;
  readonly packs: Packs;
  /** Rows of chunks that are not readable. */
  readonly lost: Set<number>;
  readonly signal?: AbortSignal | undefined;
}

/** Rows asked of the index at a time. */
const batch = 1000;

/** Chains, versions and counts: what the journals say against what the index says. */
export async function* checkJournals(check: CheckJournals): AsyncGenerator<Finding, void, undefined> {
  const counts = new ReferenceCounts();
  for (const chunk of check.index.lostChunks()) check.lost.add(chunk);
  await countSegments(check, counts);
  for (const vault of check.index.vaults()) yield* new VaultCheck(check, vault, counts).run();
  yield* compareCounts(check, counts);
  for (const { owner } of check.index.wrongUsage())
    yield { kind: 'count', account: owner, message: 'the usage of an account does not add up' };
  const unapplied = check.index.unapplied();
  if (unapplied > 0)
    yield { kind: 'journal', message: `${unapplied} stored commits do not follow the head of their vault` };
}

/** What segments refer to; a segment that cannot be read, or lacks one of its chunks, is lost itself. */
async function countSegments(check: CheckJournals, counts: ReferenceCounts): Promise<void> {
  for (let after = 0; ;) {
    const segments = check.index.segments(after, batch);
    for (const segment of segments) if (!(await countSegment(check, segment, counts))) check.lost.add(segment.chunk);
    if (segments.length < batch) return;
    after = segments.at(-1)?.chunk ?? after;
  }
}

type CheckedSegment = ReturnType<CheckIndex['segments']>[number];

async function countSegment(check: CheckJournals, segment: CheckedSegment, counts: ReferenceCounts): Promise<boolean> {
  const { pack, offset, bytes, store } = segment;
  const payload =
    pack === null ? undefined : await readPayload(check.packs, store, { kind: 'chunks', pack, offset, bytes });
  if (!payload) return false;
  const { chunk: find } = check.index.lookUps();
  let whole = true;
  for (const { uploader, ids } of parseSegment(payload).chunks) {
    const number = check.index.numberOf(uploader) ?? unknownNumber;
    for (const id of splitBytes(ids, 32)) {
      const chunk = find(segment.owner, number, id);
      if (chunk !== undefined) counts.add(chunk, segment.vaults);
      if (chunk === undefined || check.lost.has(chunk)) whole = false;
    }
  }
  return whole;
}

async function readPayload(
  packs: Packs,
  owner: Uint8Array,
  { kind, ...place }: PackPlace & { readonly kind: 'chunks' | 'journal'; readonly id?: Uint8Array },
): Promise<Uint8Array | undefined> {
  try {
    const bytes = await packs.read({ owner, kind, pack: place.pack, offset: place.offset, length: place.bytes });
    return new Uint8Array(openRecord(bytes, { place, at: 0 }).payload);
  } catch (error) {
    if (isCofferError(error)) return undefined;
    throw error;
  }
}

function* compareCounts({ index }: CheckJournals, counts: ReferenceCounts): Generator<Finding, void, undefined> {
  for (let after = 0; ;) {
    const rows = index.counts(after, batch);
    for (const { chunk, count, grants, owner } of rows) {
      const references = counts.of(chunk);
      if (count === references && count === grants) continue;
      yield {
        kind: 'count',
        account: owner,
        message: `a chunk is counted ${count} times and referred to ${references} times`,
      };
    }
    if (rows.length < batch) return;
    after = rows.at(-1)?.chunk ?? after;
  }
}

/** One vault's journal, walked from its genesis. */
class VaultCheck {
  readonly #check: CheckJournals;
  readonly #vault: CheckedVault;
  readonly #counts: ReferenceCounts;
  readonly #find: ReturnType<CheckIndex['lookUps']>;
  readonly #owner: number;
  readonly #current = new CurrentVersions();
  #versions = 0;
  #seq = 0;
  #head: Uint8Array = zeroHash;

  constructor(check: CheckJournals, vault: CheckedVault, counts: ReferenceCounts) {
    this.#check = check;
    this.#vault = vault;
    this.#counts = counts;
    this.#find = check.index.lookUps();
    this.#owner = check.index.numberOf(vault.owner) ?? unknownNumber;
  }

  async *run(): AsyncGenerator<Finding, void, undefined> {
    using _current = this.#current;
    if (!this.#vault.intact) yield this.#finding('database', 'the row of a vault does not match its checksum');
    for (;;) {
      this.#check.signal?.throwIfAborted();
      const commits = this.#check.index.commits(this.#vault.number, this.#seq, batch);
      for (const commit of commits) yield* this.#step(commit);
      if (commits.length < batch) break;
    }
    if (this.#seq !== this.#vault.seq || !equalBytes(this.#head, this.#vault.head))
      yield this.#finding('journal', 'the head of a vault is not its last commit');
    yield* this.#compareVersions();
  }

  async *#step(place: CheckedCommit): AsyncGenerator<Finding, void, undefined> {
    const commit = await this.#read(place);
    const follows = commit && place.seq === this.#seq + 1 && equalBytes(commit.header.prev, this.#head);
    if (!commit) yield this.#finding('journal', 'a commit cannot be read', place.seq);
    else if (!follows || !equalBytes(commit.vault, this.#vault.vault))
      yield this.#finding('journal', 'a commit does not follow the one before', place.seq);
    this.#seq = place.seq;
    this.#head = place.hash;
    if (commit) yield* this.#takeRefs(commit);
  }

  async #read({ hash, ...place }: CheckedCommit): Promise<Commit | undefined> {
    const payload = await readPayload(this.#check.packs, this.#vault.owner, { ...place, kind: 'journal', id: hash });
    try {
      const commit = payload && parseCommit(payload);
      return commit && equalBytes(commit.hash, hash) ? commit : undefined;
    } catch (error) {
      if (isCofferError(error)) return undefined;
      throw error;
    }
  }

  *#takeRefs({ header }: Commit): Generator<Finding, void, undefined> {
    for (const ref of header.refs) {
      if (ref.kind === 'drop') for (const entry of ref.entries) this.#current.end(entry);
      else if (ref.kind === 'keep') this.#current.set(ref.entry, ref.seq);
      else if (ref.kind === 'put') yield* this.#takePut(ref, header.seq);
    }
  }

  *#takePut(ref: PutRef, seq: number): Generator<Finding, void, undefined> {
    this.#current.set(ref.entry, seq);
    if (this.#find.expired(this.#vault.number, ref.entry, seq)) return;
    this.#versions += 1;
    const whole = this.#countPut(ref);
    if (!whole) yield { ...this.#finding('version', 'a version of a file is not whole', seq), entry: ref.entry };
    if (!this.#find.version(this.#vault.number, ref.entry, seq))
      yield { ...this.#finding('count', 'a version is not in the index', seq), entry: ref.entry };
  }

  #countPut({ chunks, segments }: PutRef): boolean {
    let whole = true;
    const take = (uploader: number, id: Uint8Array): void => {
      const chunk = this.#find.chunk(this.#owner, uploader, id);
      if (chunk !== undefined) this.#counts.add(chunk, 1);
      if (chunk === undefined || this.#check.lost.has(chunk)) whole = false;
    };
    for (const { uploader, ids } of chunks) {
      const number = this.#check.index.numberOf(uploader) ?? unknownNumber;
      for (const id of splitBytes(ids, 32)) take(number, id);
    }
    for (const id of splitBytes(segments, 32)) take(segmentUploader, id);
    return whole;
  }

  *#compareVersions(): Generator<Finding, void, undefined> {
    const { index } = this.#check;
    const { number } = this.#vault;
    if (index.versionCount(number) !== this.#versions)
      yield this.#finding('count', 'the index holds other versions than the journal');
    let current = 0;
    for (const { entry, seq } of this.#current.all()) {
      const version = this.#find.version(number, entry, seq);
      if (version && version.to_ms === null) current += 1;
      else if (version)
        yield { ...this.#finding('count', 'a current version is not current in the index', seq), entry };
    }
    if (index.currentCount(number) !== current)
      yield this.#finding('count', 'the index holds other current versions than the journal');
  }

  #finding(kind: Finding['kind'], message: string, seq?: number): Finding {
    const { vault, owner: account } = this.#vault;
    return { kind, message, vault, account, ...(seq === undefined ? {} : { seq }) };
  }
}

/** Current versions by entry, in a temporary database that SQLite moves to disk when it grows. */
class CurrentVersions implements Disposable {
  readonly #db = new DatabaseSync('');
  readonly #set;
  readonly #end;

  constructor() {
    this.#db.exec('CREATE TABLE current (entry BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID; BEGIN');
    this.#set = this.#db.prepare(
      'INSERT INTO current (entry, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq',
    );
    this.#end = this.#db.prepare('DELETE FROM current WHERE entry = ?');
  }

  set(entry: Uint8Array, seq: number): void {
    this.#set.run(entry, seq);
  }

  end(entry: Uint8Array): void {
    this.#end.run(entry);
  }

  *all(): Generator<{ readonly entry: Uint8Array; readonly seq: number }, void, undefined> {
    const next = this.#db.prepare('SELECT entry, seq FROM current WHERE entry > ? ORDER BY entry LIMIT 1');
    for (let entry: Uint8Array = new Uint8Array(0); ;) {
      const row = firstRow<{ entry: Uint8Array; seq: number }>(next, entry);
      if (!row) return;
      yield row;
      entry = row.entry;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
