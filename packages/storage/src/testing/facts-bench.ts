import type { AccountId, ChunkId, EntryId } from '@coffer/core';
import { concatBytes, sha256, u32 } from '@coffer/core';
import type { Commit, Ref } from '@coffer/journal';
import { encodeSegment, encodeVaultState, segmentId } from '@coffer/journal';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import type { TestDevice } from '@coffer/journal/testing';
import { equal } from 'node:assert/strict';
import type { Facts, PackProgress, Prepared, PrepareAppend, TeamStateFacts } from '../facts/facts.ts';
import type { PackPlace } from '../packs/packs.ts';

/** Facts with an account, its device and its home vault. */
export class FactsBench implements AsyncDisposable {
  readonly facts: Facts;
  readonly anna = new TestAccount(1);
  readonly bert = new TestAccount(2);
  readonly device: TestDevice = this.anna.enroll();
  readonly home = new TestVault({ owner: this.anna });
  token = 1;
  journalBytes = 0;
  #stored = 0;
  #offset = 10_000;

  private constructor(facts: Facts) {
    this.facts = facts;
  }

  static async open(make: () => Promise<Facts>): Promise<FactsBench> {
    const bench = new FactsBench(await make());
    await bench.prepare(bench.home.genesis);
    await bench.apply(bench.home.genesis);
    return bench;
  }

  /** New chunks of the owner for the home vault. */
  async store(count: number, bytes = 500): Promise<[ChunkId, ...ChunkId[]]> {
    const ids = Array.from({ length: count }, () => testId(1000 + (this.#stored += 1)));
    await this.index(ids, { bytes });
    return ids as [ChunkId, ...ChunkId[]];
  }

  async index(
    ids: readonly ChunkId[],
    { bytes, uploader = this.anna.account }: { readonly bytes: number; readonly uploader?: AccountId },
  ): ReturnType<Facts['indexChunks']> {
    return this.#index({
      kind: 'chunk',
      uploader,
      ids: concatBytes(...ids),
      offsets: ids.map(() => this.#next(bytes)),
      bytes: ids.map(() => bytes),
    });
  }

  async indexSegment(payload: Uint8Array, uploader = this.anna.account): ReturnType<Facts['indexChunks']> {
    const record = { ids: segmentId(payload), offsets: [this.#next(700)], bytes: [700], payloads: [payload] };
    return this.#index({ kind: 'segment', uploader, ...record });
  }

  /** A segment of chunks of the owner; the first stands for its list. */
  segmentOf(ids: readonly ChunkId[], uploader = this.anna.account): Uint8Array {
    const { chunks } = putRef(entry(0), { uploader, ids });
    return encodeSegment({ chunks, list: { uploader, id: ids[0] ?? testId(0) } });
  }

  /** A new segment of new chunks, for the home vault. Its payload. */
  async storeSegment(count: number): Promise<Uint8Array> {
    const payload = this.segmentOf(await this.store(count));
    await this.indexSegment(payload);
    return payload;
  }

  async #index(
    group: Omit<Parameters<Facts['indexChunks']>[0]['groups'][number], 'vault' | 'pack'>,
  ): ReturnType<Facts['indexChunks']> {
    const pack = 'c'.repeat(32);
    const { account: owner } = this.anna;
    const packs = [{ owner, kind: 'chunks', pack, indexedBytes: this.#offset, sealed: false }] as const;
    return this.facts.indexChunks({
      owner,
      groups: [{ ...group, vault: this.home.id, pack }],
      packs,
      graceUntilMs: 1000,
    });
  }

  #next(bytes: number): number {
    const offset = this.#offset;
    this.#offset += bytes;
    return offset;
  }

  put(number: number, ids: readonly ChunkId[]): Ref {
    return putRef(entry(number), { uploader: this.anna.account, ids });
  }

  async addVault(kind: 'share' | 'team'): Promise<TestVault> {
    const vault = new TestVault({ owner: this.anna, kind });
    await this.prepareWith({ vault: vault.id }, vault.genesis);
    await this.apply(vault.genesis, vault);
    return vault;
  }

  /** Makes a commit with these references, prepares and applies it. */
  async append(
    refs: readonly Ref[],
    vault: TestVault = this.home,
    teamStates: readonly TeamStateFacts[] = [],
  ): Promise<Commit> {
    const commit = vault.append({ by: this.device, refs });
    const prepared = await this.prepareWith({ vault: vault.id }, commit);
    equal(prepared.status, 'ready');
    await this.apply(commit, vault, teamStates);
    return commit;
  }

  async prepare(...commits: readonly Commit[]): Promise<Prepared> {
    return this.prepareWith({}, ...commits);
  }

  async prepareWith(changes: Partial<PrepareAppend>, ...commits: readonly Commit[]): Promise<Prepared> {
    this.token += 1;
    const limits = { quotaBytes: null, memberBytes: null, largestFileBytes: null };
    const target = { token: this.token, vault: this.home.id, owner: this.anna.account, segments: [], ...limits };
    return this.facts.prepareAppend({ ...target, commits: commits.map(({ bytes }) => bytes), ...changes });
  }

  /** Applies what was prepared last. */
  async apply(commit: Commit, vault: TestVault = this.home, teamStates: readonly TeamStateFacts[] = []): Promise<void> {
    const bytes = commit.bytes.byteLength + 104;
    const place = { pack: 'd'.repeat(32), offset: this.#next(bytes), bytes };
    const { account: owner } = this.anna;
    const { kind, members } = vault.state;
    await this.facts.applyAppend({
      token: this.token,
      vault: vault.id,
      owner,
      kind,
      applied: [{ seq: commit.header.seq, hash: commit.hash, receivedAtMs: 1000 * commit.header.seq, place }],
      state: encodeVaultState(vault.state),
      teamStates,
      members: [...members.values()].map(({ member, role }) => ({ member, role })),
      packs: [{ owner, kind: 'journal', pack: place.pack, indexedBytes: place.offset + bytes, sealed: false }],
    });
    this.journalBytes += bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.facts[Symbol.asyncDispose]();
  }
}

/** Thirty-two bytes that follow from a number. */
export function testId(number: number): ChunkId {
  return sha256(u32(number));
}

export function entry(number: number): EntryId {
  return new Uint8Array(16).fill(number);
}

/** How far a journal is indexed when this was its last record. */
export function journalUpTo({ pack, offset, bytes }: PackPlace, owner: AccountId): PackProgress {
  return { owner, kind: 'journal', pack, indexedBytes: offset + bytes, sealed: false };
}
