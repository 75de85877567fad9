import { CofferError, equalBytes, integrityError, isCofferError } from '@coffer/core';
import type { AccountId } from '@coffer/core';
import { loginProof, OpaqueClient, openUnlockRecord } from '@coffer/crypto';
import type { AccountSecrets, StartedLogin } from '@coffer/crypto';
import { authTranscript } from '@coffer/protocol';
import type { Greeted } from '../connection/session.ts';

export interface LoggedIn {
  readonly account: AccountId;
  /** From OPAQUE: opens the unlock record. */
  readonly exportKey: Uint8Array;
}

/** The first half, which needs no server: ~0.1 s, done before the server's clock runs. */
export async function prepareLogin(
  password: string,
): Promise<{ readonly client: OpaqueClient; readonly started: StartedLogin }> {
  const client = await OpaqueClient.open();
  try {
    return { client, started: await client.startLogin(password) };
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

export interface OpaqueLogin {
  readonly greeted: Greeted;
  readonly username: string;
  readonly started: StartedLogin;
}

/**
 * OPAQUE, and both sides' proof of this very connection (PROTOCOL §Session).
 * @throws REFUSED for a wrong password or name; UNTRUSTED_SERVER when the server cannot prove that it knows the account
 */
export async function opaqueLogin(
  { greeted, username, started }: OpaqueLogin,
  signal?: AbortSignal,
): Promise<LoggedIn> {
  const { connection, hello } = greeted;
  const options = { ...(signal && { signal }) };
  const first = await connection.request('session.loginStart', { username, request: started.request }, options);
  const { account, response } = first.response;
  const finished = await started.finish({ account, server: hello.server, response });
  if (finished === undefined) throw refusedError();
  const { exporter, negotiated } = connection;
  const transcript = authTranscript({ server: hello.server, account, exporter, negotiated });
  const proof = loginProof(finished.sessionKey, 'client', transcript);
  const second = await answered(connection.request('session.loginFinish', { finish: finished.finish, proof }, options));
  const expected = loginProof(finished.sessionKey, 'server', transcript);
  if (!equalBytes(second.response.proof, expected)) throw impostor();
  return { account, exportKey: finished.exportKey };
}

async function answered<Result>(request: Promise<Result>): Promise<Result> {
  try {
    return await request;
  } catch (error) {
    throw isCofferError(error, 'REFUSED', 'NOT_LOGGED_IN', 'NOT_ALLOWED') ? refusedError(error) : error;
  }
}

/** What the server keeps for whoever knows the password. */
export interface Unlocked {
  readonly secrets: AccountSecrets;
  /** An administrator chose the password, and knows it. */
  readonly mustChange: boolean;
  /** The folder on the person's machine that the administrator had in mind; the server's word. */
  readonly folder: string;
}

/** The account's secrets. @throws INTEGRITY */
export async function fetchSecrets(
  { connection, hello }: Greeted,
  { account, exportKey }: LoggedIn,
  signal?: AbortSignal,
): Promise<Unlocked> {
  const { response } = await connection.request('account.unlock', {}, { ...(signal && { signal }) });
  if (response.record.byteLength === 0) throw integrityError('The account record');
  const { record, mustChange, folder } = response;
  return { secrets: openUnlockRecord({ server: hello.server, account, exportKey, record }), mustChange, folder };
}

/** The same for a wrong name, a wrong password and a suspended account (PROTOCOL §Errors). */
function refusedError(cause?: unknown): CofferError {
  return new CofferError('REFUSED', 'the login was refused', {
    hint: 'Check user name and password. After many failed tries answers are slowed down.',
    cause,
  });
}

function impostor(): CofferError {
  return new CofferError('UNTRUSTED_SERVER', 'the server could not prove that it knows this account', {
    hint: 'Somebody may be in between. Ask the administrator.',
  });
}
