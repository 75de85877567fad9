import type { Hash, IdKey, VaultId } from '@coffer/core';
import { CofferError, idKey } from '@coffer/core';
import type { Commit, Directory, Subject, TeamState, VaultState } from '@coffer/journal';
import {
  commitLimits,
  decodeVaultState,
  isDeparture,
  isTeamId,
  judgeCommit,
  openVault,
  parseCommit,
} from '@coffer/journal';
import type { Facts, VaultFacts } from '../facts/facts.ts';
import { recordHeaderBytes } from '../packs/pack-format.ts';
import type { Packs } from '../packs/packs.ts';
import { pullCommits } from './pull-commits.ts';

export interface TeamStatesDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  /** Of accounts alone: teams are made of nothing else. */
  readonly directory: Directory;
}

/** Where each commit of a team stands, by hash. */
interface Positions {
  readonly seqs: Map<IdKey, number>;
  /** Of all commits together. */
  bytes: number;
}

/** A team at one of its heads. */
interface TeamHead {
  readonly team: VaultId;
  readonly head: Hash;
}

/** Heads in use at a time; a state is a few hundred bytes for each member. */
const stateLimit = 512;

/** States of one team that an append may ask for: the one before, and those that its own commits bring. */
const headsOfTeam = 8;

/** Teams whose positions are kept; 10,000 of about 100 bytes at most. */
const teamLimit = 64;

/** Commits asked of the index at a time. */
const batch = 512;

/**
 * Teams as the vaults that have them as members saw them. The newest state lies in the index; an older one is judged again from
 * the team's journal.
 */
export class TeamStates {
  readonly #deps: TeamStatesDeps;
  readonly #states = new Map<IdKey, VaultState>();
  readonly #positions = new Map<IdKey, Positions>();

  constructor(deps: TeamStatesDeps) {
    this.#deps = deps;
  }

  /** Of accounts alone. */
  get directory(): Directory {
    return this.#deps.directory;
  }

  /** With every team that judging `commits` on top of `state` asks for; one that is not known here stays unknown. @throws LIMIT, DAMAGED, IO */
  async directoryFor(state: VaultState | undefined, commits: readonly Commit[]): Promise<Directory> {
    const { directory } = this.#deps;
    // Only shares have teams among their members.
    if (state !== undefined && state.kind !== 'share') return directory;
    const wanted = teamHeads(state, commits);
    if (wanted.length === 0) return directory;
    const known = new Map<IdKey, TeamState>();
    for (const one of wanted) {
      const found = await this.#load(one);
      if (found !== undefined) known.set(keyOf(one), found);
    }
    return {
      identity: (account, head) => directory.identity(account, head),
      team: (team, head) => known.get(keyOf({ team, head })),
    };
  }

  /** @throws LIMIT when what members keep of the team would be too much with these commits */
  async checkRoom(facts: VaultFacts, commits: readonly Commit[]): Promise<void> {
    if (facts.kind !== 'team') return;
    const { bytes } = await this.#positionsOf(facts);
    const more = commits.reduce((sum, commit) => sum + commit.bytes.byteLength, 0);
    const kept = commits.every(({ header }) => isDeparture(header)) ? 0 : commitLimits.teamBytesKept;
    if (bytes + more <= commitLimits.teamBytes - kept) return;
    throw new CofferError('LIMIT', 'a team has changed too often', {
      hint: 'Make a new team, and share with that one.',
      details: { limitBytes: commitLimits.teamBytes - kept },
    });
  }

  async #load({ team, head }: TeamHead): Promise<TeamState | undefined> {
    const facts = await this.#deps.facts.vault(team);
    if (facts?.kind !== 'team') return undefined;
    const { seqs: positions } = await this.#positionsOf(facts);
    const seq = positions.get(idKey(head));
    if (seq === undefined) return undefined;
    const state = this.#states.get(idKey(head)) ?? (await this.#judged(facts, seq, positions));
    if (state === undefined) return undefined;
    this.#keep(state);
    return { state, extends: (earlier) => (positions.get(idKey(earlier)) ?? Infinity) <= seq };
  }

  async #positionsOf({ vault, seq }: VaultFacts): Promise<Positions> {
    const key = idKey(vault);
    const positions = this.#positions.get(key) ?? { seqs: new Map<IdKey, number>(), bytes: 0 };
    this.#positions.delete(key);
    this.#positions.set(key, positions);
    const oldest = this.#positions.size > teamLimit ? this.#positions.keys().next().value : undefined;
    if (oldest !== undefined) this.#positions.delete(oldest);
    while (positions.seqs.size < seq) {
      const commits = await this.#deps.facts.commits(vault, positions.seqs.size, batch);
      for (const { hash, seq: at, place } of commits) {
        // Others may have asked at the same time.
        if (!positions.seqs.has(idKey(hash))) positions.bytes += place.bytes - recordHeaderBytes;
        positions.seqs.set(idKey(hash), at);
      }
      if (commits.length === 0) break;
    }
    return positions;
  }

  /** From the nearest earlier state that is at hand. */
  async #judged(
    { vault, owner, seq: last, state: newest }: VaultFacts,
    seq: number,
    positions: ReadonlyMap<IdKey, number>,
  ): Promise<VaultState | undefined> {
    if (seq === last) return decodeVaultState(newest);
    const { facts, packs, directory } = this.#deps;
    let state = this.#nearest(seq, positions);
    for await (const { bytes } of pullCommits({ facts, packs, vault, owner, after: state?.seq ?? 0 })) {
      const commit = parseCommit(new Uint8Array(bytes));
      state = state === undefined ? openVault(commit, directory) : judgeCommit(state, commit, directory);
      if (state.seq === seq) return state;
    }
    return undefined;
  }

  #nearest(seq: number, positions: ReadonlyMap<IdKey, number>): VaultState | undefined {
    let nearest: VaultState | undefined;
    for (const [head, at] of positions) {
      const state = at < seq && at > (nearest?.seq ?? 0) ? this.#states.get(head) : undefined;
      nearest = state ?? nearest;
    }
    return nearest;
  }

  #keep(state: VaultState): void {
    const key = idKey(state.head);
    this.#states.delete(key);
    this.#states.set(key, state);
    const oldest = this.#states.size > stateLimit ? this.#states.keys().next().value : undefined;
    if (oldest !== undefined) this.#states.delete(oldest);
  }
}

function teamHeads(state: VaultState | undefined, commits: readonly Commit[]): readonly TeamHead[] {
  const seen = [...(state?.members.values() ?? [])].flatMap(({ member }) =>
    headOf(member, state?.identities.get(idKey(member))),
  );
  const refs = commits.flatMap(({ header }) => header.refs);
  const admitted = refs.flatMap((ref) =>
    ref.kind === 'member' && ref.role !== 'none' ? headOf(ref.member, ref.chainHead) : [],
  );
  const members = new Set([...seen, ...admitted].map(({ team }) => idKey(team)));
  const named = refs.flatMap((ref) =>
    ref.kind === 'identity' && members.has(idKey(ref.subject)) ? headOf(ref.subject, ref.head) : [],
  );
  const heads = [...new Map([...seen, ...admitted, ...named].map((one) => [keyOf(one), one])).values()];
  checkHeads(heads);
  return heads;
}

/** Each head may have to be judged from the beginning of its team, before it is known whether the commits are any good. @throws LIMIT */
function checkHeads(heads: readonly TeamHead[]): void {
  for (const [, ofOne] of Map.groupBy(heads, ({ team }) => idKey(team)))
    if (ofOne.length > headsOfTeam)
      throw new CofferError('LIMIT', 'one append names too many states of a team', {
        details: { limit: headsOfTeam, team: idKey(ofOne[0]?.team ?? new Uint8Array(0)) },
      });
}

/** Nothing for an account. */
function headOf(subject: Subject, head: Hash | undefined): readonly TeamHead[] {
  return isTeamId(subject) && head !== undefined ? [{ team: subject, head }] : [];
}

function keyOf({ team, head }: TeamHead): string {
  return `${idKey(team)}/${idKey(head)}`;
}
