import {
  decodeCbor,
  encodeCbor,
  equalBytes,
  integrityError,
  kdf,
  lp,
  sha256,
  type AccountId,
  type Random,
  type ServerId,
} from '@coffer/core';
import { z } from 'zod';
import { maxDedupGenerations, maxFormerSealSeeds, type AccountSecrets } from './account-secrets.ts';
import { byteString } from './byte-string.ts';
import { hpkeInfo, openFrom, sealTo } from './hpke.ts';
import { ed25519KeyPair, xwingKeyPair } from './key-pairs.ts';
import { openSealed, seal } from './seal.ts';

interface Owner {
  readonly server: ServerId;
  readonly account: AccountId;
}

export interface SealUnlockRecordInput extends Owner {
  /** 64 bytes from OPAQUE: what the password yields, and the server never sees. */
  readonly exportKey: Uint8Array;
  readonly secrets: AccountSecrets;
  readonly random: Random;
  /** The admin's X-Wing recovery key, already checked against the pinned authority. Without it there is no escrow. */
  readonly recoveryKey?: Uint8Array;
}

/**
 * What the server keeps for an account and cannot read (CRYPTO §Keys): the root key under the password, all else under the root key,
 * and, if a recovery key is given, the root key sealed to it.
 */
export function sealUnlockRecord(input: SealUnlockRecordInput): Uint8Array {
  const { random, secrets } = input;
  const record: UnlockRecord = {
    v: 1,
    ark: seal({ key: unlockKey(input), plain: secrets.ark, associatedData: purpose('unlock ark', input), random }),
    secrets: seal({
      key: secretsKey(secrets.ark),
      plain: encodeSecrets(secrets),
      associatedData: purpose('unlock secrets', input),
      random,
    }),
    ...(input.recoveryKey && { escrow: sealEscrow(input, input.recoveryKey) }),
  };
  return encodeCbor(record);
}

/**
 * The account's secrets. @throws INTEGRITY when the export key is another account's or server's, or the record was altered
 */
export function openUnlockRecord(
  input: Owner & { readonly exportKey: Uint8Array; readonly record: Uint8Array },
): AccountSecrets {
  const record = parseRecord(input.record);
  const ark = openSealed({
    key: unlockKey(input),
    sealed: record.ark,
    associatedData: purpose('unlock ark', input),
    what,
  });
  const plain = openSealed({
    key: secretsKey(ark),
    sealed: record.secrets,
    associatedData: purpose('unlock secrets', input),
    what,
  });
  return { ark, ...decodeSecrets(plain) };
}

/** Public keys that an account's identity chain shows as its current ones. */
export interface IdentityKeys {
  /** Raw Ed25519, 32 bytes. */
  readonly signKey: Uint8Array;
  /** Raw X-Wing, 1,216 bytes. */
  readonly sealKey: Uint8Array;
}

export interface OpenEscrowInput extends Owner {
  readonly recoverySeed: Uint8Array;
  readonly recoveryKey: Uint8Array;
  readonly record: Uint8Array;
  /**
   * Whose secrets these must be: the current keys of an identity that the authority has certified. Anybody, the server first of
   * all, can seal secrets of their own choice to the recovery key, and would read what the person writes from then on.
   */
  readonly identity: IdentityKeys;
}

/**
 * The account's secrets by the admin's recovery key, when the account gave an escrow (CRYPTO §Passwords that change or are lost).
 * @returns `undefined` without an escrow. @throws INTEGRITY, also when they are not those of `identity`
 */
export function openEscrow(input: OpenEscrowInput): AccountSecrets | undefined {
  const record = parseRecord(input.record);
  if (record.escrow === undefined) return undefined;
  const ark = openFrom({
    privateSeed: input.recoverySeed,
    info: escrowInfo(input, input.recoveryKey),
    sealed: record.escrow,
    what,
  });
  return openByRootKey({ ...input, ark });
}

/**
 * Whether the account gave an escrow: what follows the record has one only then, so that nobody who refused it gets one by a new
 * password or new keys. Read from the server's word, which can leave an escrow out; it cannot make itself a recovery key.
 * @throws INTEGRITY for what is no record
 */
export function hasEscrow(record: Uint8Array): boolean {
  return parseRecord(record).escrow !== undefined;
}

export interface OpenByRootKeyInput extends Owner {
  readonly ark: Uint8Array;
  readonly record: Uint8Array;
  /** As in {@link OpenEscrowInput}: whoever sealed the root key may have sealed one of their own. */
  readonly identity: IdentityKeys;
}

/** The account's secrets by its root key, as a device gets it back after a lost password. @throws INTEGRITY, also when they are not those of `identity` */
export function openByRootKey(input: OpenByRootKeyInput): AccountSecrets {
  const { ark } = input;
  const { secrets: sealed } = parseRecord(input.record);
  const associatedData = purpose('unlock secrets', input);
  const plain = openSealed({ key: secretsKey(ark), sealed, associatedData, what });
  const secrets = { ark, ...decodeSecrets(plain) };
  if (!isIdentityOf(secrets, input.identity)) throw integrityError(what);
  return secrets;
}

function isIdentityOf({ identitySeed, sealSeed }: AccountSecrets, { signKey, sealKey }: IdentityKeys): boolean {
  return (
    equalBytes(ed25519KeyPair(identitySeed).publicKey, signKey) && equalBytes(xwingKeyPair(sealSeed).publicKey, sealKey)
  );
}

const what = 'The account record';

const UnlockRecord = z.strictObject({
  v: z.literal(1),
  ark: byteString(1, 256),
  secrets: byteString(1, 60 * 1024),
  escrow: byteString(1, 2048).optional(),
});
type UnlockRecord = z.infer<typeof UnlockRecord>;

/** The server may have written anything: not being a record is one more way of being altered. */
function parseRecord(bytes: Uint8Array): UnlockRecord {
  return parseOr(bytes, UnlockRecord);
}

const WrappedSecrets = z.strictObject({
  identitySeed: byteString(32),
  sealSeed: byteString(32),
  dedup: z
    .array(z.strictObject({ g: z.int().min(0), secret: byteString(32) }))
    .min(1)
    .max(maxDedupGenerations),
  formerSealSeeds: z.array(byteString(32)).min(1).max(maxFormerSealSeeds).optional(),
});

function encodeSecrets({ identitySeed, sealSeed, dedup, formerSealSeeds }: AccountSecrets): Uint8Array {
  return encodeCbor({ identitySeed, sealSeed, dedup, formerSealSeeds });
}

function decodeSecrets(plain: Uint8Array): z.infer<typeof WrappedSecrets> {
  return parseOr(plain, WrappedSecrets);
}

function parseOr<Schema extends z.ZodType>(bytes: Uint8Array, schema: Schema): z.infer<Schema> {
  try {
    return schema.parse(decodeCbor(bytes));
  } catch {
    throw integrityError(what);
  }
}

function unlockKey(input: Owner & { readonly exportKey: Uint8Array }): Uint8Array {
  return kdf(input.exportKey, 'unlock key', input.server, input.account);
}

function secretsKey(ark: Uint8Array): Uint8Array {
  return kdf(ark, 'account secrets');
}

function purpose(label: string, { server, account }: Owner): Uint8Array {
  return lp(`coffer/1 ${label}`, server, account);
}

function sealEscrow(input: SealUnlockRecordInput, recipientKey: Uint8Array): Uint8Array {
  return sealTo({
    recipientKey,
    info: escrowInfo(input, recipientKey),
    plain: input.secrets.ark,
    random: input.random,
  });
}

function escrowInfo({ server, account }: Owner, recoveryKey: Uint8Array): Uint8Array {
  return hpkeInfo({
    purpose: 'coffer/1 escrow',
    server,
    from: account,
    to: sha256(recoveryKey),
    object: account,
    epoch: 0,
  });
}
