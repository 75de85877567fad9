import { CofferError } from '@coffer/core';
import { isPassing } from './passing.ts';

/** Asks for something whenever it is told to, never twice at once: told meanwhile, it asks once more. */
export class Refresh implements AsyncDisposable {
  readonly #ask: (signal: AbortSignal) => Promise<void>;
  readonly #onProblem: (error: unknown) => void;
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;
  #isWanted = false;

  /** `onProblem` is told of what does not pass by itself. */
  constructor(ask: (signal: AbortSignal) => Promise<void>, onProblem: (error: unknown) => void) {
    this.#ask = ask;
    this.#onProblem = onProblem;
  }

  /** Settles when what is known is as new as this call, or could not be asked for. Never throws. */
  async now(): Promise<void> {
    this.#isWanted = true;
    await (this.#running ??= this.#run());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new CofferError('CANCELLED', 'closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (this.#isWanted && !signal.aborted) {
      this.#isWanted = false;
      try {
        await this.#ask(signal);
      } catch (error) {
        if (!signal.aborted && !isPassing(error)) this.#onProblem(error);
      }
    }
    this.#running = undefined;
  }
}
