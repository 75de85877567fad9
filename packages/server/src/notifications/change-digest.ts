import { equalBytes, idKey, minuteMs, type AccountId, type Clock, type IdKey, type VaultId } from '@coffer/core';
import type { Notifications } from './notifications.ts';

/** The first change is told at once, those of this span after it together: an upload is a hundred commits. */
const digestMs = 10 * minuteMs;
/** Digests under way; beyond it changes are told one by one. */
const maxDigests = 10_000;

export interface ChangeDigestDeps {
  readonly clock: Clock;
  readonly notifications: Pick<Notifications, 'notify'>;
  /** Ends digests; what they have counted and not told is forgotten. */
  readonly stopping: AbortSignal;
}

export interface Change {
  readonly owner: AccountId;
  readonly actor: AccountId;
  readonly vault: VaultId;
}

/** Tells the owner of a vault that somebody else changes what is in it. */
export class ChangeDigest {
  readonly #deps: ChangeDigestDeps;
  readonly #pending = new Map<IdKey, number>();

  constructor(deps: ChangeDigestDeps) {
    this.#deps = deps;
  }

  /** Resolves when it is told, or counted. */
  async changed({ owner, actor, vault }: Change): Promise<void> {
    if (equalBytes(owner, actor)) return;
    const key = `${idKey(actor)}${idKey(vault)}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      this.#pending.set(key, pending + 1);
      return;
    }
    if (this.#pending.size < maxDigests) void this.#collect(key, { owner, actor, vault });
    await this.#tell({ owner, actor, vault }, 1);
  }

  async #collect(key: IdKey, change: Change): Promise<void> {
    const { clock, stopping } = this.#deps;
    this.#pending.set(key, 0);
    for (let count = 1; count > 0;) {
      await clock.sleep(digestMs, stopping).catch(() => undefined);
      count = stopping.aborted ? 0 : (this.#pending.get(key) ?? 0);
      this.#pending.set(key, 0);
      if (count > 0) await this.#tell(change, count);
    }
    this.#pending.delete(key);
  }

  async #tell({ owner, actor, vault }: Change, times: number): Promise<void> {
    await this.#deps.notifications.notify(owner, { kind: 'file-changed', actor, vault, times });
  }
}
