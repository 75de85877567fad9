import type { Account, Entry, IncomingShare, OutgoingShare, Person, ShareMember } from '@coffer/client';
import { Store } from '../app/store.ts';
import { Refresh } from './refresh.ts';

/** What the account shares and what is shared with it, as the server said last. */
export interface SharesState {
  /** False until the server has answered once. */
  readonly isKnown: boolean;
  readonly outgoing: readonly OutgoingShare[];
  readonly incoming: readonly IncomingShare[];
}

export interface SharesDeps {
  readonly account: Account;
  /** A share was made or ended here: the home vault may be another. */
  readonly onChanged: () => void;
  readonly onProblem: (error: unknown) => void;
}

/** Shares of the account: listed, made, ended. @throws what `Sharing` throws */
export class Shares implements AsyncDisposable {
  readonly store = new Store<SharesState>({ isKnown: false, outgoing: [], incoming: [] });
  readonly #deps: SharesDeps;
  readonly #refresh: Refresh;

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
    this.store.set({ isKnown: true, outgoing, incoming });
    if (problem !== undefined) throw problem;
  }
}
