import { CofferError, concatBytes, equalBytes, isCofferError, timestampToMs } from '@coffer/core';
import { maxCertificateBytes, openCertificate } from '@coffer/journal';
import type { GenerationCertificate } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { Pins } from '../profile/pins.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import type { Greeted } from './session.ts';

/** The server was restored from a backup, or promoted; told once. */
export interface GenerationNews {
  readonly generation: number;
  /** The administrator's words. */
  readonly reason: string;
  readonly atMs: number;
  /** This device had seen more of a vault than the server has now. */
  readonly wentBack: boolean;
}

export interface AdmitGeneration {
  readonly greeted: Greeted;
  readonly pins: Pins;
  readonly record: ProfileRecord;
}

/** Restores between two visits that are followed one by one; further back only the last of them is asked for. */
const maxSteps = 32;

/**
 * Goes on with a server of a higher generation than seen before, if the pinned authority has signed that it may (JOURNAL §Fold).
 * Undefined when there is nothing new. @throws ROLLBACK when nobody vouches for it
 */
export async function admitGeneration(
  { greeted: { connection, hello }, pins, record }: AdmitGeneration,
  signal?: AbortSignal,
): Promise<GenerationNews | undefined> {
  pins.refresh();
  const { generation } = hello;
  // A device that has seen nothing yet has nothing to compare with.
  if (pins.generation === 0) pins.seeGeneration(generation);
  if (generation <= pins.generation) return undefined;
  const { authority } = record;
  if (authority === undefined) throw unvouched(generation, noAuthorityHint);
  const statements: GenerationCertificate[] = [];
  for (let n = Math.max(pins.generation + 1, generation - maxSteps); n <= generation; n += 1) {
    const bytes = await fetchStatement(connection, n, signal);
    if (bytes !== undefined) statements.push(opened(bytes, { n, authority, record }));
  }
  const last = statements.at(-1);
  if (last?.n !== generation) throw unvouched(generation);
  const wentBack = pins.acceptGeneration(statements);
  return { generation, reason: last.reason, atMs: timestampToMs(last.at), wentBack };
}

/** Undefined when the server has none. @throws PROTOCOL */
async function fetchStatement(
  connection: ClientConnection,
  generation: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  try {
    const { data } = await connection.request('session.generation', { generation }, { ...(signal && { signal }) });
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of data) {
      length += piece.byteLength;
      // Before it is kept: whoever lies may send without end.
      if (length > maxCertificateBytes) return undefined;
      pieces.push(Uint8Array.from(piece));
    }
    return length > 0 ? concatBytes(...pieces) : undefined;
  } catch (error) {
    if (isCofferError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** What the authority said of exactly this generation of this server. */
function opened(
  bytes: Uint8Array,
  { n, authority, record }: { readonly n: number; readonly authority: Uint8Array; readonly record: ProfileRecord },
): GenerationCertificate {
  try {
    const certificate = openCertificate(bytes, authority);
    const isMeant =
      certificate.type === 'generation' && certificate.n === n && equalBytes(certificate.server, record.server);
    if (isMeant) return certificate;
  } catch (error) {
    if (!isCofferError(error) || error.code === 'UPGRADE_REQUIRED') throw error;
  }
  throw unvouched(n);
}

const noAuthorityHint =
  'This device was set up without the authority’s fingerprint and cannot check it. Ask the administrator, then log out and log in with a new invite.';

function unvouched(generation: number, hint?: string): CofferError {
  return new CofferError('ROLLBACK', 'the server says that it was restored, and the authority does not vouch for it', {
    hint:
      hint ?? 'It does not tell the truth, or its restore was not finished. Ask the administrator before you go on.',
    details: { generation },
  });
}
