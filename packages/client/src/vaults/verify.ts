import { isCofferError, Semaphore } from '@coffer/core';
import type { EntryId, Random } from '@coffer/core';
import type { WalkedEntry } from '../entry.ts';
import type { VaultHistory } from '../history.ts';
import type { FileDownloader } from '../transfer/file-downloader.ts';
import type { TreeReader } from '../tree-reader.ts';
import type { VerifyOptions, VerifyProblem, VerifyReport } from '../vault.ts';

export interface VerifyInput {
  readonly tree: TreeReader;
  readonly downloader: FileDownloader;
  readonly entries: readonly EntryId[];
  readonly options: VerifyOptions;
  readonly random: Random;
  readonly history: Pick<VaultHistory, 'explain'>;
}

/** Files read at a time: small ones travel together. */
const parallel = 64;

/** Downloads and checks what lies below the entries; a damaged file does not stop the others. */
export async function verifyEntries(input: VerifyInput, signal?: AbortSignal): Promise<VerifyReport> {
  const { tree, entries } = input;
  const running = new Semaphore(parallel);
  const verifier = new Verifier(input);
  const work = new Set<Promise<void>>();
  for (const start of entries) {
    const above = tree.path(start) ?? [];
    for (const { path, entry } of tree.walk(start)) {
      if (entry.kind !== 'file') continue;
      const release = await running.acquire(1, signal);
      const one = verifier.check({ path: [...above, ...path], entry }, signal).finally(() => {
        release();
        work.delete(one);
      });
      work.add(one);
      verifier.throwFailure();
    }
  }
  await Promise.all(work);
  verifier.throwFailure();
  return verifier.report();
}

class Verifier {
  readonly #input: VerifyInput;
  readonly #problems: VerifyProblem[] = [];
  #files = 0;
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(input: VerifyInput) {
    this.#input = input;
  }

  /** Never rejects: what concerns one file is a problem of that file, anything else ends the whole. */
  async check({ path, entry }: WalkedEntry, signal: AbortSignal | undefined): Promise<void> {
    const { downloader, options, random } = this.#input;
    try {
      const percent = options.samplePercent ?? 100;
      const bytes = await downloader.check(entry.content, { percent, random }, signal);
      this.#bytes += bytes;
    } catch (error) {
      await this.#failed({ path, entry }, error, signal);
    }
    this.#files += 1;
    options.onProgress?.({ files: this.#files, bytes: this.#bytes });
  }

  async #failed({ path, entry }: WalkedEntry, cause: unknown, signal: AbortSignal | undefined): Promise<void> {
    try {
      const error = await this.#input.history.explain(entry, cause, signal);
      if (!isCofferError(error, 'INTEGRITY', 'EXPIRED')) throw error;
      this.#problems.push({ path, entry: entry.entry, error });
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  report(): VerifyReport {
    return { files: this.#files, bytes: this.#bytes, problems: this.#problems };
  }
}
