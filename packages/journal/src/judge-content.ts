import { idKey, rootEntry } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import type { CommitHeader } from './commit-header.ts';
import type { Ref } from './ref.ts';
import { sameBytes } from './field-schemas.ts';
import { invalid } from './refuse.ts';
import type { VaultState } from './vault-state.ts';

/**
 * What a commit says of files: one word per entry, so that the order of refs cannot matter.
 * @throws INVALID
 */
export function checkContentRefs({ refs, seq }: CommitHeader, state: VaultState): void {
  const named = new Set<IdKey>();
  for (const ref of refs) {
    const entries = entriesOf(ref);
    if (entries.length > 0 && state.kind === 'team') throw invalid('a team has no files');
    for (const entry of entries) nameOnce(named, entry);
    checkVersions(ref, seq);
    checkUploaders(ref, state);
  }
}

function entriesOf(ref: Ref): readonly EntryId[] {
  if (ref.kind === 'drop') return ref.entries;
  return ref.kind === 'put' || ref.kind === 'keep' || ref.kind === 'purge' ? [ref.entry] : [];
}

function nameOnce(named: Set<IdKey>, entry: EntryId): void {
  const key = idKey(entry);
  if (named.has(key)) throw invalid('an entry is named by two references');
  if (sameBytes(entry, rootEntry)) throw invalid('the root has no content');
  named.add(key);
}

/** A version that is named must be of an earlier commit. */
function checkVersions(ref: Ref, seq: number): void {
  const latest = ref.kind === 'keep' ? ref.seq : ref.kind === 'purge' ? (ref.seqs.at(-1) ?? 0) : 0;
  if (latest >= seq) throw invalid('a version is named that is not there yet');
}

/** A home vault's content is always the owner's own uploads. */
function checkUploaders(ref: Ref, { kind, owner }: VaultState): void {
  if (kind !== 'home' || ref.kind !== 'put') return;
  if (ref.chunks.some(({ uploader }) => !sameBytes(uploader, owner))) {
    throw invalid("a home vault holds somebody else's upload");
  }
}
