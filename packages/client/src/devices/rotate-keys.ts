import {
  CofferError,
  decodeCbor,
  encodeCbor,
  equalBytes,
  integrityError,
  isCofferError,
  timestampFromMs,
} from '@coffer/core';
import {
  ed25519KeyPair,
  hasEscrow,
  openKeystore,
  openUnlockRecord,
  rotateAccountSecrets,
  sealKeystore,
  sealUnlockRecord,
  xwingKeyPair,
} from '@coffer/crypto';
import type { AccountSecrets } from '@coffer/crypto';
import {
  makeIdentityStatement,
  parseIdentityStatement,
  rotationBytes,
  rotationLabel,
  signedBytes,
} from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import { z } from 'zod';
import type { Dial } from '../connection/dial.ts';
import { greet } from '../connection/session.ts';
import type { Greeted } from '../connection/session.ts';
import { recoveryKeyOf } from '../credentials/recovery-key.ts';
import type { OwnChain } from '../login/identity-chain.ts';
import { opaqueLogin, prepareLogin } from '../login/opaque-login.ts';
import { decodeDeviceKeys, encodeDeviceKeys, fullKeys } from '../profile/device-keys.ts';
import type { FullDeviceKeys } from '../profile/device-keys.ts';
import { readPrivateFile, removePrivateFile, writePrivateFile } from '../profile/private-file.ts';
import type { Profile } from '../profile/profile.ts';

export interface AccountKeysOptions {
  readonly profile: Profile;
  readonly chain: OwnChain;
  readonly keys: FullDeviceKeys;
  readonly dial: Dial;
  /** The account's. */
  readonly password: string;
}

/**
 * New root key, identity, and secret of chunks for the account, behind its password (CRYPTO §Keys: a stolen full device). What is
 * sent is kept on this device before, so that whatever breaks is completed by the next call.
 * @returns the keys of this device from now on. @throws REFUSED for a wrong password, CONFLICT, INTEGRITY, UNREACHABLE
 */
export async function rotateKeys(options: AccountKeysOptions, signal?: AbortSignal): Promise<FullDeviceKeys> {
  return await behindPassword(options, signal, async (session) => {
    const waiting = await readWaiting(options, session, signal);
    if (waiting.kind === 'settled' && !isIdentityOf(options.keys, options.chain))
      return await takeOver(options, session);
    const pending = waiting.kind === 'pending' ? waiting.rotation : await makeRotation(options, session, signal);
    return await carryOut(options, session, pending, signal);
  });
}

/**
 * The keys that another device gave the account, for this one. @throws as {@link rotateKeys}; INTEGRITY when the server shows
 * another chain than that of the keys
 */
export async function renewKeys(options: AccountKeysOptions, signal?: AbortSignal): Promise<FullDeviceKeys> {
  return await behindPassword(options, signal, async (session) => {
    const waiting = await readWaiting(options, session, signal);
    if (waiting.kind === 'pending') return await carryOut(options, session, waiting.rotation, signal);
    return await takeOver(options, session);
  });
}

/** `settled`: what waited here is in the chain already, or can never be, and is gone. */
type Waiting = { readonly kind: 'none' | 'settled' } | { readonly kind: 'pending'; readonly rotation: Rotation };

/**
 * What an earlier call left, with the chain as it is now. Once the secrets behind the password are those of the chain, nothing is
 * lost with what waits here: it was sealed under a former password, or the chain has it, or has gone on without it.
 */
async function readWaiting(
  options: AccountKeysOptions,
  { greeted, secrets }: Session,
  signal: AbortSignal | undefined,
): Promise<Waiting> {
  const { profile, chain } = options;
  await chain.refresh(greeted.connection, signal);
  if (!profile.hasRotation) return { kind: 'none' };
  const isWhole = isIdentityOf(secrets, chain);
  try {
    const rotation = await readPending(options);
    if (rotation === undefined) return { kind: 'none' };
    if (!isWhole || (!chain.contains(rotation.statement) && isNext(rotation, chain)))
      return { kind: 'pending', rotation };
  } catch (error) {
    if (!isWhole || !isCofferError(error, 'INTEGRITY')) throw error;
  }
  removePrivateFile(profile.rotationPath);
  return { kind: 'settled' };
}

/** Whether the statement goes on where the chain ends. */
function isNext({ statement }: Rotation, chain: OwnChain): boolean {
  return equalBytes(parseIdentityStatement(statement).payload.prev, chain.current.head);
}

async function takeOver(
  { profile, chain, keys, password }: AccountKeysOptions,
  { secrets }: Session,
): Promise<FullDeviceKeys> {
  if (!isIdentityOf(secrets, chain)) throw integrityError('The identity chain');
  const renewed: FullDeviceKeys = fullKeys(secrets, keys.deviceSeed);
  chain.save();
  await profile.keystore.save(profile.requireRecord(), renewed, password);
  return renewed;
}

/** Whether the identity in the chain is that of these keys. */
function isIdentityOf({ identitySeed }: Pick<AccountSecrets, 'identitySeed'>, chain: OwnChain): boolean {
  return equalBytes(chain.current.signKey, ed25519KeyPair(identitySeed).publicKey);
}

interface Session {
  readonly greeted: Greeted;
  readonly exportKey: Uint8Array;
  readonly authEpoch: number;
  /** As the server keeps them, opened with the password. */
  readonly secrets: AccountSecrets;
  /** They have an escrow. */
  readonly escrow: boolean;
}

async function behindPassword<Result>(
  { profile, dial, password }: AccountKeysOptions,
  signal: AbortSignal | undefined,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const record = profile.requireRecord();
  const { server, account, username, pin } = record;
  const { client, started } = await prepareLogin(password);
  await using _client = client;
  const { transport } = await dial(record, { kind: 'pin', pin }, signal);
  const greeted = await greet({ transport, role: 'control', clock: profile.deps.clock }, signal);
  await using connection = greeted.connection;
  const loggedIn = await opaqueLogin({ greeted, username, started }, signal);
  if (!equalBytes(loggedIn.account, account)) throw integrityError('The account of this name');
  const { exportKey } = loggedIn;
  const { response } = await connection.request('account.unlock', {}, withSignal(signal));
  const secrets = openUnlockRecord({ server, account, exportKey, record: response.record });
  const escrow = hasEscrow(response.record);
  return await work({ greeted, exportKey, authEpoch: response.authEpoch, secrets, escrow });
}

/** What is sent, and the keys that go with it. */
interface Rotation {
  readonly keys: FullDeviceKeys;
  readonly statement: Uint8Array;
  readonly unlockRecord: Uint8Array;
  readonly authEpoch: number;
}

async function makeRotation(
  options: AccountKeysOptions,
  { greeted, exportKey, authEpoch, secrets, escrow }: Session,
  signal: AbortSignal | undefined,
): Promise<Rotation> {
  const { profile, chain, keys } = options;
  const { server, account, authority } = profile.requireRecord();
  const { random } = profile.deps;
  if (!isIdentityOf(secrets, chain)) throw integrityError('The identity chain');
  const next = rotateAccountSecrets(secrets, random);
  const { response } = await greeted.connection.request('device.rotation', {}, withSignal(signal));
  const vouched = recoveryKeyOf({ certificate: response.recovery, authority, server });
  const recoveryKey = escrow ? vouched : undefined;
  const sealed = { server, account, exportKey, secrets: next, random };
  const unlockRecord = sealUnlockRecord({ ...sealed, ...(recoveryKey && { recoveryKey }) });
  const statement = rotationStatement(options, { old: secrets, next });
  const rotation: Rotation = {
    keys: fullKeys(next, keys.deviceSeed),
    statement,
    unlockRecord,
    authEpoch,
  };
  await writePending(options, rotation);
  return rotation;
}

function rotationStatement(
  { profile, chain }: AccountKeysOptions,
  { old, next }: { readonly old: AccountSecrets; readonly next: AccountSecrets },
): Uint8Array {
  const { account, seq, head } = chain.current;
  const consent = ed25519KeyPair(next.identitySeed);
  const fields = {
    v: 1,
    type: 'rotate',
    account,
    seq: seq + 1,
    prev: head,
    at: timestampFromMs(profile.deps.clock.nowMs()),
    signKey: consent.publicKey,
    sealKey: xwingKeyPair(next.sealSeed).publicKey,
  } as const;
  const proof = consent.sign(signedBytes(rotationLabel, rotationBytes(fields)));
  return makeIdentityStatement({ ...fields, proof }, ed25519KeyPair(old.identitySeed).sign);
}

async function carryOut(
  options: AccountKeysOptions,
  { greeted }: Session,
  { keys, statement, unlockRecord, authEpoch }: Rotation,
  signal: AbortSignal | undefined,
): Promise<FullDeviceKeys> {
  const { profile, chain, password } = options;
  const { connection } = greeted;
  try {
    await connection.request('device.rotate', { statement, record: unlockRecord, authEpoch }, withSignal(signal));
  } catch (error) {
    // The password or the keys were changed since: what waited here can never be carried out.
    if (error instanceof CofferError && ['CONFLICT', 'INVALID', 'INTEGRITY'].includes(error.code))
      await dropIfVoid(options, connection, { statement, signal });
    throw error;
  }
  await chain.refresh(connection, signal);
  if (!isIdentityOf(keys, chain)) throw integrityError('The identity chain');
  chain.save();
  await profile.keystore.save(profile.requireRecord(), keys, password);
  removePrivateFile(profile.rotationPath);
  return keys;
}

/** Not while the chain ends with it: then only these keys open anything. */
async function dropIfVoid(
  { profile, chain }: AccountKeysOptions,
  connection: ClientConnection,
  { statement, signal }: { readonly statement: Uint8Array; readonly signal: AbortSignal | undefined },
): Promise<void> {
  await chain.refresh(connection, signal);
  if (!chain.contains(statement)) removePrivateFile(profile.rotationPath);
}

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const Pending = z.strictObject({
  v: z.literal(1),
  keys: bytes,
  statement: bytes,
  unlockRecord: bytes,
  authEpoch: z.int().min(0),
});
/** Secrets, a statement and an unlock record. */
const maxPendingBytes = 2 ** 20;

async function writePending({ profile, password }: AccountKeysOptions, rotation: Rotation): Promise<void> {
  const plain = encodeCbor({ v: 1, ...rotation, keys: encodeDeviceKeys(rotation.keys) });
  const { random } = profile.deps;
  writePrivateFile(profile.rotationPath, await sealKeystore({ secret: { password }, plain, random }));
}

/** `undefined` when nothing waits. @throws INTEGRITY when it was made under another password */
async function readPending({ profile, password }: AccountKeysOptions): Promise<Rotation | undefined> {
  const sealed = readPrivateFile(profile.rotationPath, maxPendingBytes);
  if (sealed === undefined) return undefined;
  const plain = await openKeystore({ secret: { password }, keystore: sealed });
  const { v: _v, keys, ...rest } = Pending.parse(decodeCbor(plain));
  const decoded = decodeDeviceKeys(keys);
  if (decoded.kind !== 'full') throw integrityError('The keys that wait');
  return { ...rest, keys: decoded };
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
