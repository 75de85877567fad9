import { hourMs, idKey, type AccountId, type Clock, type IdKey } from '@coffer/core';

/** Names that one account may look up in an hour: a day's sharing, and no way to try out a dictionary. */
const lookUpsPerHour = 120;
/** Accounts remembered at once; the one that asked longest ago is forgotten first. */
const maxAccounts = 10_000;

interface Bucket {
  used: number;
  readonly sinceMs: number;
}

/** Counts how many names each account looks up. In memory, bounded. */
export class LookUpLimit {
  readonly #clock: Clock;
  readonly #buckets = new Map<IdKey, Bucket>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** False when the account has used up its hour. */
  take(account: AccountId): boolean {
    const key = idKey(account);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#buckets.get(key);
    const bucket = known !== undefined && nowMs - known.sinceMs < hourMs ? known : { used: 0, sinceMs: nowMs };
    if (bucket.used >= lookUpsPerHour) return false;
    bucket.used += 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const oldest = this.#buckets.size > maxAccounts ? this.#buckets.keys().next().value : undefined;
    if (oldest !== undefined) this.#buckets.delete(oldest);
    return true;
  }
}
