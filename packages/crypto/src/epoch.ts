import { equalBytes, integrityError, kdf, lp, type Random } from '@coffer/core';
import { hpkeInfo, openFrom, sealTo } from './hpke.ts';
import { xwingKeyPair, type SealingKeyPair } from './key-pairs.ts';
import { padBody, unpadBody } from './padded-body.ts';
import { openSealed, seal } from './seal.ts';

export interface EpochKeys {
  /** Seals the bodies of this epoch's commits. */
  readonly bodyKey: Uint8Array;
  /** Public: stands in the `epoch` ref, so that everybody can tell whether they were given the same secret. */
  readonly commitment: Uint8Array;
  /** Seals the secret of the epoch before, so that a new member can read back. */
  readonly linkKey: Uint8Array;
}

/** Keys of epoch `n` from its 32-byte secret (JOURNAL §Commit). */
export function epochKeys(secret: Uint8Array, n: number): EpochKeys {
  if (secret.byteLength !== 32) throw new RangeError('an epoch secret has 32 bytes');
  return {
    bodyKey: kdf(secret, 'body key', n),
    commitment: kdf(secret, 'epoch commitment', n),
    linkKey: kdf(secret, 'epoch link', n),
  };
}

/** A fresh epoch secret. */
export function newEpochSecret(random: Random): Uint8Array {
  return random.bytes(32);
}

interface Body {
  readonly epochSecret: Uint8Array;
  readonly n: number;
  /** `bodyAssociatedData` of the commit's header (journal). */
  readonly associatedData: Uint8Array;
}

/** The sealed body of a commit: its encoded operations, padded and bound to their commit. */
export function sealCommitBody(input: Body & { readonly operations: Uint8Array; readonly random: Random }): Uint8Array {
  const { bodyKey } = epochKeys(input.epochSecret, input.n);
  const { associatedData, random } = input;
  return seal({ key: bodyKey, plain: padBody(input.operations), associatedData, random });
}

/** The encoded operations. @throws INTEGRITY, which makes the commit void (JOURNAL §Fold) */
export function openCommitBody(input: Body & { readonly body: Uint8Array }): Uint8Array {
  const { bodyKey } = epochKeys(input.epochSecret, input.n);
  const { associatedData, body } = input;
  return unpadBody(openSealed({ key: bodyKey, sealed: body, associatedData, what: bodyName }), bodyName);
}

const bodyName = 'The body of a commit';

/** Who gives which epoch to whom. */
export interface EpochGrant {
  readonly server: Uint8Array;
  /** Account that seals. */
  readonly from: Uint8Array;
  /** Account (16), team vault (32) or worker device (16) that it is for. */
  readonly to: Uint8Array;
  /** The vault; in a genesis commit, whose vault has no id yet, the commit id. */
  readonly object: Uint8Array;
  readonly epoch: number;
}

/** An epoch secret for one member or worker. @throws INVALID when its sealing key is unusable */
export function sealEpochSecretTo(input: {
  readonly grant: EpochGrant;
  readonly recipientKey: Uint8Array;
  readonly secret: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  return sealTo({
    recipientKey: input.recipientKey,
    info: grantInfo(input.grant),
    plain: input.secret,
    random: input.random,
  });
}

/**
 * The epoch secret, checked against the commitment that the signed journal shows to everybody.
 * @throws INTEGRITY, also when it opens but is not the committed one
 */
export function openEpochSecret(input: {
  readonly grant: EpochGrant;
  readonly privateSeed: Uint8Array;
  readonly sealed: Uint8Array;
  readonly commitment: Uint8Array;
}): Uint8Array {
  const secret = openFrom({ privateSeed: input.privateSeed, info: grantInfo(input.grant), sealed: input.sealed, what });
  return committed({ secret, n: input.grant.epoch, commitment: input.commitment });
}

interface Link {
  readonly vault: Uint8Array;
  /** The newer epoch, whose secret opens the link. */
  readonly n: number;
  readonly secret: Uint8Array;
}

/** The secret of epoch `n - 1` under the secret of epoch `n`. */
export function sealEpochLink(input: Link & { readonly previous: Uint8Array; readonly random: Random }): Uint8Array {
  const { linkKey } = epochKeys(input.secret, input.n);
  return seal({ key: linkKey, plain: input.previous, associatedData: linkData(input), random: input.random });
}

/** The secret of epoch `n - 1`, checked against that epoch's commitment. @throws INTEGRITY */
export function openEpochLink(
  input: Link & { readonly link: Uint8Array; readonly previousCommitment: Uint8Array },
): Uint8Array {
  const { linkKey } = epochKeys(input.secret, input.n);
  const secret = openSealed({ key: linkKey, sealed: input.link, associatedData: linkData(input), what });
  return committed({ secret, n: input.n - 1, commitment: input.previousCommitment });
}

/** A team's sealing key pair in epoch `n` (JOURNAL §Members and sharing). */
export function teamKeyPair(epochSecret: Uint8Array, n: number): SealingKeyPair {
  return xwingKeyPair(kdf(epochSecret, 'team key', n));
}

const what = 'The key of a vault';

function committed(input: {
  readonly secret: Uint8Array;
  readonly n: number;
  readonly commitment: Uint8Array;
}): Uint8Array {
  const { secret, n, commitment } = input;
  if (secret.byteLength !== 32 || !equalBytes(epochKeys(secret, n).commitment, commitment)) throw integrityError(what);
  return secret;
}

function grantInfo(grant: EpochGrant): Uint8Array {
  return hpkeInfo({ purpose: 'coffer/1 epoch secret', ...grant });
}

function linkData({ vault, n }: Link): Uint8Array {
  return lp('coffer/1 epoch link', vault, n);
}
