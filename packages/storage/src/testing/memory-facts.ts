import type { AccountId, ChunkId, EntryId, Hash, IdKey, VaultId } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import { parseSegment } from '@coffer/journal';
import type {
  AppendToken,
  ApplyAppend,
  AppliedCommit,
  CheckSegment,
  ChunkPlace,
  ClaimChunks,
  Facts,
  FoundCommit,
  IndexChunks,
  LookUpChunks,
  MembershipFacts,
  PackProgress,
  PrepareAppend,
  Prepared,
  RefusedSegment,
  StoredQuestion,
  UsageFacts,
  VaultFacts,
} from '../facts/facts.ts';
import type {
  ExpireVersions,
  FoundRetention,
  HoldChange,
  RecordPlace,
  VersionRange,
} from '../facts/retention-facts.ts';
import type { MemoryChunk } from './memory-chunks.ts';
import { MemoryAppends } from './memory-appends.ts';
import { anyone, MemoryChunks, referencesOf, soundPlace } from './memory-chunks.ts';
import { grant, indexGroup, renew } from './memory-index-group.ts';
import { lacksOf, refusal } from './memory-lacks.ts';
import type { MemoryVersions } from './memory-retention.ts';
import { inRange, MemoryStatements } from './memory-retention.ts';
import { usageOf, writtenOf } from './memory-usage.ts';
import type { MemoryVault } from './memory-vault.ts';
import { MemoryCollection } from './memory-collection.ts';

/** {@link Facts} in maps: slow, plain, and forgotten with the process. Passes `factsContract`. */
export class MemoryFacts implements Facts {
  readonly #chunks = new MemoryChunks();
  readonly #vaults = new Map<IdKey, MemoryVault>();
  readonly #packs = new Map<string, PackProgress>();
  readonly #appends = new MemoryAppends({ chunks: this.#chunks, vaults: this.#vaults });
  readonly #collection = new MemoryCollection({
    chunks: this.#chunks,
    packs: this.#packs,
    pinned: () => this.#appends.pinned(),
  });
  readonly #statements = new MemoryStatements();
  #found: FoundCommit[] = [];
  /** Records that count for nothing. */
  readonly #aside = new Set<string>();
  #complete = false;

  async indexChunks(batch: IndexChunks): ReturnType<Facts['indexChunks']> {
    const { owner, groups, moved, packs, graceUntilMs, recovering } = batch;
    const refused: RefusedSegment[] = [];
    for (const group of groups)
      indexGroup(this.#chunks, { owner, group, graceUntilMs, recovering: recovering === true }, refused);
    for (const records of moved ?? []) this.#collection.move(records);
    await this.advancePacks(packs);
    return { refused };
  }

  async claimChunks({ owner, vault, uploader, ids, graceUntilMs }: ClaimChunks): Promise<readonly boolean[]> {
    return splitBytes(ids, 32).map((id) => {
      const own = this.#chunk(owner, idKey(uploader), id);
      if (own && soundPlace(own)) grant(own, idKey(vault));
      const segment = this.#chunk(owner, anyone, id);
      const usable = segment?.grants.has(idKey(vault)) ? segment : undefined;
      const there = soundPlace(own) ? own : usable;
      if (!there || !soundPlace(there)) return false;
      renew(there, graceUntilMs);
      return true;
    });
  }

  async checkSegment({ owner, vault, author, payload }: CheckSegment): Promise<Prepared> {
    const scope = { owner: idKey(owner), vault: idKey(vault), author: idKey(author) };
    return refusal(lacksOf(this.#chunks, scope, parseSegment(payload).chunks)) ?? { status: 'ready' };
  }

  async prepareAppend(append: PrepareAppend): Promise<Prepared> {
    return this.#appends.prepare(append);
  }

  async applyAppend(append: ApplyAppend): Promise<void> {
    this.#appends.apply(append);
    const applied = new Set(append.applied.map(({ hash }) => idKey(hash)));
    this.#found = this.#found.filter(({ hash }) => !applied.has(idKey(hash)));
    await this.advancePacks(append.packs);
  }

  async cancelAppend(token: AppendToken): Promise<void> {
    this.#appends.cancel(token);
  }

  async advancePacks(packs: readonly PackProgress[]): Promise<void> {
    for (const progress of packs) this.#packs.set(progress.pack, progress);
  }

  async checkpoint(): Promise<boolean> {
    return true;
  }

  async isComplete(): Promise<boolean> {
    return this.#complete;
  }

  async markComplete(): Promise<void> {
    this.#complete = true;
  }

  async noteCommits(commits: readonly FoundCommit[], pack: PackProgress, found?: FoundRetention): Promise<void> {
    for (const place of found?.setAside ?? []) this.#setAside(place);
    this.#found.push(...commits.filter((commit) => !this.#isApplied(commit) && !this.#aside.has(keyOf(commit.place))));
    if (found) this.#statements.note(found);
    await this.advancePacks([pack]);
  }

  async vaultsToRecover(): Promise<readonly VaultId[]> {
    return [...new Map(this.#found.map(({ vault }) => [idKey(vault), vault])).values()];
  }

  async foundCommits(vault: VaultId, seq: number): Promise<readonly FoundCommit[]> {
    return this.#found.filter((found) => idKey(found.vault) === idKey(vault) && found.seq === seq);
  }

  async foundAfter(vault: VaultId, seq: number, limit: number): Promise<readonly FoundCommit[]> {
    const found = this.#found.filter((one) => idKey(one.vault) === idKey(vault) && one.seq > seq);
    return found.toSorted((a, b) => a.seq - b.seq).slice(0, limit);
  }

  async setAsideCommits(places: readonly RecordPlace[], packs: readonly PackProgress[]): Promise<void> {
    for (const place of places) this.#setAside(place);
    await this.advancePacks(packs);
  }

  async packs(): Promise<readonly PackProgress[]> {
    return [...this.#packs.values()];
  }

  async vault(vault: VaultId): Promise<VaultFacts | undefined> {
    const found = this.#vaults.get(idKey(vault));
    if (!found) return undefined;
    const { members: _members, commits: _commits, teamStates: _states, history: _history, ...facts } = found;
    return facts;
  }

  async vaultsOf(member: AccountId | VaultId): Promise<readonly MembershipFacts[]> {
    return [...this.#vaults.values()].flatMap(({ vault, kind, owner, seq, head, members }) => {
      const own = members.find((other) => idKey(other.member) === idKey(member));
      return own ? [{ vault, kind, owner, seq, head, role: own.role }] : [];
    });
  }

  async commits(vault: VaultId, after: number, limit: number): Promise<readonly AppliedCommit[]> {
    const commits = this.#vaults.get(idKey(vault))?.commits ?? [];
    const wanted = commits.filter(({ seq }) => seq > after).slice(0, limit);
    return wanted.map(({ author: _author, ...commit }) => commit);
  }

  async journalBytes(vault: VaultId): Promise<number> {
    return (this.#vaults.get(idKey(vault))?.commits ?? []).reduce((sum, { place }) => sum + place.bytes, 0);
  }

  async teamSeq(team: VaultId, head: Hash): Promise<number | undefined> {
    const vault = this.#vaults.get(idKey(team));
    return vault?.kind === 'team' ? vault.commits.find(({ hash }) => idKey(hash) === idKey(head))?.seq : undefined;
  }

  async teamStateUpTo(team: VaultId, seq: number): Promise<Uint8Array | undefined> {
    return this.#vaults.get(idKey(team))?.teamStates.findLast((kept) => kept.seq <= seq)?.state;
  }

  isStored({ owner, vault, uploader, kind, id }: StoredQuestion): boolean {
    const chunk = this.#chunk(owner, kind === 'segment' ? anyone : idKey(uploader), id);
    return soundPlace(chunk) !== undefined && (kind === 'chunk' || chunk?.grants.has(idKey(vault)) === true);
  }

  async readableChunks({ vault, owner, uploader, ids }: LookUpChunks): Promise<readonly (ChunkPlace | undefined)[]> {
    return splitBytes(ids, 32).map((id) => {
      const chunk = this.#chunk(owner, idKey(uploader), id);
      const readable = chunk?.place && (chunk.grants.get(idKey(vault)) ?? 0) > 0;
      return readable ? ({ ...chunk.place, id } as ChunkPlace) : undefined;
    });
  }

  async usage(owner: AccountId): Promise<UsageFacts> {
    return usageOf({ chunks: this.#chunks, vaults: this.#vaults }, owner);
  }

  async writtenBytes(owner: AccountId, writer: AccountId): Promise<number> {
    const key = idKey(writer);
    return key === idKey(owner) ? 0 : writtenOf({ chunks: this.#chunks, vaults: this.#vaults }, owner, key);
  }

  sweepChunks(sweep: Parameters<Facts['sweepChunks']>[0]): ReturnType<Facts['sweepChunks']> {
    return this.#collection.sweepChunks(sweep);
  }

  collectSegments(segments: Parameters<Facts['collectSegments']>[0]): ReturnType<Facts['collectSegments']> {
    return this.#collection.collectSegments(segments);
  }

  liveRecords(look: Parameters<Facts['liveRecords']>[0]): ReturnType<Facts['liveRecords']> {
    return this.#collection.liveRecords(look);
  }

  forgetPack(pack: Parameters<Facts['forgetPack']>[0]): ReturnType<Facts['forgetPack']> {
    return this.#collection.forgetPack(pack);
  }

  markChunks(mark: Parameters<Facts['markChunks']>[0]): ReturnType<Facts['markChunks']> {
    return this.#collection.markChunks(mark);
  }

  lostChunks(look: Parameters<Facts['lostChunks']>[0]): ReturnType<Facts['lostChunks']> {
    return this.#collection.lostChunks(look);
  }

  hasUnplaced(owner: Parameters<Facts['hasUnplaced']>[0]): ReturnType<Facts['hasUnplaced']> {
    return this.#collection.hasUnplaced(owner);
  }

  emptyPacks(limit: Parameters<Facts['emptyPacks']>[0]): ReturnType<Facts['emptyPacks']> {
    return this.#collection.emptyPacks(limit);
  }

  packsToCompact(...listing: Parameters<Facts['packsToCompact']>): ReturnType<Facts['packsToCompact']> {
    return this.#collection.packsToCompact(...listing);
  }

  recount(signal?: AbortSignal): ReturnType<Facts['recount']> {
    return this.#collection.recount(signal);
  }

  async expireVersions({ vault, owner, atMs, cause, versions, packs, found }: ExpireVersions): Promise<void> {
    const history = this.#historyOf(vault);
    for (const put of versions) {
      if (!history?.expire(put.entry, { seq: put.seq, atMs, cause })) continue;
      for (const [uploader, id] of referencesOf(put))
        this.#chunks.countDown(this.#chunks.require(idKey(owner), uploader, id), idKey(vault));
    }
    this.#statements.forget(found);
    await this.advancePacks(packs);
  }

  async changeHold(change: HoldChange, packs: readonly PackProgress[]): Promise<void> {
    this.#statements.changeHold(change);
    await this.advancePacks(packs);
  }

  async vaultsAfter(after: VaultId | undefined, limit: number): ReturnType<Facts['vaultsAfter']> {
    const vaults = [...this.#vaults.values()].map(({ vault, owner }) => ({ vault, owner }));
    const begin = after ? vaults.findIndex(({ vault }) => idKey(vault) === idKey(after)) + 1 : 0;
    return vaults.slice(begin, begin + limit);
  }

  async endedVersions(
    ...[vault, after, limit]: Parameters<Facts['endedVersions']>
  ): ReturnType<Facts['endedVersions']> {
    return (this.#historyOf(vault)?.ended(after) ?? []).slice(0, limit);
  }

  async versionsOf(vault: VaultId, entry: EntryId, range: VersionRange): ReturnType<Facts['versionsOf']> {
    return inRange(this.#historyOf(vault)?.ofEntry(entry) ?? [], range);
  }

  async tombstonesOf(vault: VaultId, entry: EntryId, range: VersionRange): ReturnType<Facts['tombstonesOf']> {
    return inRange(this.#historyOf(vault)?.tombstonesOf(entry) ?? [], range);
  }

  async policies(vault: VaultId, nowMs: number): ReturnType<Facts['policies']> {
    return this.#historyOf(vault)?.history(nowMs) ?? { changes: [], last: undefined };
  }

  async holds(account: AccountId): ReturnType<Facts['holds']> {
    return this.#statements.holds(account);
  }

  async vaultsToExpire(): Promise<readonly VaultId[]> {
    return [...new Map(this.#statements.found().map(({ vault }) => [idKey(vault), vault])).values()];
  }

  async foundExpiries(vault: VaultId, limit: number): ReturnType<Facts['foundExpiries']> {
    return this.#statements.found(vault).slice(0, limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #setAside(place: RecordPlace): void {
    this.#aside.add(keyOf(place));
    this.#found = this.#found.filter((found) => keyOf(found.place) !== keyOf(place));
  }

  #historyOf(vault: VaultId): MemoryVersions | undefined {
    return this.#vaults.get(idKey(vault))?.history;
  }

  #isApplied({ vault, hash }: FoundCommit): boolean {
    return (this.#vaults.get(idKey(vault))?.commits ?? []).some((commit) => idKey(commit.hash) === idKey(hash));
  }

  #chunk(owner: AccountId, uploader: IdKey, id: ChunkId): MemoryChunk | undefined {
    return this.#chunks.find(idKey(owner), uploader, id);
  }
}

function keyOf({ pack, offset }: RecordPlace): string {
  return `${pack}/${offset}`;
}
