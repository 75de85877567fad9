import { CofferError, equalBytes, randomId, sha256 } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import { operations, type Handlers, type RequestOf, type ResponseOf } from '@coffer/protocol';
import { statusOf, type AuditEvent } from '../log/audit.ts';
import type { Connection, PendingRegistration } from '../session/connection.ts';
import type { Services } from './services.ts';
import { refused } from './session-handlers.ts';

type RegisterOperation = Extract<keyof Handlers<Connection>, `account.register${string}`>;

/** How somebody becomes an account by themselves (PROTOCOL §Session). Keys and secrets are made on the device. */
export function registerHandlers(services: Services): Pick<Handlers<Connection>, RegisterOperation> {
  return {
    'account.registerStart': async (request, { context, signal }) => {
      context.registration = undefined;
      checkPolicy(services, request.token !== null);
      const attempt = await services.guard.beginAt(context.address, signal);
      try {
        return await start(services, request, { context, attempt });
      } catch (error) {
        record(services, context, { operation: 'account.registerStart', status: statusOf(error) });
        throw error;
      }
    },
    'account.registerFinish': async (request, { context }) => {
      const { registration } = context;
      context.registration = undefined;
      if (registration === undefined) throw refused();
      try {
        await finish(services, request, registration);
        record(services, context, { operation: 'account.registerFinish', account: registration.account });
        return {};
      } catch (error) {
        record(services, context, { operation: 'account.registerFinish', status: statusOf(error) });
        throw error;
      }
    },
  };
}

/** Without a good invite nobody learns anything about names. */
async function start(
  { accounts, opaque, random }: Services,
  { username, token, request }: RequestOf<'account.registerStart'>,
  { context, attempt }: { readonly context: Connection; readonly attempt: PendingRegistration['attempt'] },
): Promise<ResponseOf<'account.registerStart'>> {
  const tokenHash = token === null ? undefined : sha256(token);
  if (tokenHash !== undefined) await accounts.checkInvite(tokenHash, username);
  await accounts.checkUsername(username);
  const account = randomId<'account'>(random);
  const response = await opaque.registrationResponse({ account, request });
  context.registration = { username, tokenHash, account, attempt };
  return { account, response, recovery: (await accounts.setting('recoveryCertificate')) ?? null };
}

async function finish(
  services: Services,
  { record: registrationRecord, unlockRecord, statement }: RequestOf<'account.registerFinish'>,
  { username, tokenHash, account, attempt }: PendingRegistration,
): Promise<void> {
  const { accounts, storage, settings } = services;
  checkPolicy(services, tokenHash !== undefined);
  const identity = foldChain([statement]);
  if (!equalBytes(identity.account, account) || !equalBytes(identity.server, storage.serverId))
    throw new CofferError('INVALID', 'this identity is of another account or server');
  const made = { username, role: 'user', registrationRecord, unlockRecord, identity: [statement] } as const;
  if (tokenHash === undefined) {
    // Counted, however it ends: nobody makes accounts by the hundred.
    await accounts.create({ ...made, quotaBytes: settings().defaultQuotaBytes });
    return;
  }
  await accounts.redeemInvite({ tokenHash, account: made, defaultQuotaBytes: settings().defaultQuotaBytes });
  attempt.succeeded();
}

function checkPolicy({ settings }: Services, invited: boolean): void {
  const { registration } = settings();
  if (registration === 'open' || (registration === 'invite' && invited)) return;
  const closed = registration === 'closed';
  throw new CofferError('NOT_ALLOWED', closed ? 'nobody can register here' : 'one registers here with an invite', {
    hint: closed ? 'The administrator makes accounts; ask for one.' : 'Ask the administrator for one.',
  });
}

interface Happened {
  readonly operation: RegisterOperation;
  readonly status?: AuditEvent['status'];
  readonly account?: Uint8Array;
}

/** Of failures not more lines than tell something: strangers must not push the others out of the log. */
function record({ audit, guard }: Services, { address }: Connection, happened: Happened): void {
  const { operation, status = 'OK', account } = happened;
  if (status !== 'OK' && !guard.worthNoting(address)) return;
  const event: AuditEvent = { event: operation, operation: operations[operation].code, status, address };
  audit.record('account', { ...event, ...(account && { account }) });
}
