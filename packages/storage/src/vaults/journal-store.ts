import type { AccountId } from '@coffer/core';
import { CofferError, isCofferError } from '@coffer/core';
import type { Facts, PackProgress } from '../facts/facts.ts';
import type { PackRecord } from '../packs/pack-format.ts';
import type { PackPlace, Packs, PackStore } from '../packs/packs.ts';

export interface JournalWrite {
  readonly records: readonly PackRecord[];
  /** Records the effect in the index, together with the progress of the packs. */
  readonly apply: (places: readonly PackPlace[], packs: readonly PackProgress[]) => Promise<void>;
}

/**
 * The open journal pack of one owner. Any number of vaults append to it and share its flushes; their effects reach the
 * index in the order in which the records lie in the pack, so that a recovery never begins behind a record that was
 * not applied.
 */
export class JournalStore {
  readonly #store: PackStore;
  readonly #packs: Packs;
  readonly #facts: Facts;
  #tail: Promise<unknown> = Promise.resolve();
  #open: PackProgress | undefined;
  #writes = 0;

  constructor(owner: AccountId, deps: { readonly packs: Packs; readonly facts: Facts }) {
    this.#store = { owner, kind: 'journal' };
    this.#packs = deps.packs;
    this.#facts = deps.facts;
  }

  get idle(): boolean {
    return this.#writes === 0;
  }

  /**
   * Resolves once the records are durable and applied. @throws NO_SPACE: nothing was written. Whatever else is thrown
   * leaves the records in the pack without effect: only a restart may go on.
   */
  async write({ records, apply }: JournalWrite): Promise<void> {
    this.#writes += 1;
    try {
      const { places, ticket } = this.#packs.append(this.#store, records);
      const applied = this.#applyInTurn(this.#packs.flush(this.#store, ticket), { places, apply });
      // A write that found no space left nothing behind: those after it need not care.
      this.#tail = applied.catch((error: unknown) =>
        isCofferError(error, 'NO_SPACE') ? undefined : Promise.reject(error as Error),
      );
      this.#tail.catch(ignore);
      await applied;
    } finally {
      this.#writes -= 1;
    }
  }

  async #applyInTurn(
    flushed: Promise<void>,
    { places, apply }: Pick<JournalWrite, 'apply'> & { readonly places: readonly PackPlace[] },
  ): Promise<void> {
    const before = this.#tail;
    await flushed;
    await before;
    await this.#apply(places, apply);
  }

  async #apply(places: readonly PackPlace[], apply: JournalWrite['apply']): Promise<void> {
    const packs = this.#progressOf(places);
    try {
      await apply(places, packs);
      if (packs.some(({ sealed }) => sealed)) await checkpoint(this.#facts);
    } catch (cause) {
      throw new CofferError('IO', 'the index did not take what was written', { cause });
    }
    this.#open = packs.at(-1);
  }

  #progressOf(places: readonly PackPlace[]): PackProgress[] {
    const ends = new Map<string, PackProgress>();
    if (this.#open) ends.set(this.#open.pack, this.#open);
    for (const { pack, offset, bytes } of places) {
      ends.delete(pack);
      ends.set(pack, { ...this.#store, pack, indexedBytes: offset + bytes, sealed: false });
    }
    const newest = places.at(-1)?.pack;
    return [...ends.values()].map((progress) => ({ ...progress, sealed: progress.pack !== newest }));
  }
}

/** Moves the index's log on. On a full disk it waits: nothing depends on it but how long the next start takes. */
export async function checkpoint(facts: Facts): Promise<void> {
  try {
    await facts.checkpoint();
  } catch (error) {
    if (!isCofferError(error, 'NO_SPACE', 'BUSY')) throw error;
  }
}

function ignore(): void {}
