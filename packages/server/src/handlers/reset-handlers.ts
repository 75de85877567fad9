import { CofferError, equalBytes, randomId, sha256 } from '@coffer/core';
import { verifySignature } from '@coffer/journal';
import {
  operations,
  resetProof,
  resetProofLabel,
  type Call,
  type Handlers,
  type RequestOf,
  type ResponseOf,
} from '@coffer/protocol';
import type { AccountRecord, AccountRequest } from '@coffer/storage';
import { statusOf, type AuditEvent } from '../log/audit.ts';
import { LoginThrottle } from '../login/login-throttle.ts';
import { siteOf } from '../net/address.ts';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';
import { foldName, refused } from './session-handlers.ts';
import { takeTurn } from './take-turn.ts';

type ResetOperation = Extract<keyof Handlers<Connection>, `account.reset${string}`>;

/** An answer to a reset takes this long, whoever is named: writing one down takes a few milliseconds, and only those of real accounts are. */
const answerMs = 250;
/** Evaluations of the login secret for one account: who holds the token of an approved reset must not guess at the lost password by them. */
const startsPerHour = 10;
/** Of one request: a broken connection or two, so that one that was approved for a thief does not keep out the one of the person. */
const startsOfRequestPerHour = 5;

/** A lost password, from the request of a new device to its login (CRYPTO §Passwords that change or are lost). */
export function resetHandlers(services: Services): Pick<Handlers<Connection>, ResetOperation> {
  const { clock } = services;
  const starts = new LoginThrottle({ clock }, { attemptsPerHour: startsPerHour });
  const startsOfRequest = new LoginThrottle({ clock }, { attemptsPerHour: startsOfRequestPerHour });
  return {
    'account.resetRequest': async (request, call) => resetRequest(services, request, call),
    'account.resetStatus': async ({ request, token }) => {
      const found = own(services, { request, token });
      if (found === undefined || found.state === 'expired') return { state: 'open', activeAtMs: null, reason: '' };
      return { state: found.state, activeAtMs: found.activeAtMs, reason: found.reason };
    },
    'account.resetOpen': async (shown, { context }) => {
      try {
        return open(services, shown, context);
      } catch (error) {
        record(services, context, { operation: 'account.resetOpen', status: statusOf(error) });
        throw error;
      }
    },
    'account.resetStart': async ({ request }, { context }) => {
      // Once: each evaluation of the login secret would save a guess at the lost password a login.
      if (context.reset === undefined || context.reset.begun) throw refused();
      takeTurn(startsOfRequest, context.reset.request);
      takeTurn(starts, context.account);
      context.reset.begun = true;
      const response = await services.opaque.registrationResponse({ account: context.account, request });
      return { response, recovery: (await services.accounts.setting('recoveryCertificate')) ?? null };
    },
    'account.resetFinish': async (request, { context }) => finish(services, request, context),
  };
}

async function resetRequest(
  services: Services,
  { username, ephemeralKey, tokenHash }: RequestOf<'account.resetRequest'>,
  { context, signal }: Call<Connection>,
): Promise<ResponseOf<'account.resetRequest'>> {
  const { guard, accounts, opaque, clock, random } = services;
  const name = foldName(username);
  await guard.beginReset(name, context.address, signal);
  const known = await accounts.byName(username);
  const account = known?.account ?? opaque.decoyAccount(name);
  const request = randomId<'request'>(random);
  const asked = { request, account, ephemeralKey, tokenHash, askedFrom: siteOf(context.address) };
  const [, status] = await Promise.all([clock.sleep(answerMs, signal), keep(services, known, asked)]);
  const real = known?.state === 'active';
  record(services, context, { operation: 'account.resetRequest', status, ...(real && { account }) });
  return { account, request };
}

/**
 * A name that nobody has, and a suspended account, ask for nothing. Never rejects: on a full disk only those of real accounts
 * would, and that would tell who exists.
 */
async function keep(
  { accounts, notifications, logger }: Services,
  known: AccountRecord | undefined,
  asked: Parameters<Services['accounts']['requests']['openReset']>[0],
): Promise<AuditEvent['status']> {
  if (known?.state !== 'active') return 'OK';
  const { account, request } = asked;
  try {
    accounts.requests.openReset(asked);
  } catch (error) {
    const status = statusOf(error);
    logger.error({ status, reason: String(error) }, 'a request for a new password could not be kept');
    return status;
  }
  // Without the request: equal ones become one, and push out nothing else that the person should read.
  await notifications.notify(account, { kind: 'recovery-started' });
  await notifications.notifyAdmins({ kind: 'request-made', actor: account, request });
  return 'OK';
}

function open(
  services: Services,
  shown: RequestOf<'account.resetOpen'>,
  context: Connection,
): ResponseOf<'account.resetOpen'> {
  if (own(services, shown) === undefined) throw refused();
  const { account, request, sealed } = services.accounts.requests.approvedReset(shown.request);
  if (sealed === null) throw refused();
  context.standing = { phase: 'login', account };
  context.reset = { request, begun: false };
  record(services, context, { operation: 'account.resetOpen', status: 'OK', account });
  return { sealed };
}

async function finish(
  services: Services,
  { record: registrationRecord, unlockRecord, proof: signature }: RequestOf<'account.resetFinish'>,
  context: Connection,
): Promise<ResponseOf<'account.resetFinish'>> {
  const { accounts, identities, storage, sessions, notifications } = services;
  const { account, reset } = context;
  if (reset?.begun !== true) throw refused();
  const { request } = reset;
  const fields = { server: storage.serverId, account, request, record: registrationRecord, unlockRecord };
  const key = identities.current(account)?.signKey;
  const check = { label: resetProofLabel, bytes: resetProof(fields), signature };
  if (key === undefined || !verifySignature({ ...check, key })) {
    record(services, context, { operation: 'account.resetFinish', status: 'REFUSED', account });
    throw new CofferError('REFUSED', 'this is not signed by the identity of the account');
  }
  context.reset = undefined;
  accounts.requests.finishReset({ request, registrationRecord, unlockRecord });
  record(services, context, { operation: 'account.resetFinish', status: 'OK', account });
  sessions.endAccount(account, 'the password was reset');
  await notifications.notify(account, { kind: 'password-changed' });
  return {};
}

/** The reset that was asked for with this token. */
function own(
  { accounts }: Services,
  { request, token }: { readonly request: Uint8Array; readonly token: Uint8Array },
): AccountRequest | undefined {
  const found = accounts.requests.byId(request);
  const isOwn =
    found?.kind === 'password-reset' && found.tokenHash !== null && equalBytes(found.tokenHash, sha256(token));
  return isOwn ? found : undefined;
}

interface Happened {
  readonly operation: ResetOperation;
  readonly status: AuditEvent['status'];
  readonly account?: Uint8Array;
}

function record({ audit, guard }: Services, { address }: Connection, { operation, status, account }: Happened): void {
  if (status !== 'OK' && !guard.worthNoting(address)) return;
  const event: AuditEvent = { event: operation, operation: operations[operation].code, status, address };
  audit.record('password', { ...event, ...(account && { account }) });
}
