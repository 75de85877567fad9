import type { AccountId, ChunkId, EntryId, IdKey, VaultId } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import type { PutRef } from '@coffer/journal';
import { parseCommit, parseSegment, segmentId } from '@coffer/journal';
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
import type { ExpireVersions, FoundRetention, HoldChange, VersionRange } from '../facts/retention-facts.ts';
import type { MemoryChunk } from './memory-chunks.ts';
import { anyone, countOf, countUp, MemoryChunks, referencesOf, soundPlace, sum } from './memory-chunks.ts';
import { grant, grantSegment, indexGroup, renew } from './memory-index-group.ts';
import { lacksOf, refusal } from './memory-lacks.ts';
import type { Lacks } from './memory-lacks.ts';
import { inRange, MemoryStatements, MemoryVersions } from './memory-retention.ts';
import type { MemoryVault } from './memory-vault.ts';
import { MemoryCollection } from './memory-collection.ts';

/** {@link Facts} in maps: slow, plain, and forgotten with the process. Passes `factsContract`. */
export class MemoryFacts implements Facts {
  readonly #chunks = new MemoryChunks();
  readonly #vaults = new Map<IdKey, MemoryVault>();
  readonly #packs = new Map<string, PackProgress>();
  readonly #plans = new Map<AppendToken, PrepareAppend>();
  readonly #collection = new MemoryCollection({
    chunks: this.#chunks,
    packs: this.#packs,
    pinned: () => this.#pinned(),
  });
  readonly #statements = new MemoryStatements();
  #found: FoundCommit[] = [];
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
    const refused = append.recovering ? this.#unknownSegments(append) : this.#refuse(append);
    if (!refused) this.#plans.set(append.token, append);
    return refused ?? { status: 'ready' };
  }

  async applyAppend({ token, vault, owner, kind, applied, state, members, packs }: ApplyAppend): Promise<void> {
    const plan = this.#plans.get(token);
    if (!plan) throw new TypeError('an append that was not prepared');
    this.#plans.delete(token);
    const known = this.#vaults.get(idKey(vault));
    const last = applied.at(-1);
    if (!last) throw new TypeError('an append without commits');
    const head = { vault, owner, kind, seq: last.seq, head: last.hash, receivedAtMs: last.receivedAtMs, state };
    const stored = {
      ...head,
      members: members ?? known?.members ?? [],
      commits: known?.commits ?? [],
      history: known?.history ?? new MemoryVersions(),
    };
    this.#vaults.set(idKey(vault), stored);
    stored.commits.push(...applied);
    plan.commits.forEach((bytes, index) =>
      this.#takeRefs(plan, stored, { bytes, atMs: applied[index]?.receivedAtMs ?? 0 }),
    );
    this.#found = this.#found.filter(({ hash }) => !applied.some((commit) => idKey(commit.hash) === idKey(hash)));
    await this.advancePacks(packs);
  }

  async cancelAppend(token: AppendToken): Promise<void> {
    this.#plans.delete(token);
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
    this.#found.push(...commits.filter((commit) => !this.#isApplied(commit)));
    if (found) this.#statements.note(found);
    await this.advancePacks([pack]);
  }

  async vaultsToRecover(): Promise<readonly VaultId[]> {
    return [...new Map(this.#found.map(({ vault }) => [idKey(vault), vault])).values()];
  }

  async foundCommits(vault: VaultId, seq: number): Promise<readonly FoundCommit[]> {
    return this.#found.filter((found) => idKey(found.vault) === idKey(vault) && found.seq === seq);
  }

  async packs(): Promise<readonly PackProgress[]> {
    return [...this.#packs.values()];
  }

  async vault(vault: VaultId): Promise<VaultFacts | undefined> {
    const found = this.#vaults.get(idKey(vault));
    if (!found) return undefined;
    const { members: _members, commits: _commits, history: _history, ...facts } = found;
    return facts;
  }

  async vaultsOf(member: AccountId): Promise<readonly MembershipFacts[]> {
    return [...this.#vaults.values()].flatMap(({ vault, kind, owner, seq, head, members }) => {
      const own = members.find((other) => idKey(other.member) === idKey(member));
      return own ? [{ vault, kind, owner, seq, head, role: own.role }] : [];
    });
  }

  async commits(vault: VaultId, after: number, limit: number): Promise<readonly AppliedCommit[]> {
    const commits = this.#vaults.get(idKey(vault))?.commits ?? [];
    return commits.filter(({ seq }) => seq > after).slice(0, limit);
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
    return this.#usageOf(owner);
  }

  #usageOf(owner: AccountId): UsageFacts {
    const key = idKey(owner);
    const chunks = this.#chunks.all.filter((chunk) => chunk.owner === key);
    const vaults = [...this.#vaults.values()].filter((vault) => idKey(vault.owner) === key);
    const versions = vaults.flatMap(({ history }) => history.versions);
    return {
      chunkBytes: sum(chunks.map(({ place }) => place?.bytes ?? 0)),
      uncommittedBytes: sum(chunks.filter((chunk) => countOf(chunk) === 0).map(({ place }) => place?.bytes ?? 0)),
      journalBytes: sum(vaults.flatMap(({ commits }) => commits.map(({ place }) => place.bytes))),
      files: versions.filter(({ ended }) => ended === undefined).length,
      versions: versions.length,
      trashBytes: sum(versions.filter(({ ended }) => ended === 'removed').map(({ bytes }) => bytes)),
    };
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

  #historyOf(vault: VaultId): MemoryVersions | undefined {
    return this.#vaults.get(idKey(vault))?.history;
  }

  #refuse(append: PrepareAppend): Prepared | undefined {
    const puts = append.commits.flatMap((bytes) => putsOf(bytes));
    const lacks: Lacks[] = puts.map(({ ref, author }) => this.#putLacks(append, ref, author));
    const all = {
      missing: lacks.flatMap(({ missing }) => missing),
      notAllowed: lacks.some(({ notAllowed }) => notAllowed),
    };
    return (
      refusal(all) ??
      this.#unknownVersion(append) ??
      this.#unknownSegments(append) ??
      this.#tooLarge(append, puts) ??
      this.#overQuota(append)
    );
  }

  #putLacks({ owner, vault, segments }: PrepareAppend, { chunks, segments: ids }: PutRef, author: AccountId): Lacks {
    const scope = { owner: idKey(owner), vault: idKey(vault), author: idKey(author) };
    const lacks = [lacksOf(this.#chunks, scope, chunks)];
    for (const id of splitBytes(ids, 32)) {
      const segment = this.#chunk(owner, anyone, id);
      if (segment && soundPlace(segment) && segment.grants.has(scope.vault)) continue;
      const content = segments.find((payload) => idKey(segmentId(payload)) === idKey(id));
      if (!soundPlace(segment) || scope.author !== scope.owner)
        lacks.push({ missing: [{ uploader: author, id }], notAllowed: false });
      else if (content) lacks.push(lacksOf(this.#chunks, scope, parseSegment(content).chunks));
    }
    return { missing: lacks.flatMap(({ missing }) => missing), notAllowed: lacks.some(({ notAllowed }) => notAllowed) };
  }

  #unknownSegments({ owner, vault, segments, commits }: PrepareAppend): Prepared | undefined {
    const places = commits.flatMap(putsOf).flatMap(({ ref }) =>
      splitBytes(ref.segments, 32).flatMap((id) => {
        const segment = this.#chunk(owner, anyone, id);
        const handedIn = segments.some((payload) => idKey(segmentId(payload)) === idKey(id));
        return segment?.place && !segment.grants.has(idKey(vault)) && !handedIn ? [segment.place] : [];
      }),
    );
    return places.length > 0 ? { status: 'segments', places } : undefined;
  }

  #unknownVersion({ vault, commits }: PrepareAppend): Prepared | undefined {
    const history = this.#historyOf(vault);
    const known = new Set((history?.versions ?? []).map(({ entry, seq }) => `${entry}/${seq}`));
    for (const { header } of commits.map(parseCommit)) {
      for (const ref of header.refs) {
        if (ref.kind === 'keep' && !known.has(`${idKey(ref.entry)}/${ref.seq}`))
          return { status: 'unknownVersion', entry: ref.entry, expired: history?.hasExpired(ref) === true };
        if (ref.kind === 'put') known.add(`${idKey(ref.entry)}/${header.seq}`);
      }
    }
    return undefined;
  }

  #tooLarge(append: PrepareAppend, puts: readonly { readonly ref: PutRef }[]): Prepared | undefined {
    const limitBytes = append.largestFileBytes;
    if (limitBytes === null || puts.every(({ ref }) => this.#bytesOf(append.owner, ref) <= limitBytes))
      return undefined;
    return { status: 'tooLarge', limitBytes };
  }

  #overQuota({ owner, commits, quotaBytes }: PrepareAppend): Prepared | undefined {
    if (quotaBytes === null) return undefined;
    const { chunkBytes, journalBytes } = this.#usageOf(owner);
    const reserve = commits.some((bytes) => putsOf(bytes).length > 0)
      ? 0
      : Math.max(16 * 1024 * 1024, Math.floor(quotaBytes / 100));
    const usedBytes = chunkBytes + journalBytes;
    const wanted = usedBytes + sum(commits.map(({ byteLength }) => byteLength));
    return wanted > quotaBytes + reserve ? { status: 'quota', usedBytes, quotaBytes } : undefined;
  }

  #takeRefs(
    plan: PrepareAppend,
    vault: MemoryVault,
    { bytes, atMs }: { readonly bytes: Uint8Array; readonly atMs: number },
  ): void {
    const { header } = parseCommit(bytes);
    const { history } = vault;
    for (const ref of header.refs) {
      if (ref.kind === 'put') this.#takePut({ plan, vault, ref, seq: header.seq, author: header.account, atMs });
      else if (ref.kind === 'drop') for (const entry of ref.entries) history.drop(entry, ref.reason, atMs);
      else if (ref.kind === 'keep') history.keep(ref.entry, ref.seq, atMs);
      else if (ref.kind === 'policy') history.policies.push({ policy: ref.policy, receivedAtMs: atMs });
      else if (ref.kind === 'purge') history.purge(ref, atMs);
    }
  }

  #takePut({
    plan,
    vault,
    ref,
    seq,
    author,
    atMs,
  }: {
    plan: PrepareAppend;
    vault: MemoryVault;
    ref: PutRef;
    seq: number;
    author: AccountId;
    atMs: number;
  }): void {
    const scope = { owner: idKey(vault.owner), vault: idKey(vault.vault), author: idKey(author) };
    for (const id of splitBytes(ref.segments, 32)) {
      const segment = this.#chunks.require(scope.owner, anyone, id);
      const content = plan.segments.find((payload) => idKey(segmentId(payload)) === idKey(id));
      if (content) grantSegment(this.#chunks, scope, segment, parseSegment(content));
      countUp(segment, scope.vault);
    }
    for (const { uploader, ids } of ref.chunks) {
      for (const id of splitBytes(ids, 32))
        countUp(this.#chunks.require(scope.owner, idKey(uploader), id), scope.vault);
    }
    vault.history.put({ id: ref.entry, seq, bytes: this.#bytesOf(vault.owner, ref), fromMs: atMs });
  }

  #bytesOf(owner: AccountId, { chunks, segments }: PutRef): number {
    const own = chunks.flatMap(({ uploader, ids }) =>
      splitBytes(ids, 32).map((id) => this.#chunk(owner, idKey(uploader), id)),
    );
    const runs = splitBytes(segments, 32).map((id) => this.#chunk(owner, anyone, id));
    return sum([...own, ...runs].map((chunk) => chunk?.contentBytes ?? 0));
  }

  #isApplied({ vault, hash }: FoundCommit): boolean {
    return (this.#vaults.get(idKey(vault))?.commits ?? []).some((commit) => idKey(commit.hash) === idKey(hash));
  }

  #pinned(): ReadonlySet<MemoryChunk> {
    const pinned = new Set<MemoryChunk>();
    for (const { owner, commits } of this.#plans.values()) {
      for (const { ref } of commits.flatMap(putsOf)) {
        const ids = ref.chunks.flatMap((group) =>
          splitBytes(group.ids, 32).map((id) => [idKey(group.uploader), id] as const),
        );
        const all = [...ids, ...splitBytes(ref.segments, 32).map((id) => [anyone, id] as const)];
        for (const [uploader, id] of all) {
          const chunk = this.#chunk(owner, uploader, id);
          if (chunk) pinned.add(chunk);
        }
      }
    }
    return pinned;
  }

  #chunk(owner: AccountId, uploader: IdKey, id: ChunkId): MemoryChunk | undefined {
    return this.#chunks.find(idKey(owner), uploader, id);
  }
}

function putsOf(bytes: Uint8Array): { readonly ref: PutRef; readonly author: AccountId }[] {
  const { header } = parseCommit(bytes);
  return header.refs.flatMap((ref) => (ref.kind === 'put' ? [{ ref, author: header.account }] : []));
}
