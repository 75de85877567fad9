import { equalBytes, idKey, integrityError, isCofferError } from '@coffer/core';
import type { Hash, IdKey, VaultId } from '@coffer/core';
import { openCommitBody, teamKeyPair } from '@coffer/crypto';
import {
  bodyAssociatedData,
  judgeCommit,
  matchOperations,
  nameOfTeam,
  openVault,
  parseOperations,
  teamFingerprint,
} from '@coffer/journal';
import type { Commit, Directory, TeamState, VaultState } from '@coffer/journal';
import { epochsIn } from '../state/epoch-grants.ts';
import { EpochSecrets } from '../state/epoch-secrets.ts';
import type { EpochKey } from '../state/epoch-secrets.ts';

export interface TeamJournalDeps {
  readonly team: VaultId;
  /** Of accounts. */
  readonly directory: Directory;
  /** Of this account; undefined on a worker, which opens no team. */
  readonly key: EpochKey | undefined;
}

/** Earlier states kept at a time: journals of shares ask for later and later heads. */
const statesKept = 64;

/** The whole journal of one team, judged from its genesis, in memory. */
export class TeamJournal {
  readonly #deps: TeamJournalDeps;
  readonly #commits: Commit[] = [];
  readonly #positions = new Map<IdKey, number>();
  readonly #states = new Map<number, VaultState>();
  readonly #secrets: EpochSecrets | undefined;
  readonly #seeds = new Map<IdKey, Uint8Array>();
  /** Epochs whose seed is among them. */
  readonly #seeded = new Set<number>();
  #state: VaultState | undefined;
  #name: string | undefined;

  constructor(deps: TeamJournalDeps) {
    this.#deps = deps;
    this.#secrets = deps.key && new EpochSecrets(deps.team, deps.key);
  }

  get commits(): readonly Commit[] {
    return this.#commits;
  }

  /** The newest; undefined before the genesis. */
  get state(): VaultState | undefined {
    return this.#state;
  }

  get seq(): number {
    return this.#commits.length;
  }

  /** Commits that follow. What was taken before the one that fails stays. @throws INTEGRITY for what the server should have refused; UPGRADE_REQUIRED */
  append(commits: readonly Commit[]): void {
    for (const commit of commits) {
      this.#state = this.#judged(this.#state, commit);
      this.#commits.push(commit);
      this.#positions.set(idKey(commit.hash), this.#commits.length);
      this.#learn(commit);
    }
  }

  /** Where the commit with that hash stands. */
  positionOf(head: Hash): number | undefined {
    return this.#positions.get(idKey(head));
  }

  at(head: Hash): TeamState | undefined {
    const seq = this.positionOf(head);
    if (seq === undefined) return undefined;
    return { state: this.#stateAt(seq), extends: (earlier) => (this.positionOf(earlier) ?? Infinity) <= seq };
  }

  /** X-Wing seed of the team's key with that fingerprint; undefined when this account was not given it. */
  seedOf(fingerprint: Hash): Uint8Array | undefined {
    const key = idKey(fingerprint);
    for (let n = this.#state?.epoch ?? -1; n >= 0 && !this.#seeds.has(key); n -= 1) this.#learnSeed(n);
    return this.#seeds.get(key);
  }

  /** Whether the secret of the present epoch was sealed to this member. */
  isGivenTo(member: Uint8Array): boolean {
    const since = this.#commits.findLastIndex(({ header }) => header.refs.some(({ kind }) => kind === 'epoch'));
    return this.#commits.slice(Math.max(since, 0)).some(({ header }) =>
      header.refs.some((ref) => {
        if (ref.kind === 'epoch') return ref.seals.some(({ recipient }) => equalBytes(recipient, member));
        return ref.kind === 'member' && ref.role !== 'none' && equalBytes(ref.member, member);
      }),
    );
  }

  /** As its owner called it; undefined for whom the team is closed. */
  get name(): string | undefined {
    return (this.#name ??= this.#readName());
  }

  #judged(before: VaultState | undefined, commit: Commit): VaultState {
    const { team, directory } = this.#deps;
    try {
      const state = before === undefined ? openVault(commit, directory) : judgeCommit(before, commit, directory);
      if (state.kind === 'team' && idKey(state.vault) === idKey(team)) return state;
    } catch (error) {
      if (!isCofferError(error) || error.code === 'UPGRADE_REQUIRED') throw error;
      throw integrityError('The journal of a team', { seq: commit.header.seq, reason: error.code });
    }
    throw integrityError('The journal of a team');
  }

  #stateAt(seq: number): VaultState {
    if (this.#state === undefined || seq === this.#state.seq) return this.#state as VaultState;
    const before = [...this.#states.keys()].filter((known) => known <= seq);
    let state = this.#states.get(Math.max(...before, 0));
    for (const commit of this.#commits.slice(state?.seq ?? 0, seq)) state = this.#judged(state, commit);
    this.#states.delete(seq);
    this.#states.set(seq, state as VaultState);
    const oldest = this.#states.size > statesKept ? this.#states.keys().next().value : undefined;
    if (oldest !== undefined) this.#states.delete(oldest);
    return state as VaultState;
  }

  #learn({ header }: Commit): void {
    const { team, key } = this.#deps;
    if (key === undefined) return;
    const { records, grants } = epochsIn(header, { vault: team, account: key.account });
    for (const record of records) this.#secrets?.learn(record);
    for (const grant of grants) this.#secrets?.learnGrant(grant);
  }

  #learnSeed(n: number): void {
    if (this.#seeded.has(n)) return;
    const secret = this.#secret(n);
    if (secret === undefined) return;
    this.#seeded.add(n);
    const { publicKey, seed } = teamKeyPair(secret, n);
    this.#seeds.set(idKey(teamFingerprint(publicKey)), seed);
  }

  /** A seal that does not open is no better than none. */
  #secret(n: number): Uint8Array | undefined {
    try {
      return this.#secrets?.secret(n);
    } catch (error) {
      if (isCofferError(error, 'INTEGRITY')) return undefined;
      throw error;
    }
  }

  #readName(): string | undefined {
    const genesis = this.#commits[0];
    const epochSecret = this.#secret(0);
    if (genesis === undefined || epochSecret === undefined) return undefined;
    const { header, body } = genesis;
    try {
      const plain = openCommitBody({ epochSecret, n: 0, associatedData: bodyAssociatedData(header), body });
      const operations = parseOperations(plain);
      matchOperations(header.refs, operations, { kind: 'team', genesis: true });
      return nameOfTeam(operations);
    } catch (error) {
      if (isCofferError(error)) return undefined;
      throw error;
    }
  }
}
