import { setTimeout } from 'node:timers/promises';
import { concatBytes, encodeCbor } from '@coffer/core';
import type { Seeded } from '../seeded.ts';
import { frame, frameKind, helloMessage, RawConnection, request } from './raw-connection.ts';
import type { Insider } from './raw-connection.ts';

/** How the daemon took it. */
export interface Outcomes {
  /** The connection was ended. */
  ended: number;
  /** It goes on. */
  answered: number;
  /** It waits for the rest of a frame that was announced. */
  waiting: number;
}

interface Bombardment {
  readonly port: number;
  /** An address of its own. */
  readonly from: string;
  readonly frames: number;
  readonly seeded: Seeded;
  /** A device of an account; a stranger without. */
  readonly insider?: Insider;
}

/** Long enough for an answer on a busy machine; a frame that is not whole is never answered. */
const patienceMs = 250;

/** Sends valid exchanges with one thing wrong each, over as many connections as it takes. */
export async function sendMutatedFrames(input: Bombardment, outcomes: Outcomes, signal?: AbortSignal): Promise<void> {
  let connection: RawConnection | undefined;
  try {
    for (let count = 0; count < input.frames; count += 1) {
      signal?.throwIfAborted();
      connection ??= await begin(input);
      const outcome = await tryOne(connection, input);
      outcomes[outcome] += 1;
      if (outcome === 'answered') continue;
      connection[Symbol.dispose]();
      connection = undefined;
    }
  } finally {
    connection?.[Symbol.dispose]();
  }
}

/** A device may hold eight connections, and the daemon may not have seen yet that the ones before are gone. */
const tries = 40;
const retryMs = 100;

async function begin({ port, from, insider }: Bombardment): Promise<RawConnection> {
  for (let attempt = 1; ; attempt += 1) {
    const connection = await RawConnection.open({ port, from });
    try {
      if (insider !== undefined) await connection.prove(insider);
      return connection;
    } catch (error) {
      connection[Symbol.dispose]();
      if (attempt === tries) throw error;
      await setTimeout(retryMs);
    }
  }
}

async function tryOne(connection: RawConnection, { seeded, insider }: Bombardment): Promise<keyof Outcomes> {
  const stream = connection.nextStream;
  const valid = insider === undefined ? strangersExchange(stream, seeded) : insidersExchange(stream, insider, seeded);
  connection.socket.write(mutated(valid, seeded));
  if (await connection.pings(patienceMs)) return 'answered';
  return connection.isClosed ? 'ended' : 'waiting';
}

function strangersExchange(stream: number, seeded: Seeded): Uint8Array[] {
  const id16 = seeded.bytes(16);
  switch (seeded.below(5)) {
    case 0:
      return [request(stream, 'session.challenge', { account: id16, device: id16 })];
    case 1:
      return [request(stream, 'session.prove', { signature: seeded.bytes(64) })];
    case 2:
      return [request(stream, 'session.loginStart', { username: 'nobody', request: seeded.bytes(96) })];
    case 3:
      return [request(stream, 'vault.list', {})];
    default:
      return [request(stream, 'session.hello', helloMessage)];
  }
}

function insidersExchange(stream: number, { record: { home: vault, account } }: Insider, seeded: Seeded): Uint8Array[] {
  const payload = seeded.bytes(40 + seeded.below(2000));
  const data = frame(frameKind.data, { stream }, payload);
  const end = frame(frameKind.end, { stream }, encodeCbor({ frames: 1, bytes: payload.byteLength }));
  switch (seeded.below(8)) {
    case 0:
      return [request(stream, 'vault.head', { vault })];
    case 1:
      return [request(stream, 'vault.list', {})];
    case 2:
      return [request(stream, 'vault.pull', { vault, after: seeded.below(3) })];
    case 3:
      return [request(stream, 'chunk.get', { vault, uploader: account, ids: seeded.bytes(64) })];
    case 4:
      return [request(stream, 'chunk.has', { vault, ids: seeded.bytes(3200) })];
    case 5:
      return [request(stream, 'vault.append', { vault }), data, end];
    case 6:
      return [request(stream, 'chunk.put', { vault, kind: 'chunk' }), data, end];
    default:
      return [
        request(stream, 'chunk.put', { vault, kind: 'segment' }),
        data,
        frame(frameKind.cancel, { stream }, new Uint8Array(0)),
      ];
  }
}

/** One bit, byte, field or frame of them altered, lost, added or repeated. */
function mutated(frames: readonly Uint8Array[], seeded: Seeded): Uint8Array {
  const parts: Uint8Array[] = frames.map((one) => one.slice());
  const which = seeded.below(parts.length);
  const part = parts[which] ?? new Uint8Array(1);
  const at = seeded.below(part.byteLength);
  const kind = seeded.below(8);
  if (kind <= 1) part[at] = (part[at] ?? 0) ^ (1 << seeded.below(8));
  else if (kind === 2) part[at] = seeded.below(256);
  else if (kind === 3) part[seeded.below(12)] = seeded.below(256);
  else if (kind === 4) parts[which] = concatBytes(part.slice(0, at), part.slice(at + 1));
  else if (kind === 5)
    parts[which] = concatBytes(part.slice(0, at), seeded.bytes(1 + seeded.below(20)), part.slice(at));
  else if (kind === 6) parts.splice(seeded.below(parts.length), 0, part);
  else parts.splice(which, 1);
  return concatBytes(...parts);
}
