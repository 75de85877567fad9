import { isCofferError, timestampFromMs } from '@coffer/core';
import { newAccountSecrets, OpaqueClient, sealUnlockRecord } from '@coffer/crypto';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import { greet } from '../connection/session.ts';
import type { Greeted } from '../connection/session.ts';
import { authorityIn } from '../connection/trust.ts';
import type { Trust } from '../connection/trust.ts';
import { firstStatement } from './first-statement.ts';
import { recoveryKeyOf } from './recovery-key.ts';
import type { RegisterOptions } from './register.ts';

export interface Registered {
  readonly escrow: boolean;
  /** What was trusted, pinned: nobody is asked twice. */
  readonly trust: Trust;
}

/** @throws as `register` */
export async function registerAccount(
  options: RegisterOptions,
  deps: { readonly dial: Dial } = { dial: createTlsDial({ clock: options.profile.deps.clock }) },
): Promise<Registered> {
  const { target, trust, signal, password } = options;
  await using opaque = await OpaqueClient.open();
  // Before the server's clock runs.
  const started = await opaque.startRegistration(password);
  const dialled = await deps.dial(target, trust, signal);
  const { clock } = options.profile.deps;
  const greeted = await greet({ transport: dialled.transport, role: 'control', clock }, signal);
  await using _connection = greeted.connection;
  const authority = authorityIn(trust);
  const escrow = await makeAccount(options, { greeted, started, authority });
  return { escrow, trust: { kind: 'pin', pin: dialled.pin, ...(authority && { authority }) } };
}

interface Making {
  readonly greeted: Greeted;
  readonly started: Awaited<ReturnType<OpaqueClient['startRegistration']>>;
  readonly authority: Uint8Array | undefined;
}

/** Whether there is an escrow. */
async function makeAccount(options: RegisterOptions, { greeted, started, authority }: Making): Promise<boolean> {
  const { target, token, signal } = options;
  const { clock, random } = options.profile.deps;
  const { connection, hello } = greeted;
  const wait = { ...(signal && { signal }) };
  const { server } = hello;
  const asked = { username: target.username, token: token ?? null, request: started.request };
  const { account, response, recovery } = (await connection.request('account.registerStart', asked, wait)).response;
  const recoveryKey = options.escrow ? recoveryKeyOf({ certificate: recovery, authority, server }) : undefined;
  const { record, exportKey } = await started.finish({ account, server, response });
  const secrets = newAccountSecrets(random);
  const owner = { server, account };
  const unlockRecord = sealUnlockRecord({ ...owner, exportKey, secrets, random, ...(recoveryKey && { recoveryKey }) });
  const statement = firstStatement({ ...owner, at: timestampFromMs(clock.nowMs()), secrets });
  try {
    await connection.request('account.registerFinish', { record, unlockRecord, statement }, wait);
  } catch (error) {
    // The answer may have been lost after the account was made; then the invite is used, and only a login can tell.
    if (!isCofferError(error, 'UNREACHABLE', 'TIMEOUT')) throw error;
  }
  return recoveryKey !== undefined;
}
