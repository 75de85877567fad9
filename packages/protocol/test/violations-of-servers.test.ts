import { describe, expect, test } from '@jest/globals';
import { systemClock } from '@coffer/core';
import { ClientConnection } from '@coffer/protocol';
import { FrameKind } from '../src/frame-kind.ts';
import type { Frame } from '../src/frame.ts';
import { messageFrame, messageOf, rawPair, requestFrame, type RawPeer } from './raw-peer.ts';
import { helloRequest, id16, id32, sessionHandlers } from './session-fixture.ts';

const { response, error, data, end, event, cancel, ping, pong, goAway } = FrameKind;
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(9);
const waiting = new Promise<never>(() => undefined);
const head = requestFrame(7, 'vault.head', { vault: id32 });

interface ServerVector {
  readonly name: string;
  readonly send: readonly Partial<Frame>[];
}

const chunk = { kind: data, stream: 7, payload: bytes(40) };
const answer = messageFrame(response, 7, {});

/** The client waits for the answer of `chunk.get` on stream 7. */
const ofServers: readonly ServerVector[] = [
  { name: 'a REQUEST', send: [{ ...head, stream: 2 }] },
  { name: 'a CANCEL', send: [{ kind: cancel, stream: 7 }] },
  { name: 'a RESPONSE on a stream that was never opened', send: [messageFrame(response, 9, {})] },
  { name: 'DATA on a stream that was never opened', send: [{ ...chunk, stream: 9 }] },
  { name: 'a RESPONSE on an even stream', send: [messageFrame(response, 2, {})] },
  { name: 'a RESPONSE that does not fit', send: [messageFrame(response, 7, { unknown: 1 })] },
  { name: 'a second RESPONSE', send: [answer, answer] },
  { name: 'DATA before the RESPONSE', send: [chunk] },
  { name: 'END before the RESPONSE', send: [messageFrame(end, 7, { frames: 0, bytes: 0 })] },
  { name: 'DATA below its smallest size', send: [answer, { ...chunk, payload: bytes(32) }] },
  { name: 'END that does not match', send: [answer, chunk, messageFrame(end, 7, { frames: 1, bytes: 39 })] },
  {
    name: 'an ERROR that does not fit',
    send: [messageFrame(error, 7, { code: 'lower', message: '', retryable: false })],
  },
  { name: 'an ERROR without a code', send: [messageFrame(error, 7, { message: '', retryable: false })] },
  { name: 'an unknown EVENT', send: [{ kind: event, op: 0x0999, stream: 0, payload: bytes(0) }] },
  { name: 'an EVENT on a stream', send: [{ ...messageFrame(event, 7, { vault: id32, seq: 1 }), op: 0x0481 }] },
  { name: 'an EVENT that does not fit', send: [{ ...messageFrame(event, 0, { vault: id32 }), op: 0x0481 }] },
  { name: 'a second GOAWAY', send: [goAwayFrame(), goAwayFrame()] },
  { name: 'a GOAWAY on a stream', send: [{ ...goAwayFrame(), stream: 7 }] },
  { name: 'a PONG that nobody asked for', send: [{ kind: pong, payload: bytes(8) }] },
  { name: 'a PING of 9 bytes', send: [{ kind: ping, payload: bytes(9) }] },
];

describe('a client ends the connection after', () => {
  test.each(ofServers)('$name', async ({ send }) => {
    const { peer, client } = await provedClient();
    const outcome = read(client);
    await peer.received();
    peer.send(...send);
    await expect(outcome).rejects.toMatchObject({ code: 'PROTOCOL' });
    const last = (await peer.received()).at(-1);
    expect([last?.kind, last?.stream, messageOf(last)]).toEqual([
      error,
      0,
      expect.objectContaining({ code: 'PROTOCOL' }),
    ]);
    await client.closed;
    expect(client.failure).toMatchObject({ code: 'PROTOCOL' });
  });

  test('a RESPONSE before the END of what it sends', async () => {
    const { peer, client } = await provedClient();
    const never = { [Symbol.asyncIterator]: () => ({ next: () => waiting }) };
    const outcome = client.request('chunk.put', { vault: id32, kind: 'chunk' }, { data: never });
    await peer.received();
    peer.send(messageFrame(response, 7, { stored: 0, duplicates: 0, bytes: 0 }));
    await expect(outcome).rejects.toMatchObject({ code: 'PROTOCOL' });
    await client.closed;
  });

  test('an EVENT before it has proved itself', async () => {
    const { peer, transport } = rawPair();
    const client = ClientConnection.open(transport, { clock: systemClock });
    peer.send({ ...messageFrame(event, 0, { vault: id32, seq: 1 }), op: 0x0481 });
    await client.closed;
    expect(client.failure).toMatchObject({ code: 'PROTOCOL' });
  });
});

async function provedClient(): Promise<{ readonly peer: RawPeer; readonly client: ClientConnection }> {
  const { peer, transport } = rawPair();
  const client = ClientConnection.open(transport, { clock: systemClock });
  const hello = client.request('session.hello', helloRequest);
  peer.send(messageFrame(response, 1, await sessionHandlers['session.hello']?.(helloRequest, {} as never)));
  await hello;
  const challenge = client.request('session.challenge', { account: id16, device: id16 });
  peer.send(messageFrame(response, 3, { challenge: id32 }));
  await challenge;
  const proof = client.request('session.prove', { signature: bytes(64) });
  peer.send(messageFrame(response, 5, { username: 'anna', role: 'user' }));
  await proof;
  await peer.received();
  return { peer, client };
}

async function read(client: ClientConnection): Promise<void> {
  const { data: payloads } = await client.request('chunk.get', { vault: id32, uploader: id16, ids: id32 });
  for await (const payload of payloads) expect(payload).toHaveLength(40);
}

function goAwayFrame(): Frame {
  return messageFrame(goAway, 0, { reason: 'x', reconnectAfterMs: 0 });
}
