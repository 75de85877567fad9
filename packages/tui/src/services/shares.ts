import { idKey } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import type {
  Account,
  Entry,
  IncomingShare,
  OutgoingShare,
  Person,
  ShareMember,
  Team,
  TeamMember,
} from '@coffer/client';
import { Store } from '../app/store.ts';
import { Refresh } from './refresh.ts';

/** What the account shares and what is shared with it, as the server said last. */
export interface SharesState {
  /** False until the server has answered once. */
  readonly isKnown: boolean;
  readonly outgoing: readonly OutgoingShare[];
  readonly incoming: readonly IncomingShare[];
  readonly teams: readonly KnownTeam[];
}

/** A team that the account is in. */
export interface KnownTeam {
  readonly team: Team;
  /** Undefined while nobody looks into it: each of them is asked for. */
  readonly members: readonly TeamMember[] | undefined;
}

export interface SharesDeps {
  readonly account: Account;
  /** A share was made or ended here: the home vault may be another. */
  readonly onChanged: () => void;
  readonly onProblem: (error: unknown) => void;
}

/** Shares and teams of the account: listed, made, changed, ended. @throws what `Sharing` and `Teams` throw */
export class Shares implements AsyncDisposable {
  readonly store = new Store<SharesState>({ isKnown: false, outgoing: [], incoming: [], teams: [] });
  readonly #deps: SharesDeps;
  readonly #refresh: Refresh;
  readonly #lookedInto = new Set<IdKey>();

  constructor(deps: SharesDeps) {
    this.#deps = deps;
    this.#refresh = new Refresh((signal) => this.#list(signal), deps.onProblem);
  }

  /** Never throws: what does not pass is told as a problem. */
  refresh(): Promise<void> {
    return this.#refresh.now();
  }

  /** Shares an entry with one more person, or gives a member another role. */
  async share(
    wanted: { readonly entry: Entry; readonly person: Person; readonly role: ShareMember['role'] },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#changed(this.#deps.account.sharing.share(wanted, signal));
  }

  async unshare({ mount, member }: OutgoingShare, signal: AbortSignal): Promise<void> {
    await this.#changed(this.#deps.account.sharing.unshare({ mount, member: member.account }, signal));
  }

  async leave(share: IncomingShare, signal: AbortSignal): Promise<void> {
    await this.#changed(this.#deps.account.sharing.leave(share, signal));
  }

  async createTeam(name: string, signal: AbortSignal): Promise<void> {
    await this.#changed(this.#deps.account.teams.create(name, signal));
  }

  async addMember({ team, person }: MemberOf, signal: AbortSignal): Promise<void> {
    await this.#changed(this.#deps.account.teams.add(team, person, signal));
  }

  async removeMember({ team, person }: MemberOf, signal: AbortSignal): Promise<void> {
    await this.#changed(this.#deps.account.teams.remove(team, person.account, signal));
  }

  async leaveTeam(team: Team, signal: AbortSignal): Promise<void> {
    await this.#changed(this.#deps.account.teams.leave(team, signal));
  }

  /** Who is in a team is known from now on; asked again, no more. */
  async lookInto({ id }: Team): Promise<void> {
    const key = idKey(id);
    if (!this.#lookedInto.delete(key)) this.#lookedInto.add(key);
    else this.store.update((state) => ({ ...state, teams: state.teams.map((one) => closed(one, key)) }));
    await this.refresh();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#refresh[Symbol.asyncDispose]();
  }

  async #changed(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } finally {
      this.#deps.onChanged();
      void this.refresh();
    }
  }

  /** What an earlier start left unfinished is finished first, and who left gets a key no more. */
  async #list(signal: AbortSignal): Promise<void> {
    const { sharing, shared } = this.#deps.account;
    const unfinished = async (): Promise<void> => {
      await sharing.finishPending(signal);
      await sharing.workOff(signal);
    };
    const problem = await unfinished().catch((error: unknown) => error);
    const outgoing = await sharing.outgoing(signal);
    const incoming = await shared.list(signal);
    this.store.update((state) => ({ ...state, isKnown: true, outgoing, incoming }));
    const teams = await this.#teams(signal);
    this.store.update((state) => ({ ...state, teams }));
    if (problem !== undefined) throw problem;
  }

  async #teams(signal: AbortSignal): Promise<readonly KnownTeam[]> {
    const { info, teams } = this.#deps.account;
    if (info.scope === 'worker') return [];
    const known: KnownTeam[] = [];
    for (const team of await teams.list(signal)) {
      const isOpen = this.#lookedInto.has(idKey(team.id));
      known.push({ team, members: isOpen ? await teams.members(team, signal) : undefined });
    }
    return known;
  }
}

interface MemberOf {
  readonly team: Team;
  readonly person: Person;
}

function closed(known: KnownTeam, key: IdKey): KnownTeam {
  return idKey(known.team.id) === key ? { ...known, members: undefined } : known;
}
