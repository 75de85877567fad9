import type { AccountId, Hash, VaultId } from '@coffer/core';
import { CofferError, equalBytes, idKey, isCofferError } from '@coffer/core';
import type { Commit, VaultState } from '@coffer/journal';
import { encodeVaultState, judgeCommit, openVault } from '@coffer/journal';
import { memberQuotaError, quotaError } from '../chunks/chunk-writer.ts';
import { readSegments } from '../chunks/read-segments.ts';
import type { AppliedCommit, Facts, Prepared, TeamStateFacts, VaultFacts } from '../facts/facts.ts';
import { missingChunksError } from '../missing-chunks.ts';
import { recordHeaderBytes, recordKinds } from '../packs/pack-format.ts';
import type { PackRecord } from '../packs/pack-format.ts';
import type { PackPlace, Packs } from '../packs/packs.ts';
import type { SpaceGuard } from '../space-guard.ts';
import type { JournalWrite } from './journal-store.ts';
import type { JournalWrites } from './journal-writes.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { TeamStates } from './team-states.ts';
import { keptTeamStates } from './team-states.ts';
import type { VaultStates } from './vault-states.ts';

/** The promise: on stable storage, in order, visible to every member. */
export interface Ack {
  readonly vault: VaultId;
  readonly seq: number;
  readonly head: Hash;
  /** Receive time of that commit, ms; never goes back within a vault. */
  readonly receivedAt: number;
}

export interface AppendOptions {
  /** Asked when it is this append's turn, before anything is written; what it throws is the answer. */
  readonly stillAllowed?: () => Promise<void>;
}

export interface OwnerLimits {
  readonly quotaBytes: number | null;
  /** Of each other account that writes to the owner's vaults. */
  readonly memberBytes: number | null;
  readonly largestFileBytes: number | null;
}

export interface VaultAppenderDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  /** Time at which something that comes in now was received, ms. */
  readonly receiveMs: () => number;
  readonly space: SpaceGuard;
  readonly teams: TeamStates;
  readonly states: VaultStates;
  readonly journal: JournalWrites;
  readonly limitsOf: (owner: AccountId) => Promise<OwnerLimits>;
  /** Whether a hold keeps the account's versions now. */
  readonly isHeld: (owner: AccountId) => Promise<boolean>;
  /** What an account has stated must be durable before anything that rests on it. */
  readonly recordStatements: () => Promise<void>;
}

/** Commits of one append: each is parsed and held at the same time. */
const appendLimit = 1024;

/** A compaction may move segments between the question where they lie and the reading of them; not this often. */
const placeTries = 3;

/** What a commit changes, as judged. */
interface Judged {
  readonly commits: readonly Commit[];
  readonly state: VaultState;
  readonly before: VaultState | undefined;
  readonly teamStates: readonly TeamStateFacts[];
  /** Receive time of the head before. */
  readonly lastReceivedAtMs: number;
}

/** Appends commits to journals: one append at a time per vault, each all or nothing (STORAGE §Order of writes). */
export class VaultAppender {
  readonly #deps: VaultAppenderDeps;
  readonly #queue = new KeyedQueue();
  #lastToken = 0;

  constructor(deps: VaultAppenderDeps) {
    this.#deps = deps;
  }

  /** @throws INVALID, INTEGRITY, NOT_ALLOWED; EXISTS (the account has another home vault); NO_SPACE, QUOTA, IO */
  create(genesis: Commit): Promise<Ack> {
    return this.#queue.run(idKey(genesis.vault), () => this.#create(genesis));
  }

  /** @throws NOT_FOUND, CONFLICT, NOT_ALLOWED, INVALID, EXPIRED, INTEGRITY, MISSING_CHUNKS, QUOTA, LIMIT, NO_SPACE, IO */
  append(vault: VaultId, commits: readonly Commit[], options: AppendOptions = {}): Promise<Ack> {
    return this.#queue.run(idKey(vault), () => this.#append(vault, commits, options));
  }

  /** Runs `work` while nothing is appended to the vault, nor being checked for it. */
  exclusively<Result>(vault: VaultId, work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(idKey(vault), work);
  }

  drained(): Promise<void> {
    return this.#queue.drained();
  }

  async #create(genesis: Commit): Promise<Ack> {
    const known = await this.#alreadyThere(genesis.vault, genesis);
    if (known) return known;
    const state = openVault(genesis, this.#deps.teams.directory);
    const judged = { commits: [genesis], state, before: undefined, teamStates: [], lastReceivedAtMs: 0 };
    if (state.kind !== 'home') return this.#commit(judged);
    return this.#queue.run(`home of ${idKey(state.owner)}`, async () => {
      const vaults = await this.#deps.facts.vaultsOf(state.owner);
      const home = vaults.find(({ kind, owner }) => kind === 'home' && equalBytes(owner, state.owner));
      if (home) throw new CofferError('EXISTS', 'the account has a home vault already');
      return this.#commit(judged);
    });
  }

  async #append(vault: VaultId, commits: readonly Commit[], { stillAllowed }: AppendOptions): Promise<Ack> {
    if (commits.length > appendLimit)
      throw new CofferError('LIMIT', 'too many commits at once', { details: { limit: appendLimit } });
    const facts = await this.#deps.facts.vault(vault);
    if (!facts) throw new CofferError('NOT_FOUND', 'there is no such vault');
    const { fresh, known } = await this.#withoutKnown(facts, commits);
    if (fresh.length === 0 && known) return known;
    if (facts.seq === 0 || fresh.length === 0) throw new CofferError('INVALID', 'an append without commits');
    await stillAllowed?.();
    await this.#deps.teams.checkRoom(facts, fresh);
    return this.#commit(await this.#judge(facts, fresh));
  }

  /** A client that lost the answer asks again: what is in the chain already succeeds (JOURNAL §Append 3). */
  async #withoutKnown(
    facts: VaultFacts,
    commits: readonly Commit[],
  ): Promise<{ fresh: readonly Commit[]; known: Ack | undefined }> {
    let known: Ack | undefined;
    let index = 0;
    for (; index < commits.length; index += 1) {
      const commit = commits[index];
      if (!commit || commit.header.seq > facts.seq) break;
      const ack = await this.#alreadyThere(facts.vault, commit);
      if (!ack) break;
      known = ack;
    }
    return { fresh: commits.slice(index), known };
  }

  async #alreadyThere(vault: VaultId, { header, hash }: Commit): Promise<Ack | undefined> {
    const [found] = await this.#deps.facts.commits(vault, header.seq - 1, 1);
    if (!found || found.seq !== header.seq || !equalBytes(found.hash, hash)) return undefined;
    return { vault, seq: found.seq, head: found.hash, receivedAt: found.receivedAtMs };
  }

  async #judge(facts: VaultFacts, commits: readonly Commit[]): Promise<Judged> {
    const before = this.#deps.states.of(facts);
    this.#deps.teams.checkHeads(before, commits);
    let state = before;
    const teamStates: TeamStateFacts[] = [];
    for (const commit of commits) {
      state = judgeCommit(state, commit, await this.#deps.teams.directoryFor(state, commit));
      teamStates.push(...keptTeamStates([state]));
    }
    return { commits, state, before, teamStates, lastReceivedAtMs: facts.receivedAtMs };
  }

  async #commit(judged: Judged): Promise<Ack> {
    const { commits, state } = judged;
    if (ordersPurge(commits) && (await this.#deps.isHeld(state.owner))) throw heldError();
    await this.#deps.space.tend();
    if (addsContent(commits)) await this.#deps.space.check(bytesOf(commits));
    await this.#deps.recordStatements();
    this.#lastToken += 1;
    const token = this.#lastToken;
    await this.#prepare(token, judged);
    const receivedAtMs = Math.max(this.#deps.receiveMs(), judged.lastReceivedAtMs);
    const records = commits.map((commit) => recordOf(commit, receivedAtMs));
    await this.#write({ token, judged, receivedAtMs, records });
    return { vault: state.vault, seq: state.seq, head: state.head, receivedAt: receivedAtMs };
  }

  async #prepare(token: number, { commits, state }: Judged): Promise<void> {
    const { facts, limitsOf } = this.#deps;
    const limits = await limitsOf(state.owner);
    const append = { token, vault: state.vault, owner: state.owner, commits: commits.map(compact), ...limits };
    let prepared = await facts.prepareAppend({ ...append, segments: [] });
    for (let tries = 0; prepared.status === 'segments' && tries < placeTries; tries += 1) {
      const segments = await this.#readSegments(state.owner, prepared.places);
      prepared = await facts.prepareAppend({ ...append, segments });
    }
    if (prepared.status !== 'ready') throw refusal(prepared);
  }

  /** Empty when a pack went away since it was looked up: then the records lie elsewhere by now. */
  async #readSegments(owner: AccountId, places: readonly PackPlace[]): Promise<Uint8Array[]> {
    try {
      return await readSegments(this.#deps.packs, { owner, places });
    } catch (error) {
      if (isCofferError(error, 'NOT_FOUND')) return [];
      throw error;
    }
  }

  async #write(write: {
    token: number;
    judged: Judged;
    receivedAtMs: number;
    records: readonly PackRecord[];
  }): Promise<void> {
    const { token, judged, receivedAtMs, records } = write;
    const { facts, journal } = this.#deps;
    const { state, before, commits, teamStates } = judged;
    const members = before && before.members === state.members ? {} : { members: membersOf(state) };
    const target = {
      token,
      vault: state.vault,
      owner: state.owner,
      kind: state.kind,
      state: encodeVaultState(state),
      teamStates,
      ...members,
    };
    const apply: JournalWrite['apply'] = (places, packs) =>
      facts.applyAppend({ ...target, applied: appliedOf(commits, places, receivedAtMs), packs });
    try {
      await journal.write(state.owner, { records, apply });
    } catch (error) {
      if (isCofferError(error, 'NO_SPACE')) await facts.cancelAppend(token);
      throw error;
    }
  }
}

function addsContent(commits: readonly Commit[]): boolean {
  return commits.some(({ header }) => header.refs.some(({ kind }) => kind === 'put'));
}

/** One that names nothing cancels. */
function ordersPurge(commits: readonly Commit[]): boolean {
  return commits.some(({ header }) => header.refs.some((ref) => ref.kind === 'purge' && ref.seqs.length > 0));
}

/** Its seven days would pass unseen, while nothing goes anyway. */
function heldError(): CofferError {
  return new CofferError('NOT_ALLOWED', 'nothing is purged while a hold is on', {
    hint: 'Take the hold off first; it ends seven days later.',
  });
}

function bytesOf(commits: readonly Commit[]): number {
  return commits.reduce((sum, { bytes }) => sum + bytes.byteLength + recordHeaderBytes, 0);
}

/** A view of a large buffer would take the whole buffer with it to the index's thread. */
function compact({ bytes }: Commit): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function recordOf({ vault, hash, header, bytes }: Commit, receivedAtMs: number): PackRecord {
  return { kind: recordKinds.commit, vault, id: hash, uploader: header.account, receivedAtMs, payload: [bytes] };
}

function appliedOf(commits: readonly Commit[], places: readonly PackPlace[], receivedAtMs: number): AppliedCommit[] {
  return commits.map(({ header, hash }, index) => {
    const place = places[index];
    if (!place) throw new TypeError('a commit was given no place');
    return { seq: header.seq, hash, receivedAtMs, place };
  });
}

/** The members of a vault as the index lists them. */
export function membersOf({ members }: VaultState): { readonly member: Uint8Array; readonly role: string }[] {
  return [...members.values()].map(({ member, role }) => ({ member, role }));
}

type Refused = Exclude<Prepared, { status: 'ready' }>;

const refusals: {
  readonly [Status in Refused['status']]: (refused: Extract<Refused, { status: Status }>) => CofferError;
} = {
  missing: ({ chunks, count }) => missingChunksError(chunks, count),
  notAllowed: () =>
    new CofferError('NOT_ALLOWED', 'a commit refers to chunks that its author may not use in this vault'),
  unknownVersion: ({ expired }) =>
    expired
      ? new CofferError('EXPIRED', 'a commit keeps a version that has expired')
      : new CofferError('INVALID', 'a commit keeps a version that this vault does not hold'),
  quota: quotaError,
  memberQuota: memberQuotaError,
  tooLarge: ({ limitBytes }) =>
    new CofferError('LIMIT', 'a file is larger than this account may store', { details: { limitBytes } }),
  segments: ({ places }) =>
    new CofferError('DAMAGED', 'a stored segment is damaged', { details: { segments: places.length } }),
};

function refusal(refused: Refused): CofferError {
  const make = refusals[refused.status] as (refused: Refused) => CofferError;
  return make(refused);
}
