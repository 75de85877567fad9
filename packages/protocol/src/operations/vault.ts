import { commitLimits, Role, VaultKind } from '@coffer/journal';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { account, hash, list, seq, timeMs, vault } from './fields.ts';
import type { DataShape, EventTable, OperationTable } from './operation.ts';

const kind = VaultKind.describe('"home" | "share" | "team"');
const role = Role.describe('"read" | "write" | "owner"');
const acknowledged = z.strictObject({ seq, head: hash, receivedAt: timeMs });

const commits = {
  each: 'commit',
  minBytes: 1,
  maxBytes: commitLimits.bytes,
  maxFrames: 1000,
} as const satisfies DataShape;

export const vaultOperations = {
  'vault.list': {
    code: 0x0401,
    access: 'login|device',
    about:
      'Every vault of which the account is a member, itself or through a team, with the most that it may do there.',
    request: z.strictObject({}),
    response: z.strictObject({
      vaults: list(
        z.strictObject({ vault, kind, owner: account, role, seq, head: hash }),
        protocolLimits.vaultsPerMessage,
      ),
    }),
  },
  'vault.create': {
    code: 0x0402,
    access: 'device',
    about: 'Creates the vault that a genesis commit describes.',
    request: z.strictObject({}),
    requestData: { ...commits, each: 'genesis commit', maxFrames: 1 },
    response: z.strictObject({ vault, seq, head: hash, receivedAt: timeMs }),
  },
  'vault.head': {
    code: 0x0403,
    access: 'member',
    about: 'The last commit of the journal.',
    request: z.strictObject({ vault }),
    response: acknowledged,
  },
  'vault.pull': {
    code: 0x0404,
    access: 'member',
    about:
      'Every commit after a position, in order. The journal of a team also for members of shares that the team has, or once had: they judge by it.',
    request: z.strictObject({ vault, after: seq }),
    response: z.strictObject({ seq, head: hash }),
    responseData: {
      each: 'receivedAt(u64, ms) ‖ commit',
      minBytes: 9,
      maxBytes: 8 + commitLimits.bytes,
      maxFrames: Number.MAX_SAFE_INTEGER,
    },
  },
  'vault.append': {
    code: 0x0405,
    access: 'write',
    about: 'Appends consecutive commits, all or none. CONFLICT carries `seq` in its details: pull and try again.',
    request: z.strictObject({ vault }),
    requestData: commits,
    response: acknowledged,
  },
  'vault.watch': {
    code: 0x0406,
    access: 'member',
    about: 'Asks for `vault.advanced` of these vaults, beside those asked for before on this connection.',
    request: z.strictObject({ vaults: list(vault, protocolLimits.vaultsPerMessage) }),
    response: z.strictObject({}),
  },
} as const satisfies OperationTable;

export const vaultEvents = {
  'vault.advanced': {
    code: 0x0481,
    about:
      'The journal has grown to `seq`; positions in between may be left out. Who was away pulls. 0, once: the account may not read it any more.',
    message: z.strictObject({ vault, seq }),
  },
} as const satisfies EventTable;
