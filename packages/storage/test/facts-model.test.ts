import type { ChunkId, EntryId } from '@coffer/core';
import { concatBytes, dayMs, randomUnit, sha256, u32 } from '@coffer/core';
import type { Commit, Ref } from '@coffer/journal';
import { encodeSegment, encodeVaultState, noIds, segmentId } from '@coffer/journal';
import { putRef, TestAccount, testRandom, TestVault } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { deepEqual } from 'node:assert';
import { join } from 'node:path';
import type { Facts, LookUpChunks, Prepared } from '../src/facts/facts.ts';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { MemoryFacts } from '../src/testing/index.ts';
import { expiredPuts } from '../src/testing/retention-contract.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

const runs = Number(process.env['COFFER_MODEL_RUNS'] ?? 5);
const steps = 40;

/** Further apart than what a renewal of a grace passes over. */
const graceMs = 10_000_000;

/** The same random history told to both, which must agree in every answer. */
class Twins {
  readonly #facts: readonly Facts[];
  readonly #random;
  readonly #owner = new TestAccount(1);
  readonly #device = this.#owner.enroll();
  readonly #vaults = [new TestVault({ owner: this.#owner }), new TestVault({ owner: this.#owner, kind: 'share' })];
  readonly #ids: ChunkId[] = [];
  readonly #segments: Uint8Array[] = [];
  #token = 0;
  #offset = 12;
  #packNumber = 1;

  constructor(facts: readonly Facts[], seed: number) {
    this.#facts = facts;
    this.#random = testRandom(seed);
  }

  async begin(): Promise<void> {
    for (const vault of this.#vaults) await this.#append(vault, vault.genesis);
  }

  async step(): Promise<void> {
    const luck = randomUnit(this.#random);
    if (luck < 0.25) await this.#store();
    else if (luck < 0.35) await this.#storeSegment();
    else if (luck < 0.45) await this.#claim();
    else if (luck < 0.53) await this.#collect();
    else if (luck < 0.6) await this.#mark();
    else if (luck < 0.67) await this.#move();
    else if (luck < 0.78) await this.#expire();
    else await this.#commit();
    await this.#compare();
  }

  async #both<Result>(ask: (facts: Facts) => Promise<Result> | Result): Promise<Result> {
    const [one, ...others] = await Promise.all(this.#facts.map(async (facts) => ask(facts)));
    for (const other of others) deepEqual(plain(other), plain(one));
    return one as Result;
  }

  async #store(): Promise<void> {
    const vault = this.#pick(this.#vaults);
    // Sometimes one that is there already, for this vault or another.
    const fresh = sha256(u32(this.#ids.length + 1));
    const ids = [fresh, ...(randomUnit(this.#random) < 0.5 && this.#ids.length > 0 ? [this.#pick(this.#ids)] : [])];
    this.#ids.push(fresh);
    await this.#index({ vault, kind: 'chunk', ids: concatBytes(...ids) });
  }

  async #storeSegment(): Promise<void> {
    if (this.#ids.length === 0) return;
    const ids = [this.#pick(this.#ids), this.#maybeUnknown()];
    const { chunks } = putRef(new Uint8Array(16), { uploader: this.#owner.account, ids });
    const payload = encodeSegment({ chunks, list: { uploader: this.#owner.account, id: ids[0] ?? noIds } });
    this.#segments.push(payload);
    await this.#index({
      vault: this.#pick(this.#vaults),
      kind: 'segment',
      ids: segmentId(payload),
      payloads: [payload],
    });
  }

  async #index({
    vault,
    ...group
  }: {
    vault: TestVault;
    kind: 'chunk' | 'segment';
    ids: Uint8Array;
    payloads?: readonly Uint8Array[];
  }): Promise<void> {
    const { account: owner } = this.#owner;
    const count = group.ids.byteLength / 32;
    const bytes = Array.from({ length: count }, () => 105 + Math.floor(randomUnit(this.#random) * 1000));
    const offsets = bytes.map((length) => (this.#offset += length) - length);
    const pack = this.#pack;
    const packs = [{ owner, kind: 'chunks', pack, indexedBytes: this.#offset, sealed: false }] as const;
    const batch = {
      owner,
      groups: [{ ...group, vault: vault.id, uploader: owner, pack, offsets, bytes }],
      packs,
      graceUntilMs: Math.floor(randomUnit(this.#random) * 3) * graceMs,
    };
    await this.#both((facts) => facts.indexChunks(batch));
  }

  async #claim(): Promise<void> {
    const ids = concatBytes(this.#maybeUnknown(), this.#maybeUnknown(), ...this.#segments.slice(-1).map(segmentId));
    const look = { owner: this.#owner.account, vault: this.#pick(this.#vaults).id, uploader: this.#owner.account, ids };
    await this.#both((facts) => facts.claimChunks({ ...look, graceUntilMs: 2 * graceMs }));
  }

  /** Sometimes only half of what is garbage: the rest has its grace. */
  async #collect(): Promise<void> {
    const nowMs = 1 + randomUnit(this.#random) * 3 * graceMs;
    const { segments } = await this.#both((facts) => facts.sweepChunks({ after: 0, nowMs }));
    const owner = this.#owner.account;
    const payloads = this.#segments.filter((payload) =>
      segments.some(({ id }) => id.toHex() === segmentId(payload).toHex()),
    );
    await this.#both((facts) => facts.collectSegments({ owner, payloads, nowMs }));
    await this.#both((facts) => facts.emptyPacks(100));
  }

  async #mark(): Promise<void> {
    const places = await this.#both((facts) => facts.liveRecords({ pack: this.#pack, after: 0, limit: 100 }));
    if (places.length === 0) return;
    const { pack, offset } = this.#pick(places);
    const lost = randomUnit(this.#random) < 0.5;
    await this.#both((facts) => facts.markChunks({ pack, lost, offsets: [offset] }));
  }

  /** Fills up the pack, and copies what is left of it into the next. */
  async #move(): Promise<void> {
    const { account: owner } = this.#owner;
    const from = this.#pack;
    const records = await this.#both((facts) => facts.liveRecords({ pack: from, after: 0, limit: 100 }));
    this.#packNumber += 1;
    const offsets = records.map(({ bytes }) => (this.#offset += bytes) - bytes);
    const moved = [{ owner, from, fromOffsets: records.map(({ offset }) => offset), to: this.#pack, offsets }];
    const packs = [
      { owner, kind: 'chunks', pack: from, indexedBytes: this.#offset, sealed: true },
      { owner, kind: 'chunks', pack: this.#pack, indexedBytes: this.#offset, sealed: false },
    ] as const;
    await this.#both((facts) => facts.packsToCompact(undefined, 100));
    await this.#both((facts) => facts.indexChunks({ owner, groups: [], moved, packs, graceUntilMs: 1 }));
    await this.#both((facts) => facts.emptyPacks(100));
    if (randomUnit(this.#random) < 0.5) await this.#both((facts) => facts.forgetPack(from));
  }

  get #pack(): string {
    return String(this.#packNumber).padStart(32, 'c');
  }

  async #commit(): Promise<void> {
    const vault = this.#pick(this.#vaults);
    const commit = vault.make({ by: this.#device, refs: [this.#nextRef(vault)] });
    if (await this.#append(vault, commit)) vault.add(commit);
  }

  /** Versions of any age, gone ones and current ones too. */
  async #expire(): Promise<void> {
    const vault = this.#pick(this.#vaults);
    const puts = vault.commits.flatMap(expiredPuts).filter(() => randomUnit(this.#random) < 0.3);
    const cause = randomUnit(this.#random) < 0.5 ? 'rules' : 'purge';
    const change = { vault: vault.id, owner: this.#owner.account, atMs: this.#token, cause, packs: [] } as const;
    await this.#both((facts) => facts.expireVersions({ ...change, versions: puts }));
  }

  #nextRef(vault: TestVault): Ref {
    const entry: EntryId = new Uint8Array(16).fill(1 + Math.floor(randomUnit(this.#random) * 5));
    const luck = randomUnit(this.#random);
    if (luck < 0.2) return { kind: 'drop', entries: [entry], reason: luck < 0.1 ? 'removed' : 'moved' };
    if (luck < 0.25) return { kind: 'purge', entry, seqs: luck < 0.22 ? [] : [vault.state.seq] };
    if (luck < 0.3) return { kind: 'policy', policy: { versions: this.#below(9), days: this.#below(9), trashDays: 9 } };
    if (luck < 0.4) return { kind: 'keep', entry, seq: 1 + Math.floor(randomUnit(this.#random) * vault.state.seq) };
    const ids = randomUnit(this.#random) < 0.7 && this.#ids.length > 0 ? [this.#maybeUnknown()] : [];
    const ref = putRef(entry, { uploader: this.#owner.account, ids });
    const segment = randomUnit(this.#random) < 0.3 ? this.#segments.at(-1) : undefined;
    return segment ? { ...ref, segments: segmentId(segment) } : ref;
  }

  /** True when it was applied. */
  async #append(vault: TestVault, commit: Commit): Promise<boolean> {
    this.#token += 1;
    const recovering = randomUnit(this.#random) < 0.2;
    const target = {
      token: this.#token,
      vault: vault.id,
      owner: this.#owner.account,
      commits: [commit.bytes],
      recovering,
    };
    const limits = {
      quotaBytes: randomUnit(this.#random) < 0.1 ? 5000 : null,
      memberBytes: randomUnit(this.#random) < 0.1 ? 2000 : null,
      largestFileBytes: null,
    };
    const prepare = (segments: readonly Uint8Array[]): Promise<Prepared> =>
      this.#both((facts) => facts.prepareAppend({ ...target, ...limits, segments }));
    let prepared = await prepare([]);
    if (prepared.status === 'segments') prepared = await prepare(this.#segments.slice(-1));
    if (prepared.status !== 'ready') return false;
    const place = { pack: 'd'.repeat(32), offset: (this.#offset += 500), bytes: 500 };
    const applied = [{ seq: commit.header.seq, hash: commit.hash, receivedAtMs: commit.header.seq, place }];
    const { kind, members } = vault.state;
    const change = {
      ...target,
      kind,
      applied,
      state: encodeVaultState(vault.state),
      packs: [],
      members: [...members.values()],
    };
    await this.#both((facts) => facts.applyAppend(change));
    return true;
  }

  async #compare(): Promise<void> {
    const { account: owner } = this.#owner;
    await this.#both((facts) => facts.usage(owner));
    await this.#both((facts) => facts.vaultsOf(owner));
    await this.#both((facts) => facts.hasUnplaced(owner));
    const [sqlite] = this.#facts;
    deepEqual(await sqlite?.recount(), []);
    const id = this.#maybeUnknown();
    for (const vault of this.#vaults) {
      const look: LookUpChunks = {
        vault: vault.id,
        owner,
        uploader: owner,
        ids: concatBytes(id, this.#maybeUnknown()),
      };
      await this.#both((facts) => facts.readableChunks(look));
      await this.#both((facts) => facts.commits(vault.id, 0, 1000));
      const nowMs = 7 * dayMs + this.#below(50);
      await this.#both((facts) => facts.policies(vault.id, nowMs));
      const limit = this.#below(9);
      const ended = await this.#both((facts) => facts.endedVersions(vault.id, undefined, limit));
      await this.#both((facts) => facts.endedVersions(vault.id, ended.at(-1), 1000));
      const entry = new Uint8Array(16).fill(this.#below(5));
      const range = { after: this.#below(9), limit: 5 };
      await this.#both((facts) => facts.versionsOf(vault.id, entry, range));
      await this.#both((facts) => facts.tombstonesOf(vault.id, entry, range));
      await this.#both((facts) => facts.lostChunks({ vault: vault.id, after: undefined, limit: 100 }));
      await this.#both((facts) => facts.isStored({ ...look, kind: 'chunk', id }));
      for (const segment of this.#segments.slice(-1)) {
        await this.#both((facts) => facts.isStored({ ...look, kind: 'segment', id: segmentId(segment) }));
      }
    }
  }

  /** A whole number from 1 on. */
  #below(limit: number): number {
    return 1 + Math.floor(randomUnit(this.#random) * limit);
  }

  #maybeUnknown(): ChunkId {
    return randomUnit(this.#random) < 0.8 && this.#ids.length > 0 ? this.#pick(this.#ids) : this.#random.bytes(32);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(randomUnit(this.#random) * items.length)] as Item;
  }
}

/** As data, with what is no part of the promise left out. */
function plain(answer: unknown): unknown {
  if (answer instanceof Uint8Array) return answer.toHex();
  if (Array.isArray(answer)) return answer.map(plain);
  if (typeof answer !== 'object' || answer === null) return answer;
  const members = Object.entries(answer).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    members.filter(([name]) => promised.has(name)).map(([name, value]) => [name, plain(value)]),
  );
}

const promised = new Set([
  'refused',
  'segment',
  'missing',
  'uploader',
  'id',
  'status',
  'count',
  'chunks',
  'entry',
  'usedBytes',
  'places',
  'pack',
  'offset',
  'bytes',
  'vault',
  'kind',
  'owner',
  'role',
  'seq',
  'head',
  'hash',
  'place',
  'receivedAtMs',
  'chunkBytes',
  'uncommittedBytes',
  'journalBytes',
  'files',
  'versions',
  'trashBytes',
  'othersBytes',
  'expired',
  'fromMs',
  'endedAtMs',
  'ended',
  'newer',
  'drop',
  'reason',
  'atMs',
  'cause',
  'purgeReceivedAtMs',
  'changes',
  'last',
  'policy',
  'days',
  'trashDays',
  'liveBytes',
  'next',
  'segments',
]);

test('facts in SQLite answer like facts in maps', async () => {
  for (let seed = 1; seed <= runs; seed += 1) {
    await withTemporaryFolder(async (folder) => {
      await using sqlite = await SqliteFacts.open(join(folder, 'index.db'), { thread: 'same' });
      const twins = new Twins([sqlite, new MemoryFacts()], seed);
      await twins.begin();
      for (let step = 0; step < steps; step += 1) await twins.step();
    });
  }
  expect(runs).toBeGreaterThan(0);
}, 600_000);
