import { AccountId, CommitId, decodeCbor, DeviceId, equalBytes, Hash, VaultId, zeroHash } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import { z } from 'zod';
import { fixedBytes, TimestampField, wholeNumber } from './field-schemas.ts';
import { parseRefs } from './ref.ts';
import type { Ref } from './ref.ts';
import { checkVersion, invalid, parseWith } from './refuse.ts';

/** The clear, signed part of a commit. */
export interface CommitHeader {
  readonly v: 1;
  /** Zeros in a genesis. */
  readonly vault: VaultId;
  /** 1 for the genesis. */
  readonly seq: number;
  /** Hash of the commit before; zeros in a genesis. */
  readonly prev: Hash;
  /** Epoch whose key sealed the body; with an `epoch` ref the new one. */
  readonly epoch: number;
  readonly account: AccountId;
  /** Empty in a genesis, which the identity key signs. */
  readonly device: DeviceId;
  readonly commitId: CommitId;
  /** The author's clock. Nothing is decided by it. */
  readonly at: Timestamp;
  /** SHA-256 of the sealed body. */
  readonly bodyHash: Hash;
  readonly refs: readonly Ref[];
}

/** A header from its exact bytes. @throws INVALID, UPGRADE_REQUIRED */
export function parseHeader(headerBytes: Uint8Array): CommitHeader {
  return checkHeader(decodeCbor(headerBytes));
}

/** A header from what its bytes hold. @throws INVALID, UPGRADE_REQUIRED */
export function checkHeader(value: unknown): CommitHeader {
  checkVersion(value, 'a commit');
  const { refs: rawRefs, ...fields } = parseWith(HeaderFields, value, 'the header of a commit');
  const header: CommitHeader = { ...fields, refs: parseRefs(rawRefs) };
  checkGenesisShape(header);
  return header;
}

const HeaderFields = z.strictObject({
  v: z.literal(1),
  vault: VaultId,
  seq: wholeNumber(1),
  prev: Hash,
  epoch: wholeNumber(0, 2 ** 32 - 1),
  account: AccountId,
  device: z.union([DeviceId, fixedBytes(0)]),
  commitId: CommitId,
  at: TimestampField,
  bodyHash: Hash,
  refs: z.unknown(),
});

/** A genesis looks like one in every field, and nothing else does in any. */
function checkGenesisShape({ seq, vault, prev, device, refs }: CommitHeader): void {
  const genesis = seq === 1;
  const signs = [
    equalBytes(vault, zeroHash),
    equalBytes(prev, zeroHash),
    device.byteLength === 0,
    refs[0]?.kind === 'genesis',
  ];
  if (signs.some((sign) => sign !== genesis)) throw invalid('a commit is neither a genesis nor a later one');
  if (refs.slice(1).some(({ kind }) => kind === 'genesis')) throw invalid('a commit has two beginnings');
}
