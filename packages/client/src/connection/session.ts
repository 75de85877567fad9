import { CofferError, equalBytes, isCofferError } from '@coffer/core';
import type { AccountId, Clock, DeviceId, ServerId } from '@coffer/core';
import { signedBytes } from '@coffer/journal';
import type { Signer } from '@coffer/journal';
import { authTranscript, ClientConnection, deviceProof, deviceProofLabel, protocolVersion } from '@coffer/protocol';
import type { ResponseOf, ServerEvent, Transport } from '@coffer/protocol';

/** What this program calls itself in `session.hello`. */
const clientName = 'coffer/0.1';

export type Hello = ResponseOf<'session.hello'>;

export interface OpenSession {
  readonly transport: Transport;
  readonly role: 'control' | 'bulk';
  readonly clock: Clock;
  readonly onEvent?: (event: ServerEvent) => void;
  /** Send a PING when nothing else is sent for long. Default false. */
  readonly keepAlive?: boolean;
}

export interface Greeted {
  readonly connection: ClientConnection;
  readonly hello: Hello;
}

/** A connection that has said hello; the caller owns it. @throws UPGRADE_REQUIRED, UNREACHABLE, PROTOCOL */
export async function greet(
  { transport, role, clock, onEvent, keepAlive = false }: OpenSession,
  signal?: AbortSignal,
): Promise<Greeted> {
  const connection = ClientConnection.open(transport, { clock, keepAlive, ...(onEvent && { onEvent }) });
  try {
    const message = { protocol: protocolVersion, client: clientName, role };
    const { response } = await connection.request('session.hello', message, { ...(signal && { signal }) });
    return { connection, hello: response };
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

export interface DeviceIdentity {
  readonly server: ServerId;
  readonly account: AccountId;
  readonly device: DeviceId;
  /** Of the device key. */
  readonly sign: Signer;
}

export interface Proved {
  readonly username: string;
  readonly role: 'user' | 'admin';
}

/** Proves the device on this very connection (PROTOCOL §Session). @throws NOT_LOGGED_IN when the server does not know it any more */
export async function proveDevice(
  { connection, hello }: Greeted,
  who: DeviceIdentity,
  signal?: AbortSignal,
): Promise<Proved> {
  const { server, account, device, sign } = who;
  if (!equalBytes(hello.server, server)) throw otherServer();
  const options = { ...(signal && { signal }) };
  try {
    const { response: asked } = await connection.request('session.challenge', { account, device }, options);
    const { exporter, negotiated } = connection;
    const transcript = authTranscript({ server, account, device, exporter, negotiated });
    const signature = sign(signedBytes(deviceProofLabel, deviceProof(transcript, asked.challenge)));
    return (await connection.request('session.prove', { signature }, options)).response;
  } catch (error) {
    if (!isCofferError(error, 'REFUSED', 'NOT_LOGGED_IN', 'NOT_ALLOWED')) throw error;
    throw new CofferError('NOT_LOGGED_IN', 'the server does not accept this device any more', {
      hint: 'It was revoked, or the account is suspended. Log out and log in again, or ask the administrator.',
      cause: error,
    });
  }
}

function otherServer(): CofferError {
  return new CofferError('UNTRUSTED_SERVER', 'another server answers with the same key', {
    hint: 'Its storage was replaced by a new one. Ask the administrator; your data is on the old one.',
  });
}
