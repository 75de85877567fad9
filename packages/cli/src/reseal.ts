import { BoundedQueue } from '@coffer/core';
import { readFile } from '@coffer/client';
import type { Entry, UploadedContent, Uploader, Vault } from '@coffer/client';

/** Pieces of a file that are read ahead of what is sealed. */
const piecesAhead = 4;

/** Brings content from one vault into another: read, checked, and sealed with the other's keys. */
export class Reseal implements AsyncDisposable {
  readonly uploader: Uploader;
  readonly #from: Vault;

  private constructor(from: Vault, uploader: Uploader) {
    this.#from = from;
    this.uploader = uploader;
  }

  /** @throws what opening an uploader throws */
  static async open(from: Vault, to: Vault): Promise<Reseal> {
    return new Reseal(from, await to.uploader({ lanes: 1 }));
  }

  /** For a batch of the other vault that has this uploader. @throws INTEGRITY, EXPIRED, QUOTA, NO_SPACE, UNREACHABLE */
  async content(entry: Entry, signal: AbortSignal): Promise<UploadedContent> {
    const pieces = new BoundedQueue<Uint8Array>(piecesAhead);
    // The bytes belong to the sink only until it has answered.
    const sink = (bytes: Uint8Array): Promise<void> => pieces.push(Uint8Array.from(bytes), signal);
    const reading = readFile({ vault: this.#from, entry, sink }, signal).then(
      () => pieces.close(),
      (error: unknown) => pieces.fail(error),
    );
    const content = await this.uploader.uploadStream(pieces, signal);
    await reading;
    return content;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.uploader[Symbol.asyncDispose]();
  }
}
