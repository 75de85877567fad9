import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { concatBytes, systemClock } from '@coffer/core';
import { BufferBudget, protocolLimits, type Handlers } from '@coffer/protocol';
import { createMemoryTransportPair, type MemoryTransport } from '@coffer/protocol/testing';
import { FrameKind } from '../src/frame-kind.ts';
import type { Frame } from '../src/frame.ts';
import { frameBytes, messageFrame, requestFrame } from './raw-peer.ts';
import { helloRequest, id16, id32, randomPayload, serveHere } from './session-fixture.ts';

/** Mutated valid frames never crash, and leave nothing behind. `COFFER_MUTATIONS=10000` for the whole run. */
const mutations = Number(process.env['COFFER_MUTATIONS'] ?? 3000);

const handlers: Partial<Handlers<null>> = {
  'vault.head': async () => ({ seq: 1, head: id32, receivedAt: 1 }),
  'vault.list': async () => ({ vaults: [] }),
  'vault.append': async (_request, { data }) => {
    for await (const _ of data);
    return { seq: 1, head: id32, receivedAt: 1 };
  },
  'chunk.put': async (_request, { data }) => {
    for await (const _ of data);
    return { stored: 1, duplicates: 0, bytes: 1 };
  },
  'chunk.get': async () => ({ response: {}, data: twoChunks() }),
};

test(`${mutations} mutated valid frames are refused or harmless`, async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const budget = new BufferBudget({ clock: systemClock }, protocolLimits);
  const outcomes = { ended: 0, answered: 0, waiting: 0 };
  let session = await provedSession(budget);
  for (let round = 0; round < mutations; round += 1) {
    const outcome = await tryOne(session);
    outcomes[outcome] += 1;
    expect(budget.heldBytes).toBeLessThanOrEqual(2 * protocolLimits.dataFrameBytes);
    if (outcome === 'answered') continue;
    session.peer.destroy();
    session = await provedSession(budget);
  }
  session.peer.destroy();
  for (let turn = 0; turn < 20; turn += 1) await turnOfLoop();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(budget.heldBytes).toBe(0);
  // Both must happen, or the mutations reach nothing.
  expect(outcomes.ended).toBeGreaterThan(mutations / 10);
  expect(outcomes.answered).toBeGreaterThan(mutations / 50);
}, 60_000);

interface Session {
  readonly peer: MemoryTransport;
  readonly heard: { bytes: number; ended: boolean };
  stream: number;
}

/** Sends a valid exchange with one thing wrong, then a PING in its own right. */
async function tryOne(session: Session): Promise<'ended' | 'answered' | 'waiting'> {
  const frames = validExchange((session.stream += 2));
  const bytes = mutate(frames);
  void session.peer.write([bytes]).catch(() => undefined);
  await turnOfLoop();
  await turnOfLoop();
  if (session.heard.ended) return 'ended';
  const before = session.heard.bytes;
  void session.peer.write([frameBytes({ kind: FrameKind.ping, payload: new Uint8Array(8) })]).catch(() => undefined);
  await turnOfLoop();
  await turnOfLoop();
  if (session.heard.ended) return 'ended';
  return session.heard.bytes > before ? 'answered' : 'waiting';
}

function validExchange(stream: number): Frame[] {
  const payload = randomPayload(40 + randomInt(200));
  const data: Frame = { kind: FrameKind.data, op: 0, stream, payload };
  const end = messageFrame(FrameKind.end, stream, { frames: 1, bytes: payload.byteLength });
  switch (randomInt(6)) {
    case 0:
      return [requestFrame(stream, 'vault.head', { vault: id32 })];
    case 1:
      return [requestFrame(stream, 'vault.list', {})];
    case 2:
      return [requestFrame(stream, 'chunk.get', { vault: id32, uploader: id16, ids: id32 })];
    case 3:
      return [requestFrame(stream, 'vault.append', { vault: id32 }), data, end];
    case 4:
      return [requestFrame(stream, 'chunk.put', { vault: id32, kind: 'chunk' }), data, end];
    default:
      return [
        requestFrame(stream, 'chunk.put', { vault: id32, kind: 'chunk' }),
        data,
        { kind: FrameKind.cancel, op: 0, stream, payload: new Uint8Array(0) },
      ];
  }
}

function mutate(frames: readonly Frame[]): Uint8Array {
  const parts = frames.map(frameBytes);
  const which = randomInt(parts.length);
  const part = parts[which] as Uint8Array;
  const at = randomInt(part.byteLength);
  switch (randomInt(8)) {
    case 0:
    case 1:
      part[at] = (part[at] as number) ^ (1 << randomInt(8));
      break;
    case 2:
      part[at] = randomInt(256);
      break;
    case 3:
      part[randomInt(12)] = randomInt(256);
      break;
    case 4:
      parts[which] = concatBytes(part.slice(0, at), part.slice(at + 1));
      break;
    case 5:
      parts[which] = concatBytes(part.slice(0, at), randomPayload(1 + randomInt(20)), part.slice(at));
      break;
    case 6:
      parts.splice(randomInt(parts.length), 0, part);
      break;
    default:
      parts.splice(which, 1);
  }
  return concatBytes(...parts);
}

async function provedSession(budget: BufferBudget): Promise<Session> {
  const [peer, here] = createMemoryTransportPair();
  serveHere(here, { handlers, clock: undefined, limits: undefined, server: { budget } });
  const heard = { bytes: 0, ended: false };
  void listen(peer, heard);
  const proof = [
    requestFrame(1, 'session.hello', helloRequest),
    requestFrame(3, 'session.challenge', { account: id16, device: id16 }),
    requestFrame(5, 'session.prove', { signature: new Uint8Array(64) }),
  ];
  for (const frame of proof) {
    void peer.write([frameBytes(frame)]).catch(() => undefined);
    await turnOfLoop();
  }
  return { peer, heard, stream: 5 };
}

async function listen(peer: MemoryTransport, heard: Session['heard']): Promise<void> {
  for await (const bytes of peer.incoming) heard.bytes += bytes.byteLength;
  heard.ended = true;
}

async function* twoChunks(): AsyncGenerator<Uint8Array, void, undefined> {
  yield randomPayload(100);
  yield randomPayload(200);
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
