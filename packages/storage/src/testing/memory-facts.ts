import type { AccountId, ChunkId, EntryId, IdKey, VaultId } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import type { PutRef, Segment, UploaderIds } from '@coffer/journal';
import { parseCommit, parseSegment, segmentId } from '@coffer/journal';
import type {
  AppendToken,
  ApplyAppend,
  AppliedCommit,
  CheckSegment,
  ChunkGroup,
  ChunkPlace,
  ClaimChunks,
  Facts,
  FoundCommit,
  IndexChunks,
  LookUpChunks,
  MembershipFacts,
  MissingChunk,
  PackProgress,
  PrepareAppend,
  Prepared,
  RefusedSegment,
  StoredQuestion,
  UsageFacts,
  VaultFacts,
  VaultMember,
} from '../facts/facts.ts';
import type { PackPlace } from '../packs/packs.ts';

interface MemoryChunk {
  readonly uploader: IdKey;
  readonly id: ChunkId;
  place: PackPlace | undefined;
  contentBytes: number;
  /** By vault: how many versions and segments refer to it there. */
  readonly grants: Map<IdKey, number>;
}

interface MemoryVersion {
  readonly entry: IdKey;
  readonly seq: number;
  readonly bytes: number;
  ended: 'replaced' | 'removed' | 'moved' | undefined;
}

interface MemoryVault extends VaultFacts {
  members: readonly VaultMember[];
  readonly commits: AppliedCommit[];
  readonly versions: MemoryVersion[];
}

interface Scope {
  readonly owner: IdKey;
  readonly vault: IdKey;
  readonly author: IdKey;
}

/** Uploader of all segments. */
const anyone: IdKey = '';

/** {@link Facts} in maps: slow, plain, and forgotten with the process. Passes `factsContract`. */
export class MemoryFacts implements Facts {
  readonly #chunks = new Map<string, MemoryChunk>();
  readonly #vaults = new Map<IdKey, MemoryVault>();
  readonly #packs = new Map<string, PackProgress>();
  readonly #plans = new Map<AppendToken, PrepareAppend>();
  #found: FoundCommit[] = [];
  #complete = false;

  async indexChunks({ owner, groups, packs, recovering }: IndexChunks): ReturnType<Facts['indexChunks']> {
    const refused: RefusedSegment[] = [];
    for (const group of groups) this.#indexGroup({ owner, group, recovering: recovering === true }, refused);
    await this.advancePacks(packs);
    return { refused };
  }

  async claimChunks({ owner, vault, uploader, ids }: ClaimChunks): Promise<readonly boolean[]> {
    return splitBytes(ids, 32).map((id) => {
      const own = this.#chunk(owner, idKey(uploader), id);
      if (own?.place) grant(own, idKey(vault));
      const segment = this.#chunk(owner, anyone, id);
      return own?.place !== undefined || (segment?.place !== undefined && segment.grants.has(idKey(vault)));
    });
  }

  async checkSegment({ owner, vault, author, payload }: CheckSegment): Promise<Prepared> {
    const scope = { owner: idKey(owner), vault: idKey(vault), author: idKey(author) };
    return refusal(this.#lacks(scope, parseSegment(payload).chunks)) ?? { status: 'ready' };
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
      versions: known?.versions ?? [],
    };
    this.#vaults.set(idKey(vault), stored);
    stored.commits.push(...applied);
    for (const bytes of plan.commits) this.#takeRefs(plan, stored, bytes);
    this.#found = this.#found.filter(({ hash }) => !applied.some((commit) => idKey(commit.hash) === idKey(hash)));
    await this.advancePacks(packs);
  }

  async cancelAppend(token: AppendToken): Promise<void> {
    this.#plans.delete(token);
  }

  async advancePacks(packs: readonly PackProgress[]): Promise<void> {
    for (const progress of packs) this.#packs.set(progress.pack, progress);
  }

  async checkpoint(): Promise<void> {}

  async isComplete(): Promise<boolean> {
    return this.#complete;
  }

  async markComplete(): Promise<void> {
    this.#complete = true;
  }

  async noteCommits(commits: readonly FoundCommit[], pack: PackProgress): Promise<void> {
    this.#found.push(...commits.filter((found) => !this.#isApplied(found)));
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
    const { members: _members, commits: _commits, versions: _versions, ...facts } = found;
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
    return chunk?.place !== undefined && (kind === 'chunk' || chunk.grants.has(idKey(vault)));
  }

  async readableChunks({ vault, owner, uploader, ids }: LookUpChunks): Promise<readonly (ChunkPlace | undefined)[]> {
    return splitBytes(ids, 32).map((id) => {
      const chunk = this.#chunk(owner, idKey(uploader), id);
      const readable = chunk?.place && (chunk.grants.get(idKey(vault)) ?? 0) > 0;
      return readable ? ({ ...chunk.place, id } as ChunkPlace) : undefined;
    });
  }

  async usage(owner: AccountId): Promise<UsageFacts> {
    const key = idKey(owner);
    const chunks = [...this.#chunks].filter(([name]) => name.startsWith(`${key}/`)).map(([, chunk]) => chunk);
    const vaults = [...this.#vaults.values()].filter((vault) => idKey(vault.owner) === key);
    const versions = vaults.flatMap((vault) => vault.versions);
    return {
      chunkBytes: sum(chunks.map(({ place }) => place?.bytes ?? 0)),
      uncommittedBytes: sum(chunks.filter(isUncommitted).map(({ place }) => place?.bytes ?? 0)),
      journalBytes: sum(vaults.flatMap(({ commits }) => commits.map(({ place }) => place.bytes))),
      files: versions.filter(({ ended }) => ended === undefined).length,
      versions: versions.length,
      trashBytes: sum(versions.filter(({ ended }) => ended === 'removed').map(({ bytes }) => bytes)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #indexGroup(
    { owner, group, recovering }: { owner: AccountId; group: ChunkGroup; recovering: boolean },
    refused: RefusedSegment[],
  ): void {
    const scope = { owner: idKey(owner), vault: idKey(group.vault), author: idKey(group.uploader) };
    splitBytes(group.ids, 32).forEach((id, index) => {
      const payload = group.payloads?.[index];
      const segment = payload && parseSegment(payload);
      const lacks = segment && !recovering ? this.#lacks(scope, segment.chunks) : undefined;
      if (lacks && (lacks.missing.length > 0 || lacks.notAllowed)) {
        refused.push({ segment: id, missing: lacks.missing });
        return;
      }
      const chunk = this.#require(scope.owner, segment ? anyone : scope.author, id);
      const place = { pack: group.pack, offset: group.offsets[index] ?? 0, bytes: group.bytes[index] ?? 0 };
      if (!chunk.place) {
        // A lost segment is back: its content counts wherever it is referred to.
        for (const vault of segment ? chunk.grants.keys() : []) {
          for (const held of this.#contentOf(scope, segment)) countUp(held, vault);
        }
        chunk.place = place;
        chunk.contentBytes = place.bytes + sum(this.#contentOf(scope, segment).map(({ contentBytes }) => contentBytes));
      }
      if (segment) this.#grantSegment(scope, chunk, segment);
      else grant(chunk, scope.vault);
    });
  }

  #contentOf(scope: Scope, segment: Segment | undefined): MemoryChunk[] {
    return (segment?.chunks ?? []).flatMap(({ uploader, ids }) =>
      splitBytes(ids, 32).map((id) => this.#require(scope.owner, idKey(uploader), id)),
    );
  }

  #grantSegment(scope: Scope, segment: MemoryChunk, content: Segment): void {
    if (segment.grants.has(scope.vault)) return;
    grant(segment, scope.vault);
    for (const chunk of this.#contentOf(scope, content)) countUp(chunk, scope.vault);
  }

  #lacks(scope: Scope, chunks: readonly UploaderIds[]): Lacks {
    const missing: MissingChunk[] = [];
    let notAllowed = false;
    for (const { uploader, ids } of chunks) {
      for (const id of splitBytes(ids, 32)) {
        const answer = this.#mayRefer(
          scope,
          idKey(uploader),
          this.#chunks.get(`${scope.owner}/${idKey(uploader)}/${idKey(id)}`),
        );
        if (answer === 'missing') missing.push({ uploader, id });
        else if (answer === 'notAllowed') notAllowed = true;
      }
    }
    return { missing, notAllowed };
  }

  #mayRefer(scope: Scope, uploader: IdKey, chunk: MemoryChunk | undefined): 'yes' | 'missing' | 'notAllowed' {
    const own = uploader === scope.author;
    const referred = (chunk?.grants.get(scope.vault) ?? 0) > 0;
    if (!chunk?.place) return own || referred ? 'missing' : 'notAllowed';
    if (referred || (own && (chunk.grants.has(scope.vault) || scope.author === scope.owner))) return 'yes';
    return own ? 'missing' : 'notAllowed';
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
    const lacks = [this.#lacks(scope, chunks)];
    for (const id of splitBytes(ids, 32)) {
      const segment = this.#chunk(owner, anyone, id);
      if (segment?.place && segment.grants.has(scope.vault)) continue;
      const content = segments.find((payload) => idKey(segmentId(payload)) === idKey(id));
      if (!segment?.place || scope.author !== scope.owner)
        lacks.push({ missing: [{ uploader: author, id }], notAllowed: false });
      else if (content) lacks.push(this.#lacks(scope, parseSegment(content).chunks));
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
    const known = new Set((this.#vaults.get(idKey(vault))?.versions ?? []).map(({ entry, seq }) => `${entry}/${seq}`));
    for (const { header } of commits.map(parseCommit)) {
      for (const ref of header.refs) {
        if (ref.kind === 'keep' && !known.has(`${idKey(ref.entry)}/${ref.seq}`))
          return { status: 'unknownVersion', entry: ref.entry };
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
    const { chunkBytes, journalBytes } = this.#usageNow(owner);
    const reserve = commits.some((bytes) => putsOf(bytes).length > 0)
      ? 0
      : Math.max(16 * 1024 * 1024, Math.floor(quotaBytes / 100));
    const usedBytes = chunkBytes + journalBytes;
    const wanted = usedBytes + sum(commits.map(({ byteLength }) => byteLength));
    return wanted > quotaBytes + reserve ? { status: 'quota', usedBytes, quotaBytes } : undefined;
  }

  #usageNow(owner: AccountId): { readonly chunkBytes: number; readonly journalBytes: number } {
    const key = idKey(owner);
    const chunks = [...this.#chunks].filter(([name]) => name.startsWith(`${key}/`));
    const vaults = [...this.#vaults.values()].filter((vault) => idKey(vault.owner) === key);
    return {
      chunkBytes: sum(chunks.map(([, { place }]) => place?.bytes ?? 0)),
      journalBytes: sum(vaults.flatMap(({ commits }) => commits.map(({ place }) => place.bytes))),
    };
  }

  #takeRefs(plan: PrepareAppend, vault: MemoryVault, bytes: Uint8Array): void {
    const { header } = parseCommit(bytes);
    for (const ref of header.refs) {
      if (ref.kind === 'put') this.#takePut({ plan, vault, ref, seq: header.seq, author: header.account });
      else if (ref.kind === 'drop') for (const entry of ref.entries) endVersion(vault, entry, ref.reason);
      else if (ref.kind === 'keep') keepVersion(vault, ref.entry, ref.seq);
    }
  }

  #takePut({
    plan,
    vault,
    ref,
    seq,
    author,
  }: {
    plan: PrepareAppend;
    vault: MemoryVault;
    ref: PutRef;
    seq: number;
    author: AccountId;
  }): void {
    const scope = { owner: idKey(vault.owner), vault: idKey(vault.vault), author: idKey(author) };
    for (const id of splitBytes(ref.segments, 32)) {
      const segment = this.#require(scope.owner, anyone, id);
      const content = plan.segments.find((payload) => idKey(segmentId(payload)) === idKey(id));
      if (content) this.#grantSegment(scope, segment, parseSegment(content));
      countUp(segment, scope.vault);
    }
    for (const { uploader, ids } of ref.chunks) {
      for (const id of splitBytes(ids, 32)) countUp(this.#require(scope.owner, idKey(uploader), id), scope.vault);
    }
    endVersion(vault, ref.entry, 'replaced');
    vault.versions.push({ entry: idKey(ref.entry), seq, bytes: this.#bytesOf(vault.owner, ref), ended: undefined });
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

  #chunk(owner: AccountId, uploader: IdKey, id: ChunkId): MemoryChunk | undefined {
    return this.#chunks.get(`${idKey(owner)}/${uploader}/${idKey(id)}`);
  }

  #require(owner: IdKey, uploader: IdKey, id: ChunkId): MemoryChunk {
    const key = `${owner}/${uploader}/${idKey(id)}`;
    const known = this.#chunks.get(key);
    if (known) return known;
    const chunk: MemoryChunk = { uploader, id, place: undefined, contentBytes: 0, grants: new Map() };
    this.#chunks.set(key, chunk);
    return chunk;
  }
}

interface Lacks {
  readonly missing: readonly MissingChunk[];
  readonly notAllowed: boolean;
}

function refusal({ missing, notAllowed }: Lacks): Prepared | undefined {
  if (notAllowed) return { status: 'notAllowed' };
  return missing.length > 0 ? { status: 'missing', count: missing.length, chunks: missing.slice(0, 4096) } : undefined;
}

function putsOf(bytes: Uint8Array): { readonly ref: PutRef; readonly author: AccountId }[] {
  const { header } = parseCommit(bytes);
  return header.refs.flatMap((ref) => (ref.kind === 'put' ? [{ ref, author: header.account }] : []));
}

function endVersion(vault: MemoryVault, entry: EntryId, ended: MemoryVersion['ended']): void {
  const current = vault.versions.find((version) => version.entry === idKey(entry) && version.ended === undefined);
  if (current) current.ended = ended;
}

function keepVersion(vault: MemoryVault, entry: EntryId, seq: number): void {
  const kept = vault.versions.find((version) => version.entry === idKey(entry) && version.seq === seq);
  if (!kept || kept.ended === undefined) return;
  endVersion(vault, entry, 'replaced');
  kept.ended = undefined;
}

function grant(chunk: MemoryChunk, vault: IdKey): void {
  if (!chunk.grants.has(vault)) chunk.grants.set(vault, 0);
}

function countUp(chunk: MemoryChunk, vault: IdKey): void {
  chunk.grants.set(vault, (chunk.grants.get(vault) ?? 0) + 1);
}

function isUncommitted({ grants }: MemoryChunk): boolean {
  return sum([...grants.values()]) === 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
