import { decodeCbor, encodeCbor } from '@coffer/core';
import { loginProof, OpaqueClient } from '@coffer/crypto';
import { authTranscript, negotiated } from '@coffer/protocol';
import { helloMessage, RawConnection } from '../bombard/raw-connection.ts';
import type { Insider, Target } from '../bombard/raw-connection.ts';

/** A whole login with the right password, from the connection to the server's proof, stretching included. Milliseconds. */
export async function logInMs(
  target: Target,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<number> {
  await using opaque = await OpaqueClient.open();
  const started = await opaque.startLogin(password);
  const startedMs = performance.now();
  using connection = await RawConnection.open(target);
  const helloPayload = encodeCbor(helloMessage);
  const hello = await connection.ask('session.hello', helloMessage);
  const { server } = decodeCbor(hello) as { server: Uint8Array };
  const first = await connection.ask('session.loginStart', { username, request: started.request });
  const { account, response } = decodeCbor(first) as { account: Uint8Array; response: Uint8Array };
  const finished = await started.finish({ account, server, response });
  if (finished === undefined) throw new Error('the right password was refused');
  const exporter = new Uint8Array(connection.socket.exportKeyingMaterial(32, 'EXPORTER-coffer-auth', Buffer.alloc(0)));
  const transcript = authTranscript({ server, account, exporter, negotiated: negotiated(helloPayload, hello) });
  const proof = loginProof(finished.sessionKey, 'client', transcript);
  await connection.ask('session.loginFinish', { finish: finished.finish, proof });
  return performance.now() - startedMs;
}

/** A device that comes back: connection, challenge, proof. Milliseconds. */
export async function proveMs(target: Target, insider: Insider): Promise<number> {
  const startedMs = performance.now();
  using connection = await RawConnection.open(target);
  await connection.prove(insider);
  return performance.now() - startedMs;
}
