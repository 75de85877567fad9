import { equalBytes, idKey } from '@coffer/core';
import type { AccountId, Hash, IdKey } from '@coffer/core';
import { identityExtends, isHeard, isTeamId } from '@coffer/journal';
import type { Commit, Directory, IdentityRef, Subject, VaultState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { TeamJournals } from '../teams/team-journals.ts';
import type { Chains, ServerClaim } from './chains.ts';
import { headsIn, headsNamed } from './named-heads.ts';

export interface VaultIdentitiesDeps {
  readonly chains: Chains;
  readonly teams: TeamJournals;
  /** Told whom a chain that was fetched is of: what they write must be told by their name. */
  readonly meet?: (account: AccountId, claim: ServerClaim) => void;
  /** False for a worker, which speaks only of its own account. */
  readonly mayIntroduceOthers: boolean;
}

/** The chains and teams that judging one vault needs: fetched before they are asked for, and told to its journal when they went on. */
export class VaultIdentities {
  readonly #deps: VaultIdentitiesDeps;

  constructor(deps: VaultIdentitiesDeps) {
    this.#deps = deps;
  }

  get directory(): Directory {
    return this.#deps.teams;
  }

  /**
   * Fetches the chains and teams of which these commits, or what was folded before, name a head that is not known.
   * @throws INTEGRITY, UNREACHABLE
   */
  async prepare(
    { commits, state }: { readonly commits: readonly Commit[]; readonly state: VaultState | undefined },
    connection: ClientConnection,
    signal?: AbortSignal,
  ): Promise<void> {
    const { chains, teams } = this.#deps;
    const wanted = new Map<IdKey, Subject>();
    for (const { subject, head } of [...headsIn(state), ...commits.flatMap(headsNamed)]) {
      if (!this.#knows(subject, head)) wanted.set(idKey(subject), subject);
    }
    for (const subject of wanted.values()) {
      if (isTeamId(subject)) await teams.refresh(connection, subject, signal);
      else {
        const claim = await chains.refresh(connection, subject, signal);
        this.#deps.meet?.(subject, claim);
      }
    }
  }

  /** Fetches the teams of a folded journal that are not known here: a machine may have lost what it kept. @throws INTEGRITY, UNREACHABLE */
  async prepareTeams(state: VaultState | undefined, connection: ClientConnection, signal?: AbortSignal): Promise<void> {
    const { teams } = this.#deps;
    for (const { subject, head } of headsIn(state)) {
      if (isTeamId(subject) && !teams.knows(subject, head)) await teams.refresh(connection, subject, signal);
    }
  }

  async refreshOwn(connection: ClientConnection, signal?: AbortSignal): Promise<void> {
    const { chains } = this.#deps;
    await chains.refresh(connection, chains.ownIdentity.account, signal);
  }

  /** Heads that are known here and that the journal has not seen. */
  refs(state: VaultState): readonly IdentityRef[] {
    const { chains, mayIntroduceOthers, teams } = this.#deps;
    const own = chains.ownIdentity;
    const newTeams = mayIntroduceOthers ? this.#teamRefs(state) : [];
    const identities = new Map(state.identities);
    for (const { subject, head } of newTeams) identities.set(idKey(subject), head);
    const seen = mayIntroduceOthers ? headsIn(state) : [];
    const others = seen.filter(
      ({ subject }) =>
        !isTeamId(subject) &&
        !equalBytes(subject, own.account) &&
        isHeard({ ...state, identities }, idKey(subject), teams),
    );
    const people = [...others, { subject: own.account, head: state.identities.get(idKey(own.account)) }];
    const newPeople = people.flatMap(({ subject, head }) => {
      const known = chains.current(subject);
      if (known === undefined || (head !== undefined && !isNewer(known, head))) return [];
      return [{ kind: 'identity', subject, head: known.head } as const];
    });
    return [...newTeams, ...newPeople];
  }

  /** Whoever came into a team since brings its head along, and may write by that. */
  #teamRefs({ members, identities }: VaultState): readonly IdentityRef[] {
    return [...members.values()].flatMap(({ member }): IdentityRef[] => {
      const head = identities.get(idKey(member));
      if (!isTeamId(member) || head === undefined) return [];
      const newest = this.#deps.teams.current(member);
      const isLater = newest !== undefined && !equalBytes(newest.head, head);
      if (!isLater || this.#deps.teams.team(member, newest.head)?.extends(head) !== true) return [];
      return [{ kind: 'identity', subject: member, head: newest.head }];
    });
  }

  #knows(subject: Subject, head: Hash): boolean {
    const { chains, teams } = this.#deps;
    return isTeamId(subject) ? teams.knows(subject, head) : chains.knows(subject, head);
  }
}

function isNewer(known: Parameters<typeof identityExtends>[0], head: Hash): boolean {
  return !equalBytes(known.head, head) && identityExtends(known, head);
}
