import { equalBytes, idKey, integrityError, lp, sha256, zeroHash } from '@coffer/core';
import type { AccountId, DeviceId, Hash, IdKey, ServerId, Timestamp, VaultId } from '@coffer/core';
import { sameBytes } from './field-schemas.ts';
import { parseIdentityStatement, rotationBytes, rotationLabel, statementLabel } from './identity-statement.ts';
import type {
  CreatePayload,
  DevicePayload,
  IdentityStatement,
  RotatePayload,
  StatementPayload,
} from './identity-statement.ts';
import { identityLimits } from './limits.ts';
import { invalid, limit } from './refuse.ts';
import { verifySignature } from './signature.ts';

/** A device that an identity has certified. */
export interface DeviceRecord {
  readonly device: DeviceId;
  /** Raw Ed25519 public key. */
  readonly signKey: Uint8Array;
  readonly scope: 'full' | 'worker';
  readonly name: string;
  /** Raw X-Wing public key of a worker. */
  readonly sealKey: Uint8Array | undefined;
  /** Vaults that a worker serves; empty for a full device, which serves all. */
  readonly vaults: readonly VaultId[];
  readonly at: Timestamp;
  readonly revoked: boolean;
}

/** A device that opens for itself. */
export interface WorkerRecord extends DeviceRecord {
  readonly scope: 'worker';
  readonly sealKey: Uint8Array;
}

/** An account's keys and devices at one statement of its chain. Never changed: folding makes a new one. */
export interface IdentityState {
  readonly account: AccountId;
  readonly server: ServerId;
  readonly seq: number;
  /** Hash of the last statement. */
  readonly head: Hash;
  /** Of the current keys, {@link identityFingerprint}. */
  readonly fingerprint: Hash;
  readonly signKey: Uint8Array;
  readonly sealKey: Uint8Array;
  /** By `idKey` of the device; revoked ones stay, so that an id is never used twice. */
  readonly devices: ReadonlyMap<IdKey, DeviceRecord>;
  /** Every head up to and including this one, with its seq. */
  readonly heads: ReadonlyMap<IdKey, number>;
}

/** What people compare and owners seal to: an identity's two public keys. */
export function identityFingerprint(signKey: Uint8Array, sealKey: Uint8Array): Hash {
  return sha256(lp('coffer/1 identity', signKey, sealKey));
}

/** What an epoch secret for a worker is sealed to. */
export function workerFingerprint({ signKey, sealKey }: Pick<WorkerRecord, 'signKey' | 'sealKey'>): Hash {
  return sha256(lp('coffer/1 worker', signKey, sealKey));
}

/**
 * The state after one more statement; `undefined` before the first.
 * @throws INVALID for a wrong form or place, INTEGRITY for a wrong signature, LIMIT, UPGRADE_REQUIRED
 */
export function foldIdentity(state: IdentityState | undefined, bytes: Uint8Array): IdentityState {
  return foldChain([bytes], state);
}

/**
 * The state after a whole chain, or after `statements` that follow `from`.
 * @throws as {@link foldIdentity}; INVALID when there is neither a statement nor a state
 */
export function foldChain(statements: Iterable<Uint8Array>, from?: IdentityState): IdentityState {
  let draft = from === undefined ? undefined : draftOf(from);
  for (const bytes of statements) draft = step(draft, parseIdentityStatement(bytes));
  if (draft === undefined) throw invalid('an identity chain is empty');
  return draft;
}

/**
 * {@link foldChain} of statements that it has accepted once, in this order: nothing is verified again. A signature costs
 * two hundred times as much as all else, and journals ask for old heads often.
 */
export function foldVerified(statements: Iterable<IdentityStatement>, from?: IdentityState): IdentityState {
  let draft = from === undefined ? undefined : draftOf(from);
  for (const statement of statements) draft = advance(draft, statement);
  if (draft === undefined) throw invalid('an identity chain is empty');
  return draft;
}

/** The state at `head`, or undefined when the chain does not contain it. @throws as {@link foldIdentity} */
export function identityAt(statements: Iterable<Uint8Array>, head: Hash): IdentityState | undefined {
  let draft: Draft | undefined;
  for (const bytes of statements) {
    draft = step(draft, parseIdentityStatement(bytes));
    if (equalBytes(draft.head, head)) return draft;
  }
  return undefined;
}

/** True when `head` is this state's head or an earlier one: the chain went on from there and did not fork. */
export function identityExtends(state: IdentityState, head: Hash): boolean {
  return state.heads.has(idKey(head));
}

/** A certified, unrevoked device; undefined for any other. */
export function activeDevice(state: IdentityState, device: DeviceId): DeviceRecord | undefined {
  const record = state.devices.get(idKey(device));
  return record === undefined || record.revoked ? undefined : record;
}

/** Unrevoked workers that serve `vault`. */
export function workersOf(state: IdentityState, vault: VaultId): WorkerRecord[] {
  return [...state.devices.values()].filter(
    (record): record is WorkerRecord =>
      !record.revoked && record.scope === 'worker' && record.vaults.some((id) => sameBytes(id, vault)),
  );
}

/** A state under construction: the maps are its own, so that a chain of n statements folds in n steps. */
interface Draft extends IdentityState {
  readonly devices: Map<IdKey, DeviceRecord>;
  readonly heads: Map<IdKey, number>;
  readonly active: number;
}

function draftOf(state: IdentityState): Draft {
  const active = [...state.devices.values()].filter(({ revoked }) => !revoked).length;
  return { ...state, devices: new Map(state.devices), heads: new Map(state.heads), active };
}

function step(draft: Draft | undefined, statement: IdentityStatement): Draft {
  checkPlace(draft, statement.payload);
  checkSignatures(draft, statement);
  return advance(draft, statement);
}

/** What a statement changes, once place and signatures are right. */
function advance(draft: Draft | undefined, statement: IdentityStatement): Draft {
  const { payload, hash } = statement;
  const next = draft === undefined ? create(statement) : apply(draft, payload);
  next.heads.set(idKey(hash), payload.seq);
  return { ...next, seq: payload.seq, head: hash };
}

function checkPlace(draft: Draft | undefined, { type, account, seq, prev }: StatementPayload): void {
  if ((draft === undefined) !== (type === 'create')) throw invalid('an identity chain does not begin once');
  if (draft !== undefined && !equalBytes(account, draft.account)) throw invalid('a statement is about another account');
  const follows = seq === (draft?.seq ?? 0) + 1 && equalBytes(prev, draft?.head ?? zeroHash);
  if (!follows) throw invalid('a statement does not follow the one before', { seq });
}

function create(statement: IdentityStatement): Draft {
  const payload = statement.payload as CreatePayload;
  const { account, server, seq, signKey, sealKey } = payload;
  return {
    account,
    server,
    seq,
    head: statement.hash,
    fingerprint: identityFingerprint(signKey, sealKey),
    signKey,
    sealKey,
    devices: new Map(),
    heads: new Map(),
    active: 0,
  };
}

function apply(draft: Draft, payload: StatementPayload): Draft {
  if (payload.type === 'device') return addDevice(draft, payload);
  if (payload.type === 'revoke') return revokeDevice(draft, payload.device);
  if (payload.type === 'rotate') return rotate(draft, payload);
  throw invalid('an identity chain does not begin once');
}

function rotate(draft: Draft, { signKey, sealKey }: RotatePayload): Draft {
  return { ...draft, signKey, sealKey, fingerprint: identityFingerprint(signKey, sealKey) };
}

function addDevice(draft: Draft, payload: DevicePayload): Draft {
  const key = idKey(payload.device);
  if (draft.devices.has(key)) throw invalid('a device is certified twice');
  if (draft.active >= identityLimits.devices) throw limit('an account has too many devices');
  const { device, signKey, scope, name, at } = payload;
  const worker = payload.scope === 'worker' ? payload : undefined;
  const record = {
    device,
    signKey,
    scope,
    name,
    at,
    sealKey: worker?.sealKey,
    vaults: worker?.vaults ?? [],
    revoked: false,
  };
  draft.devices.set(key, record);
  return { ...draft, active: draft.active + 1 };
}

function revokeDevice(draft: Draft, device: DeviceId): Draft {
  const key = idKey(device);
  const record = draft.devices.get(key);
  if (record === undefined || record.revoked) throw invalid('a device is revoked that is not certified');
  draft.devices.set(key, { ...record, revoked: true });
  return { ...draft, active: draft.active - 1 };
}

/** By the identity key before it, a `create` by its own; the new key of a `rotate` consents. */
function checkSignatures(draft: Draft | undefined, { payload, payloadBytes, signature }: IdentityStatement): void {
  const key = draft?.signKey ?? (payload as CreatePayload).signKey;
  const signed = verifySignature({ key, label: statementLabel, bytes: payloadBytes, signature });
  if (!signed || (payload.type === 'rotate' && !hasConsent(payload))) throw integrityError('an identity statement');
}

function hasConsent(payload: RotatePayload): boolean {
  const { signKey: key, proof: signature } = payload;
  return verifySignature({ key, label: rotationLabel, bytes: rotationBytes(payload), signature });
}
