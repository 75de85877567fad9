import { CofferError, equalBytes, sha256 } from '@coffer/core';
import {
  ed25519KeyPair,
  openByRootKey,
  openRootKey,
  OpaqueClient,
  sealUnlockRecord,
  xwingKeyPair,
} from '@coffer/crypto';
import type { AccountSecrets, StartedRegistration } from '@coffer/crypto';
import { signedBytes } from '@coffer/journal';
import { resetProof, resetProofLabel } from '@coffer/protocol';
import type { ClientConnection, ResponseOf } from '@coffer/protocol';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import { greet } from '../connection/session.ts';
import type { Greeted } from '../connection/session.ts';
import { authorityIn } from '../connection/trust.ts';
import type { Trust } from '../connection/trust.ts';
import { isCertified } from '../login/identity-certificate.ts';
import { OwnChain } from '../login/identity-chain.ts';
import type { Profile } from '../profile/profile.ts';
import { writePendingReset } from './pending-reset.ts';
import type { PendingReset } from './pending-reset.ts';
import { recoveryKeyOf } from './recovery-key.ts';
import type { FinishReset, RequestReset } from './reset.ts';

interface Dials {
  readonly dial: Dial;
}

interface Pending {
  readonly profile: Profile;
  readonly pending: PendingReset;
  readonly signal?: AbortSignal;
}

/** Makes the key of this request and tells the server; what is needed to go on is on disk before it returns. @throws as `requestReset` */
export async function askReset(
  { profile, target, trust, signal }: RequestReset,
  deps: Dials = systemDials(profile),
): Promise<PendingReset> {
  const authority = authorityIn(trust);
  if (authority === undefined) throw noAuthority();
  const { random, clock } = profile.deps;
  const { greeted, pin } = await connect(deps, { profile, address: target, trust, signal });
  await using connection = greeted.connection;
  const ephemeralSeed = random.bytes(32);
  const ephemeralKey = xwingKeyPair(ephemeralSeed).publicKey;
  const token = random.bytes(32);
  const { username, host, port } = target;
  const asked = { username, ephemeralKey, tokenHash: sha256(token) };
  const { response } = await connection.request('account.resetRequest', asked, { ...(signal && { signal }) });
  const place = { host, port, server: greeted.hello.server, pin, authority, username };
  const pending = { ...place, ...response, token, ephemeralSeed, createdAtMs: clock.nowMs() };
  writePendingReset(profile.resetPath, pending);
  return pending;
}

/** @throws UNREACHABLE, PIN_MISMATCH */
export async function askStatus(
  { profile, pending, signal }: Pending,
  deps: Dials = systemDials(profile),
): Promise<ResponseOf<'account.resetStatus'>> {
  await using connection = (await again(deps, { profile, pending, ...(signal && { signal }) })).connection;
  const { request, token } = pending;
  const { response } = await connection.request(
    'account.resetStatus',
    { request, token },
    { ...(signal && { signal }) },
  );
  return response;
}

/** The new password is in force when it returns. @returns whether there is an escrow. @throws as `finishReset` */
export async function takeReset(
  { profile, pending, password, signal }: FinishReset & { readonly pending: PendingReset },
  deps: Dials = systemDials(profile),
): Promise<boolean> {
  await using opaque = await OpaqueClient.open();
  const started = await opaque.startRegistration(password);
  const greeted = await again(deps, { profile, pending, ...(signal && { signal }) });
  await using connection = greeted.connection;
  const secrets = await openedSecrets({ profile, pending, connection, signal });
  return await setPassword({ profile, pending, connection, signal }, { secrets, started });
}

interface Exchange {
  readonly profile: Profile;
  readonly pending: PendingReset;
  readonly connection: ClientConnection;
  readonly signal: AbortSignal | undefined;
}

/** Anybody can seal a root key of their own to this device, the server first of all: what counts is what the authority certified. */
async function openedSecrets({ profile, pending, connection, signal }: Exchange): Promise<AccountSecrets> {
  const wait = { ...(signal && { signal }) };
  const { request, token, server, account, ephemeralSeed, authority } = pending;
  const { sealed } = (await connection.request('account.resetOpen', { request, token }, wait)).response;
  const ephemeralKey = xwingKeyPair(ephemeralSeed).publicKey;
  const ark = openRootKey({ server, account, request, ephemeralKey, ephemeralSeed, sealed });
  const chain = OwnChain.create(profile.chainPath, account);
  const certificate = await chain.refresh(connection, signal);
  const identity = chain.current;
  if (!isCertified({ certificate, authority, identity }) || !equalBytes(identity.server, server)) throw uncertified();
  const { record } = (await connection.request('account.unlock', {}, wait)).response;
  return openByRootKey({ server, account, ark, record, identity });
}

async function setPassword(
  { profile, pending, connection, signal }: Exchange,
  { secrets, started }: { readonly secrets: AccountSecrets; readonly started: StartedRegistration },
): Promise<boolean> {
  const wait = { ...(signal && { signal }) };
  const { server, account, request, authority } = pending;
  const start = await connection.request('account.resetStart', { request: started.request }, wait);
  const { response, recovery } = start.response;
  const recoveryKey = recoveryKeyOf({ certificate: recovery, authority, server });
  const { record, exportKey } = await started.finish({ account, server, response });
  const { random } = profile.deps;
  const sealed = { server, account, exportKey, secrets, random };
  const unlockRecord = sealUnlockRecord({ ...sealed, ...(recoveryKey && { recoveryKey }) });
  const bytes = resetProof({ server, account, request, record, unlockRecord });
  const proof = ed25519KeyPair(secrets.identitySeed).sign(signedBytes(resetProofLabel, bytes));
  await connection.request('account.resetFinish', { record, unlockRecord, proof }, wait);
  return recoveryKey !== undefined;
}

async function again(deps: Dials, { profile, pending, signal }: Pending): Promise<Greeted> {
  const { pin, server } = pending;
  const { greeted } = await connect(deps, { profile, address: pending, trust: { kind: 'pin', pin }, signal });
  if (equalBytes(greeted.hello.server, server)) return greeted;
  await greeted.connection[Symbol.asyncDispose]();
  throw new CofferError('UNTRUSTED_SERVER', 'another server answers with the same key', {
    hint: 'Its storage was replaced by a new one. Ask the administrator.',
  });
}

interface Connecting {
  readonly profile: Profile;
  readonly address: { readonly host: string; readonly port: number };
  readonly trust: Trust;
  readonly signal: AbortSignal | undefined;
}

async function connect(
  { dial }: Dials,
  { profile, address, trust, signal }: Connecting,
): Promise<{ readonly greeted: Greeted; readonly pin: Uint8Array }> {
  const { transport, pin } = await dial(address, trust, signal);
  const { clock } = profile.deps;
  return { greeted: await greet({ transport, role: 'control', clock }, signal), pin };
}

function systemDials({ deps }: Profile): Dials {
  return { dial: createTlsDial({ clock: deps.clock }) };
}

function noAuthority(): CofferError {
  return new CofferError('UNTRUSTED_SERVER', 'nobody here knows the authority of this server', {
    hint: 'Use an invite of the administrator, or --ca with the ca.pem of the server: without it nobody can tell whose keys come back.',
  });
}

function uncertified(): CofferError {
  return new CofferError('UNTRUSTED_SERVER', 'the authority does not vouch for the keys that came back', {
    hint: 'The server may lie about whose account this is. Ask the administrator.',
  });
}
