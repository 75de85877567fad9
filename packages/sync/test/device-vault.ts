import type { CommitBatchOptions, CommitReport, TreeReader } from '@coffer/client';
import { CofferError } from '@coffer/core';
import type { FakeTree } from './fake-tree.ts';
import { FakeVault } from './fake-vault.ts';
import type { Operation } from './fake-vault.ts';

/** A vault in memory as one of several devices sees it: as it was at its last pull, or at its own last commit. */
export class DeviceVault extends FakeVault {
  readonly #shared: FakeVault;
  #seen: FakeTree;

  constructor(shared: FakeVault, number: number) {
    super();
    this.#shared = shared;
    this.#seen = shared.snapshot();
    this.device = new Uint8Array(16).fill(number);
    // Contents are the same for all.
    Object.assign(this, { contents: shared.contents });
    this.line = shared.line;
  }

  override get tree(): TreeReader {
    return this.#seen;
  }

  override async pull(signal?: AbortSignal) {
    signal?.throwIfAborted();
    this.line.check();
    if (this.met !== this.lineage) throw new CofferError('CONFLICT', 'the server was restored from a backup');
    const before = this.#seen.seq;
    this.#refresh();
    return { before, after: this.#seen.seq, voidCommits: 0, skippedOperations: 0 };
  }

  /** Where another device was faster, what still holds goes on top. */
  override commit(operations: readonly Operation[], holds?: CommitBatchOptions['holds']): CommitReport {
    this.#refresh();
    this.#shared.device = this.device;
    const report = this.#shared.commit(operations, holds);
    this.#refresh();
    return report;
  }

  #refresh(): void {
    if (this.#shared.tree.seq !== this.#seen.seq) this.#seen = this.#shared.snapshot();
  }
}
