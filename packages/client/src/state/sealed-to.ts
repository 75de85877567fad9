import type { DatabaseSync } from 'node:sqlite';
import { idKey } from '@coffer/core';
import type { CommitHeader } from '@coffer/journal';

/** Which members were given the secret of the present epoch: those whom it began with, and who was let in since. Of a judged journal. */
export class SealedTo {
  readonly #sql;

  constructor(db: DatabaseSync) {
    this.#sql = {
      noted: db.prepare("SELECT value FROM meta WHERE key = 'sealed-to'"),
      note: db.prepare(
        "INSERT INTO meta (key, value) VALUES ('sealed-to', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      ),
    };
  }

  /** True of everybody where the epoch was folded before this was noted. */
  has(member: Uint8Array): boolean {
    return this.#noted()?.has(idKey(member)) ?? true;
  }

  /** Of a commit that was judged, in its order. */
  learn({ refs }: CommitHeader): void {
    const admitted = refs.flatMap((ref) => (ref.kind === 'member' && ref.role !== 'none' ? [idKey(ref.member)] : []));
    const epoch = refs.find((ref) => ref.kind === 'epoch');
    if (epoch === undefined && admitted.length === 0) return;
    const before = epoch === undefined ? this.#noted() : epoch.seals.map(({ recipient }) => idKey(recipient));
    if (before !== undefined) this.#sql.note.run(Buffer.from([...new Set([...before, ...admitted])].join('\n')));
  }

  #noted(): ReadonlySet<string> | undefined {
    const noted = this.#sql.noted.get()?.['value'] as Uint8Array | undefined;
    return noted === undefined ? undefined : new Set<string>(Buffer.from(noted).toString().split('\n'));
  }
}
