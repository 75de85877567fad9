import { encodeCbor, equalBytes, integrityError, lp, sha256 } from '@coffer/core';
import type { CofferError, Hash, VaultId } from '@coffer/core';
import { splitByteStrings, joinByteStrings } from './byte-strings.ts';
import { checkHeader, parseHeader } from './commit-header.ts';
import type { CommitHeader } from './commit-header.ts';
import { commitLimits } from './limits.ts';
import { refToArray } from './ref.ts';
import { invalid, limit } from './refuse.ts';
import { signedBytes } from './signature.ts';
import type { Signer } from './signature.ts';

/** Label of the signature over a commit's header. */
export const commitLabel = 'coffer/1 commit';

/**
 * One link of a journal. All byte fields are views of what was parsed and are never encoded again: the signature and
 * the hash are over these exact bytes.
 */
export interface Commit {
  readonly header: CommitHeader;
  readonly headerBytes: Uint8Array;
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array;
  /** Sealed operations. */
  readonly body: Uint8Array;
  readonly bytes: Uint8Array;
  /** What the next commit names as `prev`. */
  readonly hash: Hash;
  /** The header's, but computed for a genesis. */
  readonly vault: VaultId;
}

/**
 * A whole commit, form checked and body bound to its header; author, signature and place in the journal are judged by
 * `judgeCommit` and `openVault`. Keeps views of `bytes`, which must not change afterwards.
 * @throws LIMIT, INVALID, UPGRADE_REQUIRED; INTEGRITY when the body is not the header's
 */
export function parseCommit(bytes: Uint8Array): Commit {
  if (bytes.byteLength > commitLimits.bytes) throw tooLarge(bytes);
  const [headerBytes, signature, body] = splitByteStrings(bytes, 3);
  if (headerBytes === undefined || signature === undefined || body === undefined) throw invalid('not a commit');
  checkSizes(signature, body);
  const header = parseHeader(headerBytes);
  if (!equalBytes(sha256(body), header.bodyHash)) throw integrityError('the body of a commit');
  return wholeCommit({ bytes, header, headerBytes, signature, body });
}

function checkSizes(signature: Uint8Array, body: Uint8Array): void {
  if (signature.byteLength !== 64) throw invalid('a commit has no signature');
  if (body.byteLength > commitLimits.bodyBytes) throw limit('the body of a commit is too large');
}

type CommitParts = Omit<Commit, 'hash' | 'vault'>;

function wholeCommit({ bytes, header, headerBytes, signature, body }: CommitParts): Commit {
  return {
    header,
    headerBytes,
    signature,
    body,
    bytes,
    hash: commitHash(headerBytes, signature),
    vault: header.seq === 1 ? vaultIdOf(headerBytes) : header.vault,
  };
}

export interface NewCommit {
  /** `bodyHash` is computed; everything else is written as given. */
  readonly header: Omit<CommitHeader, 'bodyHash'> & { readonly bodyHash?: Hash };
  /** Sealed operations. */
  readonly body: Uint8Array;
  /** Of the device, or for a genesis of the identity key. */
  readonly sign: Signer;
}

/** A signed commit that passed the same checks as one that arrived. @throws as {@link parseCommit} */
export function makeCommit({ header, body, sign }: NewCommit): Commit {
  const value = { ...header, bodyHash: sha256(body), refs: header.refs.map(refToArray) };
  // Before it is written: reading it again would take longer than all the rest.
  const checked = checkHeader(value);
  const headerBytes = encodeCbor(value);
  const signature = sign(signedBytes(commitLabel, headerBytes));
  checkSizes(signature, body);
  const bytes = joinByteStrings([headerBytes, signature, body]);
  if (bytes.byteLength > commitLimits.bytes) throw tooLarge(bytes);
  return wholeCommit({ bytes, header: checked, headerBytes, signature, body });
}

function tooLarge({ byteLength }: Uint8Array): CofferError {
  return limit('a commit is too large', { bytes: byteLength });
}

/** JOURNAL §Commit `hash`. */
export function commitHash(headerBytes: Uint8Array, signature: Uint8Array): Hash {
  return sha256(lp('coffer/1 commit hash', headerBytes, signature));
}

/** JOURNAL §Commit: the id of a vault proves who made it. */
export function vaultIdOf(genesisHeaderBytes: Uint8Array): VaultId {
  return sha256(lp('coffer/1 vault', genesisHeaderBytes));
}

/** Associated data of the sealed body: binds it to vault, epoch, author and commit; a genesis carries a zero vault. */
export function bodyAssociatedData({
  vault,
  epoch,
  account,
  device,
  commitId,
}: Pick<CommitHeader, 'vault' | 'epoch' | 'account' | 'device' | 'commitId'>): Uint8Array {
  return lp(vault, epoch, account, device, commitId);
}
