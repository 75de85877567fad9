import { idKey, type AccountId, type IdKey } from '@coffer/core';
import { foldChain, type IdentityState } from '@coffer/journal';

/** Folded chains kept at once; one is a few kilobytes, and asking again costs one verification per statement. */
const maxKept = 1024;

export interface IdentitySource {
  /** Statements after `after`, in order. */
  identityStatements(account: AccountId, after?: number): readonly Uint8Array[];
}

/** Identity chains as accounts.db has them now, folded once and then only further. */
export class Identities {
  readonly #source: IdentitySource;
  readonly #kept = new Map<IdKey, IdentityState>();

  constructor(source: IdentitySource) {
    this.#source = source;
  }

  /** `undefined` when there is no such account. */
  current(account: AccountId): IdentityState | undefined {
    const key = idKey(account);
    const known = this.#kept.get(key);
    const newer = this.#source.identityStatements(account, known?.seq ?? 0);
    if (newer.length === 0) return known;
    const state = foldChain(newer, known);
    this.#keep(key, state);
    return state;
  }

  #keep(key: IdKey, state: IdentityState): void {
    this.#kept.delete(key);
    this.#kept.set(key, state);
    const oldest = this.#kept.size > maxKept ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
