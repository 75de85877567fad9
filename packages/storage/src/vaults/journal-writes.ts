import type { AccountId, Clock } from '@coffer/core';
import { isCofferError, KiB } from '@coffer/core';
import { payloadBytesOf } from '../packs/pack-format.ts';
import type { SpaceGuard } from '../space-guard.ts';
import type { JournalStore, JournalWrite } from './journal-store.ts';

/** A full disk keeps an index transaction waiting this often and this long before the process gives up: 10 s. */
const applyTries = 50;
const applyRetryMs = 200;

/**
 * The index must take what was written, or the process ends: the pages that a removal changes in it, many times over.
 * Larger records change more, about as much as they are long.
 */
const applyRoomBytes = 128 * KiB;

export interface JournalWritesDeps {
  readonly clock: Clock;
  readonly space: SpaceGuard;
  readonly journalOf: (owner: AccountId) => JournalStore;
  /** Written and not applied: nothing may be acknowledged any more. */
  readonly onFatal: (error: unknown) => void;
}

/** Records that take effect: written, flushed, applied; on a full disk with the room set aside for that. */
export class JournalWrites {
  readonly #deps: JournalWritesDeps;

  constructor(deps: JournalWritesDeps) {
    this.#deps = deps;
  }

  /** @throws NO_SPACE: nothing was written, it may be tried again. Whatever else it throws was told to `onFatal`. */
  async write(owner: AccountId, { records, apply }: JournalWrite): Promise<void> {
    const write: JournalWrite = { records, apply: (places, packs) => this.#always(() => apply(places, packs)) };
    try {
      await this.#deps.space.secure(applyRoomBytes + 2 * bytesOf(records));
      await this.#withRoom(owner, write);
    } catch (error) {
      if (!isCofferError(error, 'NO_SPACE')) this.#deps.onFatal(error);
      throw error;
    }
  }

  /** A full disk left nothing behind, so it may be tried again with the room set aside for that. */
  async #withRoom(owner: AccountId, write: JournalWrite): Promise<void> {
    const { journalOf, space } = this.#deps;
    try {
      await journalOf(owner).write(write);
    } catch (error) {
      if (!isCofferError(error, 'NO_SPACE') || !(await space.makeRoom())) throw error;
      await journalOf(owner).write(write);
    }
  }

  /** The record is durable: from here on there is only success, or the end of the process. */
  async #always(apply: () => Promise<void>): Promise<void> {
    const { space, clock } = this.#deps;
    for (let tries = 0; ; tries += 1) {
      try {
        return await apply();
      } catch (error) {
        if (!isCofferError(error, 'NO_SPACE') || tries >= applyTries) throw error;
        if (!(await space.makeRoom())) await clock.sleep(applyRetryMs);
      }
    }
  }
}

function bytesOf(records: JournalWrite['records']): number {
  return records.reduce((sum, record) => sum + payloadBytesOf(record), 0);
}
