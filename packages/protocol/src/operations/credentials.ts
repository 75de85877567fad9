import { identityLimits } from '@coffer/journal';
import { KiB } from '@coffer/core';
import { z } from 'zod';
import { account, bytes, bytesUpTo, choice, count, hash, list, text, timeMs } from './fields.ts';
import type { OperationTable } from './operation.ts';

const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().describe(`${schema.description ?? 'map'} | null`);

/** As in `session.*`: those of RFC 9807 with ristretto255 are far smaller. */
const opaque = bytesUpTo(1 * KiB);
/** Sealed secrets of a new account or password: with escrow 1.6 KiB, and a few hundred bytes for each generation of the dedup secret. */
const unlockRecord = bytesUpTo(64 * KiB);
/** The authority's certificate of the recovery key, 1.5 KiB: it must fit a stranger's frame. */
const recovery = orNull(bytesUpTo(2 * KiB));
/** One root key, sealed by X-Wing: 1,169 bytes. */
const sealedArk = bytesUpTo(2 * KiB);
/** 16 random bytes that name a request. */
const requestId = bytes(16);
/** What the new device of a reset shows to prove that the request is its own. */
const token = bytes(32);

const requestStates = ['open', 'approved', 'rejected', 'cancelled', 'expired', 'done'] as const;
const requestKinds = ['password-change', 'password-reset'] as const;
/** Requests of one answer; an account has a few, and they are forgotten after 90 days. */
const requestsShown = 200;

/** How accounts, names and passwords come to be and change. */
export const credentialOperations = {
  'account.registerStart': {
    code: 0x0205,
    access: 'open',
    about:
      'First half of a registration: the server chooses the id of the account. With a policy of `invite` the token is looked at first. `recovery` is what the authority says of the recovery key.',
    request: z.strictObject({ username: text(64), token: orNull(bytesUpTo(64)), request: opaque }),
    response: z.strictObject({ account, response: opaque, recovery }),
  },
  'account.registerFinish': {
    code: 0x0206,
    access: 'open',
    about:
      'Second half: makes the account and uses the invite up, in one step. `statement` begins the identity chain; all three are made on the device.',
    request: z.strictObject({
      record: opaque,
      unlockRecord: bytesUpTo(3 * KiB),
      statement: bytesUpTo(identityLimits.statementBytes),
    }),
    response: z.strictObject({}),
  },
  'account.rename': {
    code: 0x0207,
    access: 'device',
    about: 'Gives the own account another username; the old one is free. Full devices only.',
    request: z.strictObject({ username: text(64) }),
    response: z.strictObject({}),
  },
  'account.passwordStart': {
    code: 0x0208,
    access: 'device',
    about:
      'First half of a new password of the own account, on a connection that has logged in with the one in force before its device was proved. Full devices only; limited like logins. `unlockRecord` is the one in force: the next has an escrow only if this one has.',
    request: z.strictObject({ request: opaque }),
    response: z.strictObject({ response: opaque, authEpoch: count, recovery, unlockRecord }),
  },
  'account.passwordFinish': {
    code: 0x0209,
    access: 'device',
    about:
      'Second half, once for each first one on the connection. `request` is null when the password is in force, which ended all other sessions; otherwise an administrator decides upon it.',
    request: z.strictObject({ record: opaque, unlockRecord, authEpoch: count }),
    response: z.strictObject({ request: orNull(requestId) }),
  },
  'account.requests': {
    code: 0x020a,
    access: 'device',
    about: 'Requests about the own password, newest first.',
    request: z.strictObject({}),
    response: z.strictObject({
      requests: list(
        z.strictObject({
          request: requestId,
          kind: choice(requestKinds),
          state: choice(requestStates),
          createdAtMs: timeMs,
          expiresAtMs: timeMs,
          activeAtMs: orNull(timeMs),
          reason: z.string().max(500).describe('text ≤ 500'),
        }),
        requestsShown,
      ),
    }),
  },
  'account.requestsCancel': {
    code: 0x020b,
    access: 'device',
    about: 'Withdraws all requests about the own password that are open or approved. Full devices only.',
    request: z.strictObject({}),
    response: z.strictObject({ cancelled: count }),
  },
  'account.resetRequest': {
    code: 0x020c,
    access: 'open',
    about:
      'Somebody who has lost the password asks an administrator to open the escrow for the key of a new device. An unknown name gets the same answer.',
    request: z.strictObject({ username: text(64), ephemeralKey: bytes(1216), tokenHash: hash }),
    response: z.strictObject({ account, request: requestId }),
  },
  'account.resetStatus': {
    code: 0x020d,
    access: 'open',
    about:
      'How far a reset is, for whoever shows its token; anything else, and what has expired, is `open` for ever. `reason` is that of a rejection.',
    request: z.strictObject({ request: requestId, token }),
    response: z.strictObject({
      state: choice(['open', 'approved', 'rejected', 'cancelled', 'done']),
      activeAtMs: orNull(timeMs),
      reason: z.string().max(500).describe('text ≤ 500'),
    }),
  },
  'account.resetOpen': {
    code: 0x020e,
    access: 'open',
    about:
      'A login by an approved reset, once its day is over: the root key as the administrator sealed it to the new device.',
    request: z.strictObject({ request: requestId, token }),
    response: z.strictObject({ sealed: sealedArk }),
  },
  'account.resetStart': {
    code: 0x020f,
    access: 'login',
    about:
      'First half of the new password after `account.resetOpen`; a few times an hour for an account, fewer for a request.',
    request: z.strictObject({ request: opaque }),
    response: z.strictObject({ response: opaque, recovery }),
  },
  'account.resetFinish': {
    code: 0x0210,
    access: 'login',
    about:
      'Second half. `proof` is the signature of the identity key over request and both records: only who opened the root key has it. Ends all sessions of the account.',
    request: z.strictObject({ record: opaque, unlockRecord, proof: bytes(64) }),
    response: z.strictObject({}),
  },
} as const satisfies OperationTable;

/** Requests that administrators see in one answer. */
const adminRequestsShown = 200;

const adminRequest = z.strictObject({
  request: requestId,
  kind: choice(requestKinds),
  state: choice(requestStates),
  account,
  username: z.string().max(64).describe('text ≤ 64'),
  createdAtMs: timeMs,
  expiresAtMs: timeMs,
  activeAtMs: orNull(timeMs),
  decidedAtMs: orNull(timeMs),
  reason: z.string().max(500).describe('text ≤ 500'),
});

/** What administrators decide upon. */
export const adminRequestOperations = {
  'admin.requestList': {
    code: 0x0918,
    access: 'admin',
    about: 'Requests of the last 90 days, those that wait first.',
    request: z.strictObject({}),
    response: z.strictObject({ requests: list(adminRequest, adminRequestsShown) }),
  },
  'admin.requestShow': {
    code: 0x0919,
    access: 'admin',
    about:
      'One request; of a reset also the key of the new device, the sealed secrets with their escrow, and the identity as the authority certified it. The tool of the administrator believes none of it unchecked.',
    request: z.strictObject({ request: requestId }),
    response: z.strictObject({
      ...adminRequest.shape,
      ephemeralKey: orNull(bytes(1216)),
      unlockRecord: orNull(unlockRecord),
      certificate: orNull(bytesUpTo(16 * KiB)),
      signKey: bytes(32),
      sealKey: bytes(1216),
    }),
  },
  'admin.requestApprove': {
    code: 0x091a,
    access: 'admin',
    about:
      'A change is in force, and other sessions end. A reset needs the root key sealed to the new device, and takes effect after a day, or at once when the person was seen.',
    request: z.strictObject({
      request: requestId,
      sealed: orNull(sealedArk),
      verifiedInPerson: z.boolean().describe('bool'),
    }),
    response: z.strictObject({ state: choice(requestStates), activeAtMs: orNull(timeMs) }),
  },
  'admin.requestReject': {
    code: 0x091b,
    access: 'admin',
    about: 'Nothing changes; the person is told why.',
    request: z.strictObject({
      request: requestId,
      reason: text(500).or(z.literal('')).describe('text ≤ 500, may be empty'),
    }),
    response: z.strictObject({}),
  },
} as const satisfies OperationTable;
