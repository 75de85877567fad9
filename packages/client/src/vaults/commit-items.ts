import { cborBound, idKey } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import { commitLimits } from '@coffer/journal';
import type { Operation, Ref } from '@coffer/journal';
import type { VersionName } from '../history.ts';
import type { UploadedContent } from '../uploader.ts';

/** One operation of a batch with what the server must know of it. */
export interface CommitItem {
  readonly operation: Operation;
  /** A `put` or `keep`. */
  readonly ref?: Extract<Ref, { kind: 'put' | 'keep' }>;
  /** Entries that go. */
  readonly drops?: readonly EntryId[];
  /** The entry in whose place a mount stands from now on. */
  readonly moved?: EntryId;
  /** What the `put` refers to, when it was uploaded for it. */
  readonly content?: UploadedContent;
  /** The version whose content the `put` or `keep` takes up again. */
  readonly source?: VersionName;
  /** Whom the report names. */
  readonly entries: readonly EntryId[];
}

/** Room for the envelope of a list of operations. */
const bodyBytes = commitLimits.operationBytes - 64;
/** References that one commit carries: the rest of a 4 MiB commit, with room for an epoch. */
const refBytes = 2 * 2 ** 20;
/** Identity refs and the drop ref come on top. */
const maxRefs = commitLimits.refs - 8;

/** Operations that become one commit; full when the next one would break a limit of the format. */
export class CommitItems {
  readonly items: CommitItem[] = [];
  readonly #named = new Set<IdKey>();
  #bodyBytes = 0;
  #refBytes = 0;
  #refs = 0;
  #drops = 0;

  get isEmpty(): boolean {
    return this.items.length === 0;
  }

  /** False when the item must go into the next commit: one word per entry and commit (JOURNAL §Commit). */
  add(item: CommitItem): boolean {
    const named = [
      ...(item.ref === undefined ? [] : [item.ref.entry]),
      ...(item.drops ?? []),
      ...(item.moved === undefined ? [] : [item.moved]),
    ].map(idKey);
    const body = cborBound(item.operation);
    const ref = refSize(item);
    const fits =
      this.items.length < commitLimits.operations &&
      this.#bodyBytes + body <= bodyBytes &&
      this.#refBytes + ref <= refBytes &&
      this.#refs + (item.ref === undefined ? 0 : 1) <= maxRefs &&
      this.#drops + (item.drops?.length ?? 0) <= commitLimits.dropEntries &&
      !named.some((key) => this.#named.has(key));
    if (!fits && !this.isEmpty) return false;
    this.items.push(item);
    this.#bodyBytes += body;
    this.#refBytes += ref;
    this.#refs += item.ref === undefined ? 0 : 1;
    this.#drops += item.drops?.length ?? 0;
    for (const key of named) this.#named.add(key);
    return true;
  }
}

function refSize({ ref, drops }: CommitItem): number {
  const puts =
    ref?.kind === 'put'
      ? ref.chunks.reduce((sum, { ids }) => sum + ids.byteLength + 24, 0) + ref.segments.byteLength
      : 0;
  return 40 + puts + (drops?.length ?? 0) * 17;
}

/** Refs of the items; all drops of one reason in one. */
export function refsOf(items: readonly CommitItem[]): readonly Ref[] {
  const drops = items.flatMap((item) => item.drops ?? []);
  const refs: Ref[] = items.flatMap((item) => (item.ref === undefined ? [] : [item.ref]));
  if (drops.length > 0) refs.push({ kind: 'drop', entries: drops, reason: 'removed' });
  const moved = items.flatMap((item) => item.moved ?? []);
  if (moved.length > 0) refs.push({ kind: 'drop', entries: moved, reason: 'moved' });
  return refs;
}
