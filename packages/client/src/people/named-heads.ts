import type { Hash } from '@coffer/core';
import type { Commit, VaultState } from '@coffer/journal';

/** An account or team, and a head of its chain or journal. */
export interface NamedHead {
  readonly subject: Uint8Array;
  readonly head: Hash;
}

/** Heads that a journal has seen so far. */
export function headsIn(state: VaultState | undefined): NamedHead[] {
  return [...(state?.identities ?? [])].map(([key, head]) => ({ subject: Uint8Array.fromHex(key), head }));
}

/** Heads that judging a commit asks for. */
export function headsNamed({ header }: Commit): NamedHead[] {
  return header.refs.flatMap((ref): NamedHead[] => {
    if (ref.kind === 'genesis') return [{ subject: ref.owner, head: ref.chainHead }];
    if (ref.kind === 'identity') return [{ subject: ref.subject, head: ref.head }];
    return ref.kind === 'member' && ref.role !== 'none' ? [{ subject: ref.member, head: ref.chainHead }] : [];
  });
}
