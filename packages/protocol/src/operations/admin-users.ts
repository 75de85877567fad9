import { KiB } from '@coffer/core';
import { z } from 'zod';
import { account, bytes, bytesUpTo, choice, count, hash, list, text, timeMs } from './fields.ts';
import type { OperationTable } from './operation.ts';

const bool = z.boolean().describe('bool');
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().describe(`${schema.description ?? 'map'} | null`);

const username = text(64);
const role = choice(['user', 'admin']);
const note = z.string().max(4096).describe('text ≤ 4096');
/** 8 bytes name one of a thousand invites. */
const inviteId = bytes(8);

/** Devices in one answer; an account has 64 at a time, revoked ones come on top. */
const devicesShown = 256;
/** Invites of one answer; there are no more. */
const invitesShown = 1000;
/** Names of those who made them; more administrators than any server has. */
const makersShown = 100;

const device = z
  .strictObject({ name: text(64), scope: choice(['full', 'worker']), revoked: bool, lastSeenMs: orNull(timeMs) })
  .describe('{name: text ≤ 64, scope: "full" | "worker", revoked: bool, lastSeenMs: ms | null}');

/** What administrators do with accounts and invites. */
export const adminUserOperations = {
  'admin.userShow': {
    code: 0x0910,
    access: 'admin',
    about:
      'One account, its devices, and how many vaults it owns, shares with others, and was given. `certified`: the server keeps a certificate; only clients can tell what it is worth.',
    request: z.strictObject({ username }),
    response: z.strictObject({
      username,
      account,
      role,
      state: choice(['active', 'suspended']),
      quotaBytes: orNull(count),
      largestFileBytes: orNull(count),
      storedBytes: count,
      contact: note,
      folder: note,
      createdAtMs: timeMs,
      mustChange: bool,
      certified: bool,
      fingerprint: hash,
      devices: list(device, devicesShown),
      vaults: z.strictObject({ owned: count, shared: count, received: count }),
    }),
  },
  'admin.userState': {
    code: 0x0911,
    access: 'admin',
    about:
      'Suspends an account, which ends its sessions, or resumes it. NOT_ALLOWED for the last administrator who can act.',
    request: z.strictObject({ username, state: choice(['active', 'suspended']) }),
    response: z.strictObject({}),
  },
  'admin.userRole': {
    code: 0x0912,
    access: 'admin',
    about:
      'Makes an account an administrator, or no more; their unused invites go then. NOT_ALLOWED for the last administrator who can act.',
    request: z.strictObject({ username, role }),
    response: z.strictObject({}),
  },
  'admin.userRemove': {
    code: 0x0913,
    access: 'admin',
    about:
      'Removes an account for good: its password record and sealed secrets are deleted, its vaults are served to nobody any more. NOT_ALLOWED for the last administrator who can act.',
    request: z.strictObject({ username }),
    response: z.strictObject({}),
  },
  'admin.userCertify': {
    code: 0x0914,
    access: 'admin',
    about:
      "Keeps the authority's certificate of an account, for its own devices and all others. INVALID when it is about another account, name or key.",
    request: z.strictObject({ username, certificate: bytesUpTo(16 * KiB) }),
    response: z.strictObject({}),
  },
  'admin.inviteCreate': {
    code: 0x0915,
    access: 'admin',
    about:
      'Lets the holder of a token register once, until `validMs` are over. The server gets the SHA-256 of the token; without a username its holder chooses one.',
    request: z.strictObject({
      tokenHash: hash,
      username: orNull(username),
      role,
      quotaBytes: orNull(count),
      validMs: count,
    }),
    response: z.strictObject({ id: inviteId, expiresAtMs: timeMs }),
  },
  'admin.inviteList': {
    code: 0x0916,
    access: 'admin',
    about:
      'Invites, those too that were used or have expired in the last 30 days. `createdBy` is null for those that were made on the machine of the server; `makers` is what the others are called now.',
    request: z.strictObject({}),
    response: z.strictObject({
      invites: list(
        z.strictObject({
          id: inviteId,
          username: orNull(username),
          role,
          quotaBytes: orNull(count),
          createdAtMs: timeMs,
          expiresAtMs: timeMs,
          usedAtMs: orNull(timeMs),
          createdBy: orNull(account),
        }),
        invitesShown,
      ),
      makers: list(z.strictObject({ account, username }), makersShown),
    }),
  },
  'admin.inviteRevoke': {
    code: 0x0917,
    access: 'admin',
    about: 'Withdraws an invite that was not used.',
    request: z.strictObject({ id: inviteId }),
    response: z.strictObject({}),
  },
} as const satisfies OperationTable;
