import { CofferError, equalBytes, KiB, type AccountId } from '@coffer/core';
import { parseIdentityStatement, type IdentityState } from '@coffer/journal';
import { operations, protocolLimits, type Handlers, type ResponseOf } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

/** Statements in one answer: with certificate and frame they stay below a control frame (PROTOCOL §Limits). */
const statementBytes = 192 * KiB;

type AccountOperation =
  | 'account.identity'
  | 'account.unlock'
  | 'account.appendIdentity'
  | 'device.enroll'
  | 'usage.show';

/** The account's own chain, secrets and usage. Nobody reads another's. */
export function accountHandlers(services: Services): Pick<Handlers<Connection>, AccountOperation> {
  const { accounts, storage } = services;
  return {
    'account.identity': async ({ after }, { context }) => identity(services, context.account, after),
    'account.unlock': async (_request, { context }) => {
      const { unlockRecord, authEpoch, mustChange, folder } = await recordOf(services, context.account);
      return { record: unlockRecord, authEpoch, mustChange, folder };
    },
    'account.appendIdentity': async ({ statement }, { context }) => appendIdentity(services, statement, context),
    'device.enroll': async ({ statement }, { context }) => {
      const { payload } = parseIdentityStatement(statement);
      if (payload.type !== 'device') throw new CofferError('INVALID', 'not the certificate of a device');
      const { seq } = await accounts.appendIdentity(context.account, statement);
      record(services, context, { operation: 'device.enroll', device: payload.device });
      // Also for the first: whoever was faster with an initial password is seen by the one it was meant for.
      await services.notifications.notify(context.account, { kind: 'new-device', device: payload.device });
      return { seq };
    },
    'usage.show': async (_request, { context }) => {
      const { storedBytes, quotaBytes, files, versions, trashBytes, uncommittedBytes, journalBytes } =
        await storage.usage(context.account);
      return { storedBytes, quotaBytes, files, versions, trashBytes, uncommittedBytes, journalBytes };
    },
  };
}

/** Of any account: statements after `after` that fit one answer. @throws REFUSED when it does not exist */
export async function identity(
  services: Services,
  account: AccountId,
  after: number,
): Promise<ResponseOf<'account.identity'>> {
  const { certificate } = await recordOf(services, account);
  const all = services.accounts.identityStatements(account, after);
  const statements = firstWithin(all, statementBytes);
  return { statements, more: statements.length < all.length, certificate };
}

/** As many as fit, one at least. */
function firstWithin(statements: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const fitting: Uint8Array[] = [];
  let total = 0;
  for (const statement of statements.slice(0, protocolLimits.statementsPerMessage)) {
    total += statement.byteLength;
    if (total > bytes && fitting.length > 0) break;
    fitting.push(statement);
  }
  return fitting;
}

async function appendIdentity(
  services: Services,
  statement: Uint8Array,
  connection: Connection,
): Promise<{ seq: number }> {
  // The others have operations of their own, behind the password, and are told to the account.
  if (parseIdentityStatement(statement).payload.type !== 'revoke')
    throw new CofferError('INVALID', 'only a revocation is appended this way');
  const before = services.identities.current(connection.account);
  const { seq } = await services.accounts.appendIdentity(connection.account, statement);
  const after = services.identities.current(connection.account);
  for (const device of newlyRevoked(before, after)) {
    record(services, connection, { operation: 'account.appendIdentity', device });
    // The one that asked gets its answer first; it can do nothing more.
    services.sessions.endDevice(connection.account, device, connection);
  }
  return { seq };
}

function newlyRevoked(before: IdentityState | undefined, after: IdentityState | undefined): Uint8Array[] {
  const revoked = [...(after?.devices.values() ?? [])].filter((device) => device.revoked);
  const known = [...(before?.devices.values() ?? [])].filter((device) => device.revoked);
  return revoked
    .filter(({ device }) => !known.some((other) => equalBytes(other.device, device)))
    .map(({ device }) => device);
}

/** @throws REFUSED when it does not exist */
export async function recordOf({ accounts }: Services, account: AccountId) {
  const found = await accounts.byId(account);
  if (found === undefined) throw new CofferError('REFUSED', 'the account does not exist any more');
  return found;
}

function record(
  { audit }: Services,
  { account, address }: Connection,
  { operation, device }: { readonly operation: AccountOperation; readonly device: Uint8Array },
): void {
  audit.record('account', {
    event: operation,
    operation: operations[operation].code,
    status: 'OK',
    account,
    device,
    address,
  });
}
