import { equalBytes } from '@coffer/core';
import type { AccountId, VaultId } from '@coffer/core';
import type { CommitHeader, Ref } from '@coffer/journal';
import type { EpochGrant, EpochRecord } from './epoch-secrets.ts';

export interface EpochsSeen {
  readonly records: readonly EpochRecord[];
  /** For the account, its workers and for teams; seals for others are of no use here. */
  readonly grants: readonly EpochGrant[];
}

/** What the references of a commit say of the keys of `vault`; whether it may be believed is judged elsewhere. */
export function epochsIn(header: CommitHeader, { vault, account }: { vault: VaultId; account: AccountId }): EpochsSeen {
  const records: EpochRecord[] = [];
  const grants: EpochGrant[] = [];
  const object = header.seq === 1 ? header.commitId : vault;
  for (const ref of header.refs) {
    if (ref.kind === 'epoch') records.push({ n: ref.n, commitment: ref.commitment, link: ref.link });
    for (const seal of sealsOf(ref)) {
      if (seal.to.byteLength === account.byteLength && !equalBytes(seal.to, account)) continue;
      grants.push({ n: header.epoch, from: header.account, object, ...seal });
    }
  }
  return { records, grants };
}

function sealsOf(ref: Ref): readonly Pick<EpochGrant, 'to' | 'worker' | 'fingerprint' | 'sealed'>[] {
  if (ref.kind === 'epoch')
    return ref.seals.map(({ recipient, worker, fingerprint, sealed }) => ({
      to: recipient,
      worker,
      fingerprint,
      sealed,
    }));
  if (ref.kind !== 'member') return [];
  const { member, fingerprint } = ref;
  return ref.seals.map(({ worker, sealed }) => ({ to: member, worker, fingerprint, sealed }));
}
