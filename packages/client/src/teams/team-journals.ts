import { join } from 'node:path';
import { CofferError, decodeCbor, encodeCbor, equalBytes, idKey, isCofferError, MiB, Semaphore } from '@coffer/core';
import type { AccountId, Hash, IdKey, VaultId } from '@coffer/core';
import { commitLimits } from '@coffer/journal';
import type { Commit, Directory, IdentityState, TeamState, VaultState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import { z } from 'zod';
import type { Chains } from '../people/chains.ts';
import { headsNamed } from '../people/named-heads.ts';
import type { Pins } from '../profile/pins.ts';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';
import type { EpochKey } from '../state/epoch-secrets.ts';
import { rollbackError } from '../state/rollback-error.ts';
import { checkArrived, parsedCommit } from '../state/vault-journal.ts';
import { pulledCommit } from '../vaults/pull.ts';
import { TeamJournal } from './team-journal.ts';

export interface TeamJournalsDeps {
  /** Of the profile; made when a journal is kept. */
  readonly folder: string;
  readonly chains: Chains;
  readonly pins: Pins;
  /** Undefined on a worker. */
  readonly key: EpochKey | undefined;
}

const Stored = z.strictObject({
  v: z.literal(1),
  /** Generation in which the server went back behind what was seen. */
  cut: z.int().min(1).nullable(),
  commits: z.array(z.custom<Uint8Array>((value) => value instanceof Uint8Array)).max(commitLimits.teamCommits),
});

/** Of one team: its commits, and what stands around each. */
const maxFileBytes = commitLimits.teamBytes + MiB;

interface Kept {
  readonly journal: TeamJournal;
  readonly cut: number | undefined;
}

/**
 * The journals of teams: those that the account is in, and those that its shares have as members. Kept whole, as identity chains
 * are, and judged here; of the server's word nothing is believed. A {@link Directory} of people and teams.
 */
export class TeamJournals implements Directory {
  readonly #deps: TeamJournalsDeps;
  readonly #kept = new Map<IdKey, Kept>();
  readonly #turn = new Semaphore(1);

  constructor(deps: TeamJournalsDeps) {
    this.#deps = deps;
  }

  identity(account: AccountId, head: Hash): IdentityState | undefined {
    return this.#deps.chains.identity(account, head);
  }

  team(team: VaultId, head: Hash): TeamState | undefined {
    return this.#load(team).journal.at(head);
  }

  /** The newest state known here; undefined for a team of which nothing was fetched. */
  current(team: VaultId): VaultState | undefined {
    return this.#load(team).journal.state;
  }

  /** True when `head` is a head of the team's journal that is known here. */
  knows(team: VaultId, head: Hash): boolean {
    return this.#load(team).journal.positionOf(head) !== undefined;
  }

  /** X-Wing seed of the team's key with that fingerprint, when the account holds it. */
  seedOf(team: VaultId, fingerprint: Hash): Uint8Array | undefined {
    return this.#load(team).journal.seedOf(fingerprint);
  }

  /** Whether the key that the team has now was given to this member, be it to keys that the member has no more. */
  isGivenTo(team: VaultId, member: Uint8Array): boolean {
    return this.#load(team).journal.isGivenTo(member);
  }

  /** Undefined for a team that is closed to the account. */
  nameOf(team: VaultId): string | undefined {
    return this.#load(team).journal.name;
  }

  /** Fetches what follows what is known, and the chains of the people in it. @throws NOT_FOUND, INTEGRITY, ROLLBACK, UNREACHABLE */
  async refresh(connection: ClientConnection, team: VaultId, signal?: AbortSignal): Promise<void> {
    await this.#turn.run(() => this.#refresh(connection, team, signal), signal);
  }

  async #refresh(connection: ClientConnection, team: VaultId, signal: AbortSignal | undefined): Promise<void> {
    const { pins } = this.#deps;
    pins.refresh();
    const pin = pins.of(team);
    const { journal, cut } = this.#load(team);
    // Where the server went back with the authority's word, all is fetched anew: the pin says how far it goes.
    const known = cut === pin?.cut ? journal.commits : [];
    const { response, data } = await connection.request(
      'vault.pull',
      { vault: team, after: known.length },
      { ...(signal && { signal }) },
    );
    if (response.seq < Math.max(known.length, pin?.seq ?? 0)) throw rollbackError(response.seq);
    const fresh = await received(data);
    for (const account of this.#unknownIn(fresh)) await this.#deps.chains.refresh(connection, account, signal);
    const next = known.length === journal.seq ? journal : this.#empty(team);
    try {
      next.append(fresh);
      checkArrived(next.state, response);
      const pinned = pin && next.commits[pin.seq - 1];
      if (pin !== undefined && (pinned === undefined || !equalBytes(pinned.hash, pin.hash)))
        throw rollbackError(pin.seq);
    } catch (error) {
      // What was refused must not be judged by: what was kept before is read again.
      this.#kept.delete(idKey(team));
      throw error;
    }
    this.#kept.set(idKey(team), { journal: next, cut: pin?.cut });
    if (fresh.length > 0) this.#save(team);
  }

  /** People of whom these commits name a head that is not known here. */
  #unknownIn(commits: readonly Commit[]): readonly AccountId[] {
    const { chains } = this.#deps;
    const wanted = new Map<IdKey, AccountId>();
    for (const { subject, head } of commits.flatMap(headsNamed)) {
      // A team is made of accounts; whatever else a commit names is refused when it is judged.
      if (subject.byteLength === 16 && !chains.knows(subject, head)) wanted.set(idKey(subject), subject);
    }
    return [...wanted.values()];
  }

  #load(team: VaultId): Kept {
    const key = idKey(team);
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const kept = this.#stored(team) ?? { journal: this.#empty(team), cut: undefined };
    this.#kept.set(key, kept);
    return kept;
  }

  /** What cannot be used is fetched again; how far it went the pin remembers. */
  #stored(team: VaultId): Kept | undefined {
    const bytes = readPrivateFile(this.#path(team), maxFileBytes);
    if (bytes === undefined) return undefined;
    try {
      const { cut, commits } = Stored.parse(decodeCbor(bytes));
      const journal = this.#empty(team);
      journal.append(commits.map((one) => parsedCommit(one)));
      return { journal, cut: cut ?? undefined };
    } catch (error) {
      if (error instanceof z.ZodError || isCofferError(error)) return undefined;
      throw error;
    }
  }

  #empty(team: VaultId): TeamJournal {
    const { chains, key } = this.#deps;
    return new TeamJournal({ team, directory: chains, key });
  }

  #save(team: VaultId): void {
    const { journal, cut } = this.#load(team);
    const { state } = journal;
    if (state === undefined) return;
    const commits = journal.commits.map(({ bytes }) => bytes);
    writePrivateFile(this.#path(team), encodeCbor({ v: 1, cut: cut ?? null, commits }));
    this.#deps.pins.see(team, { seq: state.seq, hash: state.head, epoch: state.epoch });
  }

  #path(team: VaultId): string {
    return join(this.#deps.folder, idKey(team));
  }
}

async function received(data: AsyncIterable<Uint8Array>): Promise<readonly Commit[]> {
  const commits: Commit[] = [];
  let bytes = 0;
  for await (const frame of data) {
    const commit = pulledCommit(frame).bytes;
    bytes += commit.byteLength;
    if (bytes > commitLimits.teamBytes || commits.length >= commitLimits.teamCommits)
      throw new CofferError('LIMIT', 'a team has changed too often', {
        details: { limitBytes: commitLimits.teamBytes },
      });
    commits.push(parsedCommit(Uint8Array.from(commit)));
  }
  return commits;
}
