import type { Entry, TreeReader } from '@coffer/client';
import { idKey } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { FakeVault } from '../../sync/test/fake-vault.ts';
import type { Operation } from '../../sync/test/fake-vault.ts';

/** A vault in memory that knows its past, as far as the Files screen asks for it. */
export class PastVault extends FakeVault {
  readonly #past = new Map<number, TreeReader>();
  readonly #removedSeqs = new Map<string, number>();
  /** Files whose versions were asked to be destroyed. */
  readonly purged: EntryId[] = [];

  override get tree(): TreeReader {
    return this.#withPast(super.tree);
  }

  override get history(): never {
    const history = {
      policyAt: () => ({ policy: { trashDays: 30 } }),
      versions: () => [{ version: { seq: 1 }, state: 'kept' }],
      purge: async (entry: EntryId) => void this.purged.push(entry),
    };
    return history as never;
  }

  override commit(operations: readonly Operation[], holds?: (entry: EntryId) => boolean) {
    const report = super.commit(operations, holds);
    this.#past.set(report.seq, this.snapshot());
    for (const operation of operations)
      if (operation.kind === 'remove') this.#removedSeqs.set(idKey(operation.entry), report.seq);
    return report;
  }

  #withPast(tree: TreeReader): TreeReader {
    const more: Partial<TreeReader> = {
      *walk(from) {
        const open: Entry[] = [tree.get(from) ?? []].flat();
        for (let at = open.pop(); at !== undefined; at = open.pop()) {
          yield { entry: at, path: [] };
          open.push(...tree.children(at.entry));
        }
      },
      atSeq: (seq) => this.#withPast(this.#past.get(seq) ?? tree),
      removedSeq: (entry) => this.#removedSeqs.get(idKey(entry)),
    };
    return new Proxy(tree, {
      get: (target, key) => {
        const found: unknown = Reflect.get(key in more ? more : target, key, target);
        return typeof found === 'function' && !(key in more) ? found.bind(target) : found;
      },
    });
  }
}
