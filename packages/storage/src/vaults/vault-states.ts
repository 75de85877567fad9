import type { IdKey } from '@coffer/core';
import { equalBytes, idKey } from '@coffer/core';
import type { VaultState } from '@coffer/journal';
import { decodeVaultState } from '@coffer/journal';
import type { VaultFacts } from '../facts/facts.ts';

/** Vaults in use at a time; a state is a few hundred bytes for each member. */
const stateLimit = 512;

/** States of vaults as objects: every request asks for one, and few commits come between. */
export class VaultStates {
  readonly #states = new Map<IdKey, VaultState>();

  /** The state that the facts hold. @throws INVALID, UPGRADE_REQUIRED */
  of({ vault, head, state }: VaultFacts): VaultState {
    const key = idKey(vault);
    const known = this.#states.get(key);
    const current = known && equalBytes(known.head, head) ? known : decodeVaultState(state);
    this.#states.delete(key);
    this.#states.set(key, current);
    const oldest = this.#states.size > stateLimit ? this.#states.keys().next().value : undefined;
    if (oldest !== undefined) this.#states.delete(oldest);
    return current;
  }
}
