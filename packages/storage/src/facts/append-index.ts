import { idKey, splitBytes } from '@coffer/core';
import type { ChunkId, EntryId } from '@coffer/core';
import type { PolicyRef, PurgeRef } from '@coffer/journal';
import { parseCommit, segmentId } from '@coffer/journal';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ApplyAppend, AppliedCommit, AppendToken, MissingChunk, PrepareAppend, Prepared } from './facts.ts';
import type { ChunkIndex, ReferenceScope } from './chunk-index.ts';
import type { Numbers } from './numbers.ts';
import { segmentUploader, unknownNumber } from './numbers.ts';
import type { PackIndex } from './pack-index.ts';
import type { RetentionIndex } from './retention-index.ts';
import { vaultRowCrc } from './row-checksum.ts';
import type { UsageIndex } from './usage-index.ts';
import type { VersionIndex } from './version-index.ts';

/** The first this many missing chunks are named; the client sends those and asks again (JOURNAL §Append). */
const namedMissingLimit = 4096;

/** Removals and member changes may go this far beyond the quota (STORAGE §Quota). */
const reserveShare = 0.01;
const reserveFloorBytes = 16 * 1024 * 1024;

interface AppendDeps {
  readonly db: DatabaseSync;
  readonly numbers: Numbers;
  readonly packs: PackIndex;
  readonly chunks: ChunkIndex;
  readonly versions: VersionIndex;
  readonly retention: RetentionIndex;
  readonly usage: UsageIndex;
}

interface PlannedPut {
  readonly entry: EntryId;
  readonly chunks: readonly number[];
  readonly bytes: number;
}

type Step =
  | { readonly kind: 'put'; readonly put: PlannedPut }
  | { readonly kind: 'drop'; readonly entries: readonly EntryId[]; readonly reason: 'removed' | 'moved' }
  | { readonly kind: 'keep'; readonly entry: EntryId; readonly seq: number }
  | PolicyRef
  | PurgeRef;

interface PlannedCommit {
  readonly scope: ReferenceScope;
  readonly steps: readonly Step[];
}

/** What a prepared append will do; while it is held, its chunks are pinned. */
interface Plan {
  readonly commits: readonly PlannedCommit[];
  readonly newSegments: ReadonlyMap<number, Uint8Array>;
}

/** Commits: their check against the index, and their effect on it; the writer's half. Runs inside transactions. */
export class AppendIndex {
  readonly #deps: AppendDeps;
  readonly #plans = new Map<AppendToken, Plan>();
  readonly #insertCommit: StatementSync;
  readonly #saveVault: StatementSync;
  readonly #addTeamHead: StatementSync;
  readonly #addTeamState: StatementSync;
  readonly #clearMembers: StatementSync;
  readonly #addMember: StatementSync;
  readonly #clearFound: StatementSync;

  constructor(deps: AppendDeps) {
    this.#deps = deps;
    const { db } = deps;
    this.#insertCommit = db.prepare(
      'INSERT INTO commits (vault, seq, hash, received_at_ms, pack, offset, bytes, author) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#saveVault = db.prepare(`
      INSERT INTO vaults (vault, owner, kind, seq, head, received_at_ms, state, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET seq = excluded.seq, head = excluded.head, received_at_ms = excluded.received_at_ms,
        state = excluded.state, crc = excluded.crc`);
    this.#addTeamHead = db.prepare('INSERT INTO team_heads (vault, hash, seq) VALUES (?, ?, ?)');
    this.#addTeamState = db.prepare('INSERT INTO team_states (vault, seq, state) VALUES (?, ?, ?)');
    this.#clearMembers = db.prepare('DELETE FROM members WHERE vault = ?');
    this.#addMember = db.prepare('INSERT INTO members (member, vault, role) VALUES (?, ?, ?)');
    this.#clearFound = db.prepare('DELETE FROM unapplied WHERE vault = ? AND seq = ? AND hash = ?');
  }

  prepare(append: PrepareAppend): Prepared {
    const planner = new Planner(this.#deps, append);
    const commits = append.commits.map((bytes) => planner.plan(bytes));
    const refused =
      planner.refusal() ??
      (append.recovering ? undefined : (this.#overQuota(append) ?? this.#overShare(append, commits)));
    if (refused) return refused;
    this.#plans.set(append.token, { commits, newSegments: planner.newSegments });
    return { status: 'ready' };
  }

  apply({ token, vault, owner, kind, applied, state, teamStates = [], members, packs }: ApplyAppend): void {
    const plan = this.#plans.get(token);
    if (!plan) throw new TypeError('an append that was not prepared');
    const { numbers } = this.#deps;
    const target = { vault: numbers.intern(vault), owner: numbers.intern(owner) };
    applied.forEach((commit, index) => {
      const planned = plan.commits[index];
      if (!planned) throw new TypeError('a commit that was not prepared');
      this.#recordCommit({ ...target, author: planned.scope.author }, commit, { owner, vault });
      this.#takeSteps(planned, commit, plan.newSegments);
    });
    this.#saveHead({ vault: target.vault, owner, kind, state }, applied.at(-1));
    if (kind === 'team') for (const { hash, seq } of applied) this.#addTeamHead.run(target.vault, hash, seq);
    for (const kept of teamStates) this.#addTeamState.run(target.vault, kept.seq, kept.state);
    if (members) this.#saveMembers(target.vault, members);
    this.#deps.packs.advance(packs);
  }

  /** Chunks that prepared appends refer to. */
  pinned(): ReadonlySet<number> {
    const pinned = new Set<number>();
    for (const { commits } of this.#plans.values())
      for (const { steps } of commits)
        for (const step of steps) if (step.kind === 'put') for (const chunk of step.put.chunks) pinned.add(chunk);
    return pinned;
  }

  /** Unpins; to be called once the transaction of `apply` is committed, or instead of it. */
  release(token: AppendToken): void {
    this.#plans.delete(token);
  }

  #overQuota({ owner, commits, quotaBytes }: PrepareAppend): Prepared | undefined {
    if (quotaBytes === null) return undefined;
    const journal = commits.reduce((sum, bytes) => sum + bytes.byteLength, 0);
    const stored = this.#deps.usage.storedBytes(this.#deps.numbers.intern(owner));
    const reserve = reserveOf(quotaBytes, commits);
    if (stored + journal <= quotaBytes + reserve) return undefined;
    return { status: 'quota', usedBytes: stored, quotaBytes };
  }

  /** Of each author that is not the owner. */
  #overShare({ commits, memberBytes }: PrepareAppend, planned: readonly PlannedCommit[]): Prepared | undefined {
    if (memberBytes === null) return undefined;
    const added = new Map<number, number>();
    for (const [index, { scope }] of planned.entries())
      if (scope.author !== scope.owner)
        added.set(scope.author, (added.get(scope.author) ?? 0) + (commits[index]?.byteLength ?? 0));
    const owner = planned[0]?.scope.owner ?? unknownNumber;
    const reserve = reserveOf(memberBytes, commits);
    for (const [author, bytes] of added) {
      const usedBytes = this.#deps.usage.writtenBytes(owner, author);
      if (usedBytes + bytes > memberBytes + reserve)
        return { status: 'memberQuota', usedBytes, quotaBytes: memberBytes };
    }
    return undefined;
  }

  #recordCommit(
    target: { vault: number; owner: number; author: number },
    commit: AppliedCommit,
    ids: { owner: Uint8Array; vault: Uint8Array },
  ): void {
    const { seq, hash, receivedAtMs, place } = commit;
    const pack = this.#deps.packs.numberOf({ owner: ids.owner, kind: 'journal', pack: place.pack });
    const { vault, owner, author } = target;
    this.#insertCommit.run(vault, seq, hash, receivedAtMs, pack, place.offset, place.bytes, author);
    this.#deps.usage.add(owner, { journalBytes: place.bytes });
    this.#deps.usage.addWritten(owner, { writer: author, bytes: place.bytes });
    this.#deps.packs.addLive(pack, place.bytes);
    this.#clearFound.run(ids.vault, seq, hash);
  }

  #takeSteps(
    { scope, steps }: PlannedCommit,
    { seq, receivedAtMs }: AppliedCommit,
    newSegments: Plan['newSegments'],
  ): void {
    const { versions, chunks, retention } = this.#deps;
    for (const step of steps) {
      if (step.kind === 'policy') retention.setPolicy(scope.vault, step.policy, { seq, atMs: receivedAtMs });
      else if (step.kind === 'purge') retention.setPurge(scope.vault, step, receivedAtMs);
      else if (step.kind === 'drop')
        versions.drop({ scope, entries: step.entries, reason: step.reason, atMs: receivedAtMs });
      else if (step.kind === 'keep') versions.keep({ scope, entry: step.entry, seq: step.seq, atMs: receivedAtMs });
      else {
        versions.put({ scope, entry: step.put.entry, seq, bytes: step.put.bytes, atMs: receivedAtMs });
        for (const chunk of step.put.chunks) {
          const segment = newSegments.get(chunk);
          if (segment) chunks.grantSegment(scope, chunk, segment);
          chunks.countUp(scope, chunk);
        }
      }
    }
  }

  #saveHead(
    row: { vault: number; owner: Uint8Array; kind: string; state: Uint8Array },
    last: AppliedCommit | undefined,
  ): void {
    if (!last) throw new TypeError('an append without commits');
    const { owner, kind, state } = row;
    const { seq, hash: head, receivedAtMs } = last;
    const crc = vaultRowCrc({ owner, kind, seq, head, receivedAtMs, state });
    this.#saveVault.run(row.vault, owner, kind, seq, head, receivedAtMs, state, crc);
  }

  #saveMembers(vault: number, members: NonNullable<ApplyAppend['members']>): void {
    this.#clearMembers.run(vault);
    for (const { member, role } of members) this.#addMember.run(member, vault, role);
  }
}

/** Room beyond a limit, for commits that add no content. */
function reserveOf(limitBytes: number, commits: readonly Uint8Array[]): number {
  return commits.some(addsContent) ? 0 : Math.max(reserveFloorBytes, Math.floor(limitBytes * reserveShare));
}

function addsContent(bytes: Uint8Array): boolean {
  return parseCommit(bytes).header.refs.some(({ kind }) => kind === 'put');
}

/** Turns commits into steps on rows, and gathers what stands against them. */
class Planner {
  readonly newSegments = new Map<number, Uint8Array>();
  readonly #deps: AppendDeps;
  readonly #append: PrepareAppend;
  readonly #payloads: ReadonlyMap<string, Uint8Array>;
  readonly #missing: MissingChunk[] = [];
  readonly #wanted: Uint8Array[] = [];
  #missingCount = 0;
  #notAllowed = false;
  #unknownVersion: Extract<Prepared, { status: 'unknownVersion' }> | undefined;
  #largestBytes = 0;
  /** Versions that earlier commits of the same append put. */
  readonly #own = new Set<string>();

  constructor(deps: AppendDeps, append: PrepareAppend) {
    this.#deps = deps;
    this.#append = append;
    this.#payloads = new Map(append.segments.map((payload) => [idKey(segmentId(payload)), payload]));
  }

  plan(bytes: Uint8Array): PlannedCommit {
    const { header } = parseCommit(bytes);
    const { numbers } = this.#deps;
    const scope = {
      owner: numbers.intern(this.#append.owner),
      vault: numbers.intern(this.#append.vault),
      author: numbers.intern(header.account),
    };
    const steps: Step[] = [];
    for (const ref of header.refs) {
      if (ref.kind === 'put') steps.push({ kind: 'put', put: this.#planPut(scope, header.account, ref) });
      else if (ref.kind === 'drop') steps.push({ kind: 'drop', entries: ref.entries, reason: ref.reason });
      else if (ref.kind === 'keep' && this.#knows(scope, ref))
        steps.push({ kind: 'keep', entry: ref.entry, seq: ref.seq });
      else if (ref.kind === 'policy' || ref.kind === 'purge') steps.push(ref);
      if (ref.kind === 'put') this.#own.add(`${idKey(ref.entry)}/${header.seq}`);
    }
    return { scope, steps };
  }

  /** Why the append may not happen. */
  refusal(): Prepared | undefined {
    if (this.#notAllowed) return { status: 'notAllowed' };
    if (this.#missingCount > 0) return { status: 'missing', count: this.#missingCount, chunks: this.#missing };
    if (this.#unknownVersion) return this.#unknownVersion;
    if (this.#wanted.length > 0)
      return { status: 'segments', places: this.#deps.versions.placesOf(this.#append, this.#wanted) };
    const limitBytes = this.#append.largestFileBytes;
    if (limitBytes !== null && this.#largestBytes > limitBytes) return { status: 'tooLarge', limitBytes };
    return undefined;
  }

  #planPut(
    scope: ReferenceScope,
    author: Uint8Array,
    ref: {
      readonly entry: EntryId;
      readonly chunks: readonly { uploader: Uint8Array; ids: Uint8Array }[];
      readonly segments: Uint8Array;
    },
  ): PlannedPut {
    const chunks: number[] = [];
    let bytes = 0;
    const take = (uploader: number, id: ChunkId, sender: Uint8Array): void => {
      const resolved = this.#resolve(scope, uploader, id, sender);
      if (!resolved) return;
      chunks.push(resolved.chunk);
      bytes += resolved.contentBytes;
    };
    for (const { uploader, ids } of ref.chunks) {
      const { numbers } = this.#deps;
      const from = this.#append.recovering ? numbers.intern(uploader) : (numbers.find(uploader) ?? unknownNumber);
      for (const id of splitBytes(ids, 32)) take(from, id, uploader);
    }
    for (const id of splitBytes(ref.segments, 32)) take(segmentUploader, id, author);
    this.#largestBytes = Math.max(this.#largestBytes, bytes);
    return { entry: ref.entry, chunks, bytes };
  }

  #resolve(scope: ReferenceScope, uploader: number, id: ChunkId, sender: Uint8Array) {
    if (this.#append.recovering) return this.#recover(scope, uploader, id);
    const resolution = this.#deps.chunks.resolve(scope, uploader, id);
    if (resolution === 'needsContent') return this.#withContent(scope, id, sender);
    if (resolution === 'notAllowed') this.#notAllowed = true;
    else if (resolution === 'missing') this.#note({ uploader: sender, id });
    else return resolution;
    return undefined;
  }

  #recover(scope: ReferenceScope, uploader: number, id: ChunkId) {
    const { chunks } = this.#deps;
    const resolved = chunks.require(scope, uploader, id);
    // The content of a lost segment cannot be had; it is counted when somebody sends it again.
    if (uploader === segmentUploader && chunks.lacksGrant(scope, id)) this.#useContent(resolved.chunk, id);
    return resolved;
  }

  /** A segment of another vault of the owner: its chunks must be allowed here too. */
  #withContent(scope: ReferenceScope, id: ChunkId, sender: Uint8Array) {
    const { chunks } = this.#deps;
    const resolved = chunks.require(scope, segmentUploader, id);
    const payload = this.#useContent(resolved.chunk, id);
    if (!payload) return undefined;
    const { owner, vault } = this.#append;
    const lacks = chunks.segmentLacks({ owner, vault, author: sender, payload });
    if (lacks.notAllowed) this.#notAllowed = true;
    for (const chunk of lacks.missing) this.#note(chunk);
    return resolved;
  }

  #useContent(chunk: number, id: ChunkId): Uint8Array | undefined {
    const payload = this.#payloads.get(idKey(id));
    if (payload) this.newSegments.set(chunk, payload);
    else this.#wanted.push(id);
    return payload;
  }

  #knows(scope: ReferenceScope, { entry, seq }: { readonly entry: EntryId; readonly seq: number }): boolean {
    if (this.#own.has(`${idKey(entry)}/${seq}`) || this.#deps.versions.has(scope.vault, entry, seq)) return true;
    const expired = this.#deps.versions.hasExpired(scope.vault, entry, seq);
    if (!this.#append.recovering) this.#unknownVersion = { status: 'unknownVersion', entry, expired };
    return false;
  }

  #note(chunk: MissingChunk): void {
    this.#missingCount += 1;
    if (this.#missing.length < namedMissingLimit) this.#missing.push(chunk);
  }
}
