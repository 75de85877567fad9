import { CofferError, idKey, MiB, type AccountId, type IdKey } from '@coffer/core';

/** Commits that one account may have on their way at a time: two appends of the largest size. */
const accountBytes = 32 * MiB;
/** Commits of all accounts together: what several busy accounts need, and still a bound. */
const totalBytes = 128 * MiB;

/** What one request holds of a {@link CommitMemory}; given back when disposed of. */
export interface CommitHold extends Disposable {
  /** @throws BUSY when there is no room; then nothing was added */
  add(bytes: number): void;
}

/**
 * Counts commits from their frame to the end of their request. The buffers of the connections let go of a frame once it
 * was read, but an append is judged as a whole: without a count, appends that never end would fill the memory.
 */
export class CommitMemory {
  readonly #byAccount = new Map<IdKey, number>();
  #totalBytes = 0;

  hold(account: AccountId): CommitHold {
    const key = idKey(account);
    let held = 0;
    return {
      add: (bytes) => {
        this.#add(key, bytes);
        held += bytes;
      },
      [Symbol.dispose]: () => {
        this.#release(key, held);
        held = 0;
      },
    };
  }

  #add(key: IdKey, bytes: number): void {
    const mine = (this.#byAccount.get(key) ?? 0) + bytes;
    if (mine > accountBytes || this.#totalBytes + bytes > totalBytes) throw noRoom();
    this.#byAccount.set(key, mine);
    this.#totalBytes += bytes;
  }

  #release(key: IdKey, bytes: number): void {
    this.#totalBytes -= bytes;
    const left = (this.#byAccount.get(key) ?? 0) - bytes;
    if (left > 0) this.#byAccount.set(key, left);
    else this.#byAccount.delete(key);
  }
}

function noRoom(): CofferError {
  return new CofferError('BUSY', 'too many commits are on their way', { hint: 'Try again in a moment.' });
}
