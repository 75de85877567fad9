import { equalBytes, idKey } from '@coffer/core';
import type { AccountId, Hash, IdKey, VaultId } from '@coffer/core';
import { foldChain, foldVerified } from './identity.ts';
import type { IdentityState } from './identity.ts';
import { parseIdentityStatement } from './identity-statement.ts';
import type { IdentityStatement } from './identity-statement.ts';
import { invalid } from './refuse.ts';
import type { VaultState } from './vault-state.ts';

/** A team's journal at one of its heads. */
export interface TeamState {
  readonly state: VaultState;
  /** True when `head` is this head or an earlier one of the same journal. */
  extends(head: Hash): boolean;
}

/** Whom a journal speaks of. Synchronous: callers load what a commit names before they judge it. */
export interface Directory {
  /** The identity of `account` at `head` of its chain; undefined when the chain is not known to hold it. */
  identity(account: AccountId, head: Hash): IdentityState | undefined;
  /** The team at `head` of its journal. Without this function no vault can have a team as member. */
  team?(team: VaultId, head: Hash): TeamState | undefined;
}

/**
 * A {@link Directory} over whole identity chains; each statement is verified once. Holds one state per account and the
 * one that was asked for last, so that a journal that stays at one head costs one look-up per commit.
 */
export class IdentityChains implements Directory {
  readonly #chains = new Map<IdKey, Chain>();

  /** Statements that follow those already known of `account`. Keeps the arrays. @throws INVALID, INTEGRITY, LIMIT */
  append(account: AccountId, statements: readonly Uint8Array[]): IdentityState {
    const known = this.#chains.get(idKey(account));
    const state = foldChain(statements, known?.state);
    if (!equalBytes(state.account, account)) throw invalid('an identity chain is about another account');
    const verified = [...(known?.statements ?? []), ...statements.map(parseIdentityStatement)];
    const chain = { statements: verified, state, asked: known?.asked };
    this.#chains.set(idKey(account), chain);
    return state;
  }

  /** The newest known state. */
  current(account: AccountId): IdentityState | undefined {
    return this.#chains.get(idKey(account))?.state;
  }

  identity(account: AccountId, head: Hash): IdentityState | undefined {
    const chain = this.#chains.get(idKey(account));
    const seq = chain?.state.heads.get(idKey(head));
    if (chain === undefined || seq === undefined) return undefined;
    if (seq === chain.state.seq) return chain.state;
    if (seq !== chain.asked?.seq) {
      // Journals ask for later and later heads; two journals of one author may ask in turns.
      const from = chain.asked !== undefined && chain.asked.seq < seq ? chain.asked : undefined;
      chain.asked = foldVerified(chain.statements.slice(from?.seq ?? 0, seq), from);
    }
    return chain.asked;
  }
}

interface Chain {
  readonly statements: readonly IdentityStatement[];
  readonly state: IdentityState;
  asked: IdentityState | undefined;
}
