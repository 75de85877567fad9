import { lp, sha256, type AccountId, type ServerId } from '@coffer/core';

/** Label under which the identity key signs {@link resetProof}. */
export const resetProofLabel = 'coffer/1 password reset';

/** A new password, as the one who was given the root key again sets it. */
export interface ResetFields {
  readonly server: ServerId;
  readonly account: AccountId;
  /** 16 bytes. */
  readonly request: Uint8Array;
  readonly record: Uint8Array;
  readonly unlockRecord: Uint8Array;
}

/** What the identity key signs: these records, for this request, and no other (PROTOCOL §Passwords). */
export function resetProof({ server, account, request, record, unlockRecord }: ResetFields): Uint8Array {
  return lp(server, account, request, sha256(record), sha256(unlockRecord));
}
