import { CofferError, equalBytes, type AccountId } from '@coffer/core';
import { activeDevice, verifySignature } from '@coffer/journal';
import {
  authTranscript,
  deviceProof,
  deviceProofLabel,
  generationPieceBytes,
  operations,
  protocolLimits,
  protocolVersion,
  type Call,
  type Handlers,
  type RequestOf,
  type ResponseOf,
} from '@coffer/protocol';
import { canonicalUsername, type AccountRecord } from '@coffer/storage';
import { loginProof } from '../login/login-proof.ts';
import type { Connection, PendingLogin } from '../session/connection.ts';
import type { Services } from './services.ts';

type SessionOperation = Extract<keyof Handlers<Connection>, `session.${string}`>;

/** From the first exchange to a proved device (PROTOCOL §Session). Who is refused never learns why. */
export function sessionHandlers(services: Services): Pick<Handlers<Connection>, SessionOperation> {
  return {
    'session.hello': async (request, { context }) => hello(services, request, context),
    'session.loginStart': async (request, { context, signal }) => {
      context.login?.attempt.failed();
      context.login = undefined;
      const { pending, response } = await startLogin(services, request, { address: context.address, signal });
      context.login = pending;
      return { account: pending.account, response };
    },
    'session.loginFinish': async (request, call) => finishLogin(services, request, call),
    'session.challenge': async ({ account, device }, { context }) => {
      const challenge = services.random.bytes(32);
      context.proof = { account, device, challenge };
      return { challenge };
    },
    'session.prove': async ({ signature }, call) => prove(services, signature, call),
    'session.end': async () => ({}),
    'session.generation': async ({ generation }) => ({
      response: {},
      data: pieces(await generationStatement(services, generation)),
    }),
  };
}

function hello(
  services: Services,
  request: RequestOf<'session.hello'>,
  connection: Connection,
): ResponseOf<'session.hello'> {
  if (request.protocol !== protocolVersion) throw otherVersion(request.protocol);
  const { registration, dataFrameBytes } = services.settings();
  const response: ResponseOf<'session.hello'> = {
    protocol: protocolVersion,
    server: services.storage.serverId,
    generation: services.storage.generation,
    time: services.clock.nowMs(),
    limits: {
      frameBytes: protocolLimits.controlFrameBytes,
      dataBytes: dataFrameBytes,
      streams: protocolLimits.streams,
      hasIds: protocolLimits.idsPerRequest,
    },
    registration,
  };
  connection.role = request.role;
  return response;
}

async function generationStatement({ storage }: Services, generation: number): Promise<Uint8Array> {
  const statement = await storage.generationStatement(generation);
  if (statement === undefined) throw new CofferError('NOT_FOUND', 'there is no statement of this generation');
  return statement;
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += generationPieceBytes)
    yield bytes.subarray(at, at + generationPieceBytes);
}

interface LoginOrigin {
  readonly address: string;
  readonly signal: AbortSignal;
}

/** A name that nobody has, and a suspended account, go the same way as a real one: the library's decoy answers for them. */
async function startLogin(
  { guard, accounts, opaque }: Services,
  { username, request }: RequestOf<'session.loginStart'>,
  { address, signal }: LoginOrigin,
): Promise<{ pending: PendingLogin; response: Uint8Array }> {
  const name = foldName(username);
  const attempt = await guard.begin(name, address, signal);
  const record = await accounts.byName(username);
  const real = record?.state === 'active';
  const account = record?.account ?? opaque.decoyAccount(name);
  try {
    const started = await opaque.startLogin({ account, record: real ? record.registrationRecord : undefined, request });
    return { pending: { account, state: started.state, real, attempt }, response: started.response };
  } catch (error) {
    attempt.failed();
    throw error;
  }
}

async function finishLogin(
  services: Services,
  { finish, proof }: RequestOf<'session.loginFinish'>,
  call: Call<Connection>,
): Promise<ResponseOf<'session.loginFinish'>> {
  const { context } = call;
  const pending = context.login;
  context.login = undefined;
  if (pending === undefined) throw refused();
  const { account, state } = pending;
  const sessionKey = await services.opaque.finishLogin({ account, state, finish });
  const transcript = transcriptOf(services, call, { account });
  const proved = sessionKey !== undefined && equalBytes(proof, loginProof(sessionKey, 'client', transcript));
  if (!proved || !pending.real || (await activeAccount(services, account)) === undefined) {
    loginFailed(services, context, pending);
    throw refused();
  }
  pending.attempt.succeeded();
  context.standing = { phase: 'login', account };
  context.passwordOf = account;
  services.audit.record('auth', { ...eventOf('session.loginFinish'), status: 'OK', account, address: context.address });
  return { proof: loginProof(sessionKey, 'server', transcript) };
}

/** Also for a login that was begun and never finished: the client found the password wrong by itself. */
export function loginFailed(
  { audit }: Pick<Services, 'audit'>,
  connection: Connection,
  { account, real, attempt }: PendingLogin,
): void {
  attempt.failed();
  // The id of a decoy would fill the log with accounts that do not exist.
  const known = real ? { account } : {};
  audit.record('auth', { ...eventOf('session.loginFinish'), status: 'REFUSED', address: connection.address, ...known });
}

async function prove(
  services: Services,
  signature: Uint8Array,
  call: Call<Connection>,
): Promise<ResponseOf<'session.prove'>> {
  const { context } = call;
  const pending = context.proof;
  context.proof = undefined;
  if (pending === undefined) throw refused();
  const { account, device } = pending;
  const record = await activeAccount(services, account);
  const identity = record === undefined ? undefined : services.identities.current(account);
  const known = identity === undefined ? undefined : activeDevice(identity, device);
  const transcript = transcriptOf(services, call, { account, device });
  const bytes = deviceProof(transcript, pending.challenge);
  // Verified against some key in any case, so that a device that is not there takes the same time.
  const key = known?.signKey ?? nobodysKey;
  const right = verifySignature({ key, label: deviceProofLabel, bytes, signature });
  const event = { ...eventOf('session.prove'), account, device, address: context.address };
  if (!right || record === undefined || known === undefined) {
    if (services.guard.worthNoting(context.address)) services.audit.record('auth', { ...event, status: 'REFUSED' });
    throw refused();
  }
  context.authEpoch = record.authEpoch;
  services.sessions.admit(context, account, known);
  await services.accounts.touchDevice(account, device);
  services.audit.record('auth', { ...event, status: 'OK' });
  return { username: record.username, role: record.role };
}

function transcriptOf(
  { storage }: Services,
  { connection: { exporter, negotiated } }: Call<Connection>,
  who: { readonly account: AccountId; readonly device?: Uint8Array },
): Uint8Array {
  return authTranscript({ server: storage.serverId, ...who, exporter, negotiated });
}

async function activeAccount({ accounts }: Services, account: AccountId): Promise<AccountRecord | undefined> {
  const record = await accounts.byId(account);
  return record?.state === 'active' ? record : undefined;
}

/** The name as attempts are counted by it, whether or not it can be anyone's. */
export function foldName(username: string): string {
  try {
    return canonicalUsername(username);
  } catch {
    return username.toLowerCase();
  }
}

function eventOf(operation: SessionOperation) {
  return { event: operation, operation: operations[operation].code } as const;
}

/** Base point of Ed25519 (RFC 8032 §5.1): a valid key whose private half nobody uses. */
const nobodysKey = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 0x58 : 0x66));

/** Wrong password, unknown name, suspended account, revoked or unknown device: one answer. */
export function refused(): CofferError {
  return new CofferError('REFUSED', 'the server refused the login', {
    hint: 'Check the name and the password; if both are right, ask the administrator.',
  });
}

function otherVersion(protocol: number): CofferError {
  return new CofferError('UPGRADE_REQUIRED', `the server does not speak version ${protocol} of the protocol`, {
    hint: 'Use a client and a server of the same release.',
    details: { protocol: protocolVersion },
  });
}
