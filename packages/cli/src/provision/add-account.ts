import { firstStatement } from '@coffer/client';
import { randomId, timestampFromMs } from '@coffer/core';
import type { AccountId, Clock, Random, ServerId } from '@coffer/core';
import { ed25519KeyPair, newAccountSecrets, OpaqueClient, sealUnlockRecord, xwingKeyPair } from '@coffer/crypto';
import type { AccountSecrets } from '@coffer/crypto';
import { identityFingerprint, makeCertificate } from '@coffer/journal';
import { OpaqueServer, readOpaqueSetup } from '@coffer/server';
import { canonicalUsername } from '@coffer/storage';
import type { Accounts } from '@coffer/storage';
import type { AuthorityKeys } from './authority.ts';

export interface NewAccount {
  readonly username: string;
  readonly role: 'user' | 'admin';
  readonly password: string;
  /** Null: no limit. */
  readonly quotaBytes?: number | null;
  readonly contact?: string;
  readonly folder?: string;
  /** Somebody else chose the password: the person changes it at the first login. */
  readonly mustChange?: boolean;
}

export interface ProvisionContext {
  /** Open on the storage folder; a running daemon beside it is fine. */
  readonly accounts: Accounts;
  readonly storage: string;
  readonly server: ServerId;
  /** Absent: the account stays uncertified and has no escrow. */
  readonly authority: AuthorityKeys | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Makes an account: its keys, its identity (certified when the authority is at hand), its password record and its
 * sealed secrets. All of it happens on the administrator's machine; the storage gets what the server may see.
 * @throws EXISTS when the username is taken, INVALID when it cannot be one
 */
export async function addAccount(context: ProvisionContext, account: NewAccount): Promise<AccountId> {
  const id = randomId<'account'>(context.random);
  const secrets = newAccountSecrets(context.random);
  const { record, exportKey } = await registerPassword(context, { id, password: account.password });
  const identity = makeIdentity(context, { id, secrets, username: account.username });
  const unlockRecord = sealUnlockRecord({
    exportKey,
    secrets,
    server: context.server,
    account: id,
    random: context.random,
    ...(context.authority && { recoveryKey: context.authority.recovery.publicKey }),
  });
  const { password: _password, ...facts } = account;
  await context.accounts.create({
    ...facts,
    registrationRecord: record,
    unlockRecord,
    identity: [identity.statement],
    certificate: identity.certificate ?? null,
  });
  return id;
}

/** Both halves of an OPAQUE registration, on one machine (RFC 9807 §5). */
async function registerPassword(
  context: ProvisionContext,
  { id, password }: { readonly id: AccountId; readonly password: string },
): Promise<{ readonly record: Uint8Array; readonly exportKey: Uint8Array }> {
  await using client = await OpaqueClient.open();
  await using server = await OpaqueServer.open({
    setup: await readOpaqueSetup(context.storage),
    server: context.server,
  });
  const started = await client.startRegistration(password);
  const response = await server.registrationResponse({ account: id, request: started.request });
  return await started.finish({ response, account: id, server: context.server });
}

function makeIdentity(
  context: ProvisionContext,
  { id, secrets, username }: { readonly id: AccountId; readonly secrets: AccountSecrets; readonly username: string },
): { readonly statement: Uint8Array; readonly certificate: Uint8Array | undefined } {
  const signing = ed25519KeyPair(secrets.identitySeed);
  const sealKey = xwingKeyPair(secrets.sealSeed).publicKey;
  const at = timestampFromMs(context.clock.nowMs());
  const statement = firstStatement({ account: id, server: context.server, at, secrets });
  const { authority } = context;
  if (authority === undefined) return { statement, certificate: undefined };
  const fingerprint = identityFingerprint(signing.publicKey, sealKey);
  const certificate = makeCertificate(
    {
      v: 1,
      type: 'identity',
      authority: authority.authority.publicKey,
      server: context.server,
      at,
      account: id,
      fingerprint,
      username: canonicalUsername(username),
    },
    authority.authority.sign,
  );
  return { statement, certificate };
}
