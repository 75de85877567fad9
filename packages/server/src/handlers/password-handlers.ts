import { CofferError, equalBytes, randomId } from '@coffer/core';
import { operations, type Handlers, type RequestOf, type ResponseOf } from '@coffer/protocol';
import type { AccountRequest } from '@coffer/storage';
import type { AuditEvent } from '../log/audit.ts';
import { LoginThrottle } from '../login/login-throttle.ts';
import type { Connection } from '../session/connection.ts';
import { recordOf } from './account-handlers.ts';
import type { Services } from './services.ts';
import { takeTurn } from './take-turn.ts';

type PasswordOperation =
  | 'account.rename'
  | 'account.passwordStart'
  | 'account.passwordFinish'
  | 'account.requests'
  | 'account.requestsCancel';

/** Evaluations of the login secret for one account: each would save a guess at its password a login. */
const startsPerHour = 20;
/** Names that one account tries: each answer tells whether somebody has it. */
const renamesPerHour = 10;

/** The own name and password, and what was asked about them. */
export function passwordHandlers(services: Services): Pick<Handlers<Connection>, PasswordOperation> {
  const { accounts, opaque, clock } = services;
  const starts = new LoginThrottle({ clock }, { attemptsPerHour: startsPerHour });
  const renames = new LoginThrottle({ clock }, { attemptsPerHour: renamesPerHour });
  return {
    'account.rename': async ({ username }, { context }) => {
      requireFull(context);
      takeTurn(renames, context.account);
      await accounts.rename(context.account, username);
      record(services, context, { category: 'account', operation: 'account.rename' });
      return {};
    },
    'account.passwordStart': async ({ request }, { context }) => {
      requireFull(context);
      requirePassword(context);
      const { account } = context;
      takeTurn(starts, account);
      context.passwordBegun = true;
      const response = await opaque.registrationResponse({ account, request });
      const { authEpoch, unlockRecord } = await recordOf(services, account);
      const recovery = (await accounts.setting('recoveryCertificate')) ?? null;
      return { response, authEpoch, recovery, unlockRecord };
    },
    'account.passwordFinish': async (request, { context }) => {
      requireFull(context);
      // As many as were begun: each is a record of 60 KiB, and a line for every administrator.
      if (!context.passwordBegun) throw notBegun();
      context.passwordBegun = false;
      return finish(services, request, context);
    },
    'account.requests': async (_request, { context }) => ({
      requests: accounts.requests.ofAccount(context.account).map(shown),
    }),
    'account.requestsCancel': async (_request, { context }) => {
      requireFull(context);
      const cancelled = accounts.requests.cancel(context.account);
      if (cancelled.length > 0)
        record(services, context, { category: 'password', operation: 'account.requestsCancel' });
      for (const { request } of cancelled)
        await services.notifications.notify(context.account, { kind: 'request-decided', word: 'cancelled', request });
      return { cancelled: cancelled.length };
    },
  };
}

/** In force at once where the policy says so, and for a password that an administrator chose; otherwise it waits for a decision. */
async function finish(
  services: Services,
  { record: registrationRecord, unlockRecord, authEpoch }: RequestOf<'account.passwordFinish'>,
  context: Connection,
): Promise<ResponseOf<'account.passwordFinish'>> {
  const { accounts, sessions, notifications, random, settings } = services;
  const { account } = context;
  const change = { account, registrationRecord, unlockRecord, expectedAuthEpoch: authEpoch };
  const { mustChange } = await recordOf(services, account);
  if (settings().changePolicy === 'direct' || mustChange) {
    context.authEpoch = await accounts.setCredentials(change);
    record(services, context, { category: 'password', operation: 'account.passwordFinish', note: 'in-force' });
    sessions.endAccount(account, 'the password was changed', context);
    await notifications.notify(account, { kind: 'password-changed' });
    return { request: null };
  }
  const { request } = accounts.requests.openChange({ ...change, request: randomId<'request'>(random) });
  record(services, context, { category: 'password', operation: 'account.passwordFinish', note: 'requested' });
  // Whoever knows the password can ask: any other full device can cancel it.
  await notifications.notify(account, { kind: 'change-requested', device: context.device.device });
  await notifications.notifyAdmins({ kind: 'request-made', actor: account, request });
  return { request };
}

function shown(request: AccountRequest): ResponseOf<'account.requests'>['requests'][number] {
  const { kind, state, createdAtMs, expiresAtMs, activeAtMs, reason } = request;
  return { request: request.request, kind, state, createdAtMs, expiresAtMs, activeAtMs, reason };
}

/** A worker has neither identity nor root key: it could only break the account. */
function requireFull({ device }: Connection): void {
  if (device.scope === 'full') return;
  throw new CofferError('NOT_ALLOWED', 'an unattended device may not change the account', {
    hint: 'Sign in with --keystore password or keyring, and run it there.',
  });
}

/** Whoever is at an unlocked machine must not lock the person out. One connection may log in as one and prove the device of another. */
function requirePassword({ account, passwordOf }: Connection): void {
  if (passwordOf !== undefined && equalBytes(passwordOf, account)) return;
  throw new CofferError('REFUSED', 'the password that is in force was not proved on this connection', {
    hint: 'Give the current password. If it is lost, use `coffer password reset-request`.',
  });
}

function notBegun(): CofferError {
  return new CofferError('REFUSED', 'no change of the password was begun on this connection');
}

function record(
  { audit }: Services,
  { account, device, address }: Connection,
  happened: {
    readonly category: 'account' | 'password';
    readonly operation: PasswordOperation;
    readonly note?: string;
  },
): void {
  const { category, operation, note } = happened;
  const event: AuditEvent = { event: operation, operation: operations[operation].code, status: 'OK', account, address };
  audit.record(category, { ...event, device: device.device, ...(note !== undefined && { note }) });
}
