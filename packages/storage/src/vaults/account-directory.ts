import type { AccountId, Hash, IdKey } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { Directory, IdentityState } from '@coffer/journal';
import { IdentityChains } from '@coffer/journal';

/** Accounts whose folded chains are kept; the longest unused goes first. */
const chainLimit = 1000;

/** Reads identity statements with a seq above `after`, in order. */
export type StatementSource = (account: AccountId, after: number) => readonly Uint8Array[];

/** The identities of this server's accounts, read when they are first asked for. */
export class AccountDirectory implements Directory {
  readonly #source: StatementSource;
  readonly #chains = new Map<IdKey, IdentityChains>();

  constructor(source: StatementSource) {
    this.#source = source;
  }

  identity(account: AccountId, head: Hash): IdentityState | undefined {
    const chain = this.#chainOf(account);
    return chain.identity(account, head) ?? this.#extended(account, chain).identity(account, head);
  }

  /** The newest state; undefined for an unknown account. */
  current(account: AccountId): IdentityState | undefined {
    return this.#extended(account, this.#chainOf(account)).current(account);
  }

  #chainOf(account: AccountId): IdentityChains {
    const key = idKey(account);
    const known = this.#chains.get(key) ?? new IdentityChains();
    this.#chains.delete(key);
    this.#chains.set(key, known);
    const oldest = this.#chains.size > chainLimit ? this.#chains.keys().next().value : undefined;
    if (oldest !== undefined) this.#chains.delete(oldest);
    return known;
  }

  #extended(account: AccountId, chain: IdentityChains): IdentityChains {
    const statements = this.#source(account, chain.current(account)?.seq ?? 0);
    if (statements.length > 0) chain.append(account, statements);
    return chain;
  }
}
