import type { AccountId, Hash, IdKey, VaultId } from '@coffer/core';
import { CofferError, equalBytes, idKey } from '@coffer/core';
import type { Commit, Directory, IdentityState, Subject, TeamState, VaultState } from '@coffer/journal';
import {
  checkClaim,
  commitLimits,
  decodeVaultState,
  encodeVaultState,
  isDeparture,
  isTeamId,
  judgeCommit,
  openVault,
  parseCommit,
} from '@coffer/journal';
import type { Facts, TeamStateFacts, VaultFacts } from '../facts/facts.ts';
import { recordHeaderBytes } from '../packs/pack-format.ts';
import type { Packs } from '../packs/packs.ts';
import { pullCommits } from './pull-commits.ts';

export interface TeamStatesDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  /** Of accounts alone: teams are made of nothing else. */
  readonly directory: Directory & { current(account: AccountId): IdentityState | undefined };
}

/** A team at one of its heads. */
interface TeamHead {
  readonly team: VaultId;
  readonly head: Hash;
}

/** States in use at a time; one is a few hundred bytes for each member. */
const stateLimit = 512;

/** States of one team that an append may ask for: the one before, and those that its own commits bring. */
const headsOfTeam = 8;

/** The index keeps what a team was after each so many commits: at most these are judged again, some 0.1 s. */
const keptEvery = 256;

/**
 * Teams as the vaults that have them as members saw them. The newest state lies in the index, and one of every {@link keptEvery}
 * commits; another one is judged again from the nearest before it.
 */
export class TeamStates {
  readonly #deps: TeamStatesDeps;
  readonly #states = new Map<IdKey, VaultState>();

  constructor(deps: TeamStatesDeps) {
    this.#deps = deps;
  }

  /** Of accounts alone. */
  get directory(): Directory {
    return this.#deps.directory;
  }

  /**
   * With every team that judging `commit` on top of `state` asks for; one that is not known here stays unknown. Nothing is loaded for a
   * commit that is not signed, or in the wrong place; who may write at all was asked before.
   * @throws LIMIT, CONFLICT, NOT_ALLOWED, INTEGRITY, DAMAGED, IO
   */
  async directoryFor(state: VaultState | undefined, commit: Commit): Promise<Directory> {
    const { directory } = this.#deps;
    // Only shares have teams among their members.
    if (state?.kind !== 'share') return directory;
    const wanted = teamHeads(state, [commit]);
    if (wanted.length === 0) return directory;
    checkClaim(state, commit, directory.current(commit.header.account));
    const seqs = await this.#seqsOf(state, wanted);
    const known = new Map<IdKey, TeamState>();
    for (const one of wanted) {
      const found = await this.#load(one, seqs);
      if (found !== undefined) known.set(keyOf(one), found);
    }
    return {
      identity: (account, head) => directory.identity(account, head),
      team: (team, head) => known.get(keyOf({ team, head })),
    };
  }

  /** @throws LIMIT when judging these commits would ask for too many states or teams */
  checkHeads(state: VaultState, commits: readonly Commit[]): void {
    if (state.kind !== 'share') return;
    const byTeam = Map.groupBy(teamHeads(state, commits), ({ team }) => idKey(team));
    for (const [team, heads] of byTeam) if (heads.length > headsOfTeam) throw tooManyHeads(team);
    if (byTeam.size > 2 * commitLimits.teams) throw new CofferError('LIMIT', 'one append names too many teams');
  }

  /** @throws LIMIT when what members keep of the team would be too much with these commits */
  async checkRoom(facts: VaultFacts, commits: readonly Commit[]): Promise<void> {
    if (facts.kind !== 'team') return;
    const bytes = (await this.#deps.facts.journalBytes(facts.vault)) - facts.seq * recordHeaderBytes;
    const more = commits.reduce((sum, commit) => sum + commit.bytes.byteLength, 0);
    const kept = commits.every(({ header }) => isDeparture(header)) ? 0 : commitLimits.teamBytesKept;
    if (bytes + more <= commitLimits.teamBytes - kept) return;
    throw new CofferError('LIMIT', 'a team has changed too often', {
      hint: 'Make a new team, and share with that one.',
      details: { limitBytes: commitLimits.teamBytes - kept },
    });
  }

  /** Where the wanted heads stand, and those of the same teams that the vault has recorded. */
  async #seqsOf({ identities }: VaultState, wanted: readonly TeamHead[]): Promise<ReadonlyMap<string, number>> {
    const recorded = wanted.flatMap(({ team }) => headOf(team, identities.get(idKey(team))));
    const seqs = new Map<string, number>();
    for (const one of [...wanted, ...recorded]) {
      if (seqs.has(keyOf(one))) continue;
      const seq = await this.#deps.facts.teamSeq(one.team, one.head);
      if (seq !== undefined) seqs.set(keyOf(one), seq);
    }
    return seqs;
  }

  async #load({ team, head }: TeamHead, seqs: ReadonlyMap<string, number>): Promise<TeamState | undefined> {
    const seq = seqs.get(keyOf({ team, head }));
    const facts = seq === undefined ? undefined : await this.#deps.facts.vault(team);
    if (seq === undefined || facts === undefined) return undefined;
    const state = this.#states.get(idKey(head)) ?? (await this.#judged(facts, seq));
    if (state === undefined) return undefined;
    this.#keep(state);
    return { state, extends: (earlier) => (seqs.get(keyOf({ team, head: earlier })) ?? Infinity) <= seq };
  }

  /** From the nearest earlier state that is at hand. */
  async #judged({ vault, owner, seq: last, state: newest }: VaultFacts, seq: number): Promise<VaultState | undefined> {
    if (seq === last) return decodeVaultState(newest);
    const { facts, packs, directory } = this.#deps;
    let state = await this.#nearest(vault, seq);
    if (state?.seq === seq) return state;
    for await (const { bytes } of pullCommits({ facts, packs, vault, owner, after: state?.seq ?? 0 })) {
      const commit = parseCommit(new Uint8Array(bytes));
      state = state === undefined ? openVault(commit, directory) : judgeCommit(state, commit, directory);
      if (state.seq === seq) return state;
    }
    return undefined;
  }

  async #nearest(team: VaultId, seq: number): Promise<VaultState | undefined> {
    const kept = await this.#deps.facts.teamStateUpTo(team, seq);
    let nearest = kept && decodeVaultState(kept);
    for (const state of this.#states.values())
      if (state.seq <= seq && state.seq > (nearest?.seq ?? 0) && equalBytes(state.vault, team)) nearest = state;
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

/** Of the states after each commit of an append, those that the index keeps. */
export function keptTeamStates(states: readonly VaultState[]): readonly TeamStateFacts[] {
  return states
    .filter(({ kind, seq }) => kind === 'team' && seq % keptEvery === 0)
    .map((state) => ({ seq: state.seq, state: encodeVaultState(state) }));
}

/** Those that the vault has recorded of its members, and those that the commits bring. */
function teamHeads(state: VaultState, commits: readonly Commit[]): readonly TeamHead[] {
  const seen = [...state.members.values()].flatMap(({ member }) => headOf(member, state.identities.get(idKey(member))));
  const refs = commits.flatMap(({ header }) => header.refs);
  const admitted = refs.flatMap((ref) =>
    ref.kind === 'member' && ref.role !== 'none' ? headOf(ref.member, ref.chainHead) : [],
  );
  const members = new Set([...seen, ...admitted].map(({ team }) => idKey(team)));
  const named = refs.flatMap((ref) =>
    ref.kind === 'identity' && members.has(idKey(ref.subject)) ? headOf(ref.subject, ref.head) : [],
  );
  return [...new Map([...seen, ...admitted, ...named].map((one) => [keyOf(one), one])).values()];
}

function tooManyHeads(team: IdKey): CofferError {
  return new CofferError('LIMIT', 'one append names too many states of a team', {
    details: { limit: headsOfTeam, team },
  });
}

/** Nothing for an account. */
function headOf(subject: Subject, head: Hash | undefined): readonly TeamHead[] {
  return isTeamId(subject) && head !== undefined ? [{ team: subject, head }] : [];
}

function keyOf({ team, head }: TeamHead): string {
  return `${idKey(team)}/${idKey(head)}`;
}
