import type { Logger } from '@coffer/core';
import { CofferError } from '@coffer/core';

interface StorageHealthDeps {
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
}

/** Whether the storage may still take something: not after a failure that is final, nor once it is being closed. */
export class StorageHealth {
  readonly #deps: StorageHealthDeps;
  #failure: { readonly error: unknown } | undefined;
  #closing = false;

  constructor(deps: StorageHealthDeps) {
    this.#deps = deps;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** For good. Told to `onFatal` once. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    const { logger, onFatal } = this.#deps;
    logger.error({ error: error instanceof Error ? error.message : 'unknown' }, 'the storage failed for good');
    onFatal(error);
  }

  close(): void {
    this.#closing = true;
  }

  /** @throws SHUTTING_DOWN, IO */
  check(): void {
    if (this.#closing) throw new CofferError('SHUTTING_DOWN', 'the storage is closing');
    if (this.#failure !== undefined) throw new CofferError('IO', 'the storage has failed and takes nothing any more');
  }
}
