import { CofferError, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Downloader, Vault } from '@coffer/client';

/** A thread for previews waits so long for the next one. */
const spareMs = 20 * secondMs;

/**
 * A downloader that is kept for a while between uses: each one of its own would start a thread for every file that the cursor
 * rests on, which costs more than reading the file.
 */
export class SpareDownloader implements AsyncDisposable {
  readonly #vault: Vault;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  #downloader: Promise<Downloader> | undefined;
  #usedMs = 0;
  #users = 0;

  constructor({ vault, clock }: { readonly vault: Vault; readonly clock: Clock }) {
    this.#vault = vault;
    this.#clock = clock;
  }

  /** @throws what `work` throws; CANCELLED after the end */
  async use<Result>(work: (downloader: Downloader) => Promise<Result>): Promise<Result> {
    if (this.#ended.signal.aborted) throw new CofferError('CANCELLED', 'closed');
    this.#users += 1;
    try {
      return await work(await this.#get());
    } finally {
      this.#users -= 1;
      this.#usedMs = this.#clock.monotonicMs();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#close();
  }

  #get(): Promise<Downloader> {
    if (this.#downloader === undefined) {
      this.#downloader = this.#vault.downloader({ lanes: 1 });
      void this.#closeWhenSpare();
    }
    return this.#downloader;
  }

  async #closeWhenSpare(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#clock.sleep(spareMs, signal).catch(() => undefined);
      if (this.#users === 0 && this.#clock.monotonicMs() - this.#usedMs >= spareMs) return await this.#close();
    }
  }

  async #close(): Promise<void> {
    const downloader = this.#downloader;
    this.#downloader = undefined;
    await (await downloader?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}
