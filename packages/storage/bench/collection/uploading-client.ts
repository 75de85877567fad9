import type { Clock } from '@coffer/core';
import { concatBytes, KiB, MiB, newEntryId, systemRandom } from '@coffer/core';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import type { TestDevice } from '@coffer/journal/testing';
import type { Storage } from '@coffer/storage';
import { addAccount, ownerSeed } from './fill.ts';

const chunkBytes = 64 * KiB;
const chunksPerFile = 32;

export interface ClientOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  /** The first is the account whose storage is collected, with another vault; the others are new. */
  readonly seed: number;
  readonly bytesPerSecond: number;
}

/** Sends files, commits them and reads them back, until told to stop. Whatever goes wrong is kept. */
export class UploadingClient {
  readonly errors: unknown[] = [];
  files = 0;
  bytes = 0;
  readonly #options: ClientOptions;
  readonly #account: TestAccount;
  readonly #device: TestDevice;
  readonly #vault: TestVault;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#account = new TestAccount(options.seed);
    this.#device = this.#account.enroll();
    this.#vault = new TestVault({ owner: this.#account, kind: options.seed === ownerSeed ? 'share' : 'home' });
  }

  async begin(): Promise<void> {
    const { storage, seed } = this.#options;
    if (seed !== ownerSeed) await addAccount(storage, this.#account, `client${seed}`);
    await storage.createVault(this.#vault.genesis);
  }

  async run(stop: AbortSignal): Promise<void> {
    const { clock, bytesPerSecond } = this.#options;
    while (!stop.aborted) {
      const beganMs = clock.monotonicMs();
      await this.#sendFile().catch((error: unknown) => void this.errors.push(error));
      const leastMs = ((chunkBytes * chunksPerFile) / bytesPerSecond) * 1000;
      await clock.sleep(Math.max(0, beganMs + leastMs - clock.monotonicMs()));
    }
  }

  async #sendFile(): Promise<void> {
    const { storage } = this.#options;
    const scope = { vault: this.#vault.id, uploader: this.#account.account };
    const ids = Array.from({ length: chunksPerFile }, () => systemRandom.bytes(32));
    const payload = systemRandom.bytes(chunkBytes);
    const writer = await storage.putChunks({ ...scope, kind: 'chunk' });
    for (const id of ids) await writer.put(id, payload);
    await writer.finish();
    const refs = [putRef(newEntryId(this.#options.clock, systemRandom), { uploader: this.#account.account, ids })];
    await storage.append(this.#vault.id, [this.#vault.append({ by: this.#device, refs })]);
    let read = 0;
    for await (const chunk of storage.readChunks({ ...scope, ids: concatBytes(...ids) }))
      read += chunk.payload.byteLength;
    if (read !== chunkBytes * chunksPerFile) throw new Error(`${read} bytes of ${2 * MiB} came back`);
    this.files += 1;
    this.bytes += read;
  }
}
