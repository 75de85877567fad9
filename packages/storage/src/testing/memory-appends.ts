import type { AccountId, ChunkId, IdKey } from '@coffer/core';
import { idKey, splitBytes } from '@coffer/core';
import type { PutRef } from '@coffer/journal';
import { parseCommit, parseSegment, segmentId } from '@coffer/journal';
import type { AppendToken, ApplyAppend, PrepareAppend, Prepared } from '../facts/facts.ts';
import type { MemoryChunk, MemoryChunks } from './memory-chunks.ts';
import { anyone, countUp, soundPlace, sum } from './memory-chunks.ts';
import { grantSegment } from './memory-index-group.ts';
import { lacksOf, refusal } from './memory-lacks.ts';
import type { Lacks } from './memory-lacks.ts';
import { MemoryVersions } from './memory-retention.ts';
import { usageOf, writtenOf } from './memory-usage.ts';
import type { MemoryVault } from './memory-vault.ts';

interface Stored {
  readonly chunks: MemoryChunks;
  readonly vaults: Map<IdKey, MemoryVault>;
}

/** Appends to the vaults of `MemoryFacts`: what refuses them, and what they change. */
export class MemoryAppends {
  readonly #stored: Stored;
  readonly #plans = new Map<AppendToken, PrepareAppend>();

  constructor(stored: Stored) {
    this.#stored = stored;
  }

  prepare(append: PrepareAppend): Prepared {
    const refused = append.recovering ? this.#unknownSegments(append) : this.#refuse(append);
    if (!refused) this.#plans.set(append.token, append);
    return refused ?? { status: 'ready' };
  }

  apply({ token, vault, owner, kind, applied, state, teamStates = [], members }: ApplyAppend): void {
    const plan = this.#plans.get(token);
    if (!plan) throw new TypeError('an append that was not prepared');
    this.#plans.delete(token);
    const known = this.#stored.vaults.get(idKey(vault));
    const last = applied.at(-1);
    if (!last) throw new TypeError('an append without commits');
    const head = { vault, owner, kind, seq: last.seq, head: last.hash, receivedAtMs: last.receivedAtMs, state };
    const stored = {
      ...head,
      members: members ?? known?.members ?? [],
      commits: known?.commits ?? [],
      teamStates: [...(known?.teamStates ?? []), ...teamStates],
      history: known?.history ?? new MemoryVersions(),
    };
    this.#stored.vaults.set(idKey(vault), stored);
    const authors = plan.commits.map((bytes) => idKey(parseCommit(bytes).header.account));
    stored.commits.push(...applied.map((commit, index) => ({ ...commit, author: authors[index] ?? '' })));
    plan.commits.forEach((bytes, index) =>
      this.#takeRefs(plan, stored, { bytes, atMs: applied[index]?.receivedAtMs ?? 0 }),
    );
  }

  cancel(token: AppendToken): void {
    this.#plans.delete(token);
  }

  /** What prepared appends need. */
  pinned(): ReadonlySet<MemoryChunk> {
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
      this.#overQuota(append) ??
      this.#overShare(append)
    );
  }

  #putLacks({ owner, vault, segments }: PrepareAppend, { chunks, segments: ids }: PutRef, author: AccountId): Lacks {
    const scope = { owner: idKey(owner), vault: idKey(vault), author: idKey(author) };
    const lacks = [lacksOf(this.#stored.chunks, scope, chunks)];
    for (const id of splitBytes(ids, 32)) {
      const segment = this.#chunk(owner, anyone, id);
      if (segment && soundPlace(segment) && segment.grants.has(scope.vault)) continue;
      const content = segments.find((payload) => idKey(segmentId(payload)) === idKey(id));
      if (!soundPlace(segment) || scope.author !== scope.owner)
        lacks.push({ missing: [{ uploader: author, id }], notAllowed: false });
      else if (content) lacks.push(lacksOf(this.#stored.chunks, scope, parseSegment(content).chunks));
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
    const history = this.#stored.vaults.get(idKey(vault))?.history;
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
    const { chunkBytes, journalBytes } = usageOf(this.#stored, owner);
    const reserve = reserveOf(quotaBytes, commits);
    const usedBytes = chunkBytes + journalBytes;
    const wanted = usedBytes + sum(commits.map(({ byteLength }) => byteLength));
    return wanted > quotaBytes + reserve ? { status: 'quota', usedBytes, quotaBytes } : undefined;
  }

  #overShare({ owner, commits, memberBytes }: PrepareAppend): Prepared | undefined {
    if (memberBytes === null) return undefined;
    const authors = Map.groupBy(commits, (bytes) => idKey(parseCommit(bytes).header.account));
    for (const [author, own] of authors) {
      const usedBytes = writtenOf(this.#stored, owner, author);
      const wanted = usedBytes + sum(own.map(({ byteLength }) => byteLength));
      if (author !== idKey(owner) && wanted > memberBytes + reserveOf(memberBytes, commits))
        return { status: 'memberQuota', usedBytes, quotaBytes: memberBytes };
    }
    return undefined;
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
      const segment = this.#stored.chunks.require(scope.owner, anyone, id);
      const content = plan.segments.find((payload) => idKey(segmentId(payload)) === idKey(id));
      if (content) grantSegment(this.#stored.chunks, scope, segment, parseSegment(content));
      countUp(segment, scope.vault);
    }
    for (const { uploader, ids } of ref.chunks) {
      for (const id of splitBytes(ids, 32))
        countUp(this.#stored.chunks.require(scope.owner, idKey(uploader), id), scope.vault);
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

  #chunk(owner: AccountId, uploader: IdKey, id: ChunkId): MemoryChunk | undefined {
    return this.#stored.chunks.find(idKey(owner), uploader, id);
  }
}

function reserveOf(limitBytes: number, commits: readonly Uint8Array[]): number {
  const isContent = commits.some((bytes) => putsOf(bytes).length > 0);
  return isContent ? 0 : Math.max(16 * 1024 * 1024, Math.floor(limitBytes / 100));
}

function putsOf(bytes: Uint8Array): { readonly ref: PutRef; readonly author: AccountId }[] {
  const { header } = parseCommit(bytes);
  return header.refs.flatMap((ref) => (ref.kind === 'put' ? [{ ref, author: header.account }] : []));
}
