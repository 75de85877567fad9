import { describe, expect, test } from '@jest/globals';
import { CofferError } from '@coffer/core';
import { BufferBudget, protocolLimits, type OperationName } from '@coffer/protocol';
import { createMemoryTransportPair } from '@coffer/protocol/testing';
import { FrameKind } from '../src/frame-kind.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { frameBytes, messageOf, rawPair, requestFrame } from './raw-peer.ts';
import { helloRequest, id16, id32, serveHere } from './session-fixture.ts';

describe('steps of a session', () => {
  test('a second proof while one is under way ends the connection: its failure must not undo the first', async () => {
    const { peer, transport } = rawPair();
    const outcomes = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let proofs = 0;
    const server = serveHere(transport, {
      clock: undefined,
      limits: undefined,
      server: undefined,
      handlers: {
        'session.prove': async () => {
          proofs += 1;
          await outcomes[proofs - 1]?.promise;
          if (proofs === 2) throw new CofferError('REFUSED', 'no');
          return { username: 'anna', role: 'user' };
        },
      },
    });
    await peer.hello();
    peer.request('session.loginStart', { username: 'anna', request: id32 });
    await peer.received();
    peer.request('session.loginFinish', { finish: id32, proof: id32 });
    await peer.received();
    peer.request('session.challenge', { account: id16, device: id16 });
    await peer.received();
    const proof = { signature: new Uint8Array(64) };
    peer.request('session.prove', proof);
    peer.request('session.prove', proof);
    const [answer] = await peer.received();
    outcomes[0]?.resolve();
    await settle();
    outcomes[1]?.resolve();
    await settle();
    expect(server.phase).not.toBe('greeted');
    expect(answer?.kind).toBe(FrameKind.error);
    expect(messageOf(answer)).toMatchObject({ code: 'PROTOCOL' });
    await server.closed;
  });
});

describe('answers that nobody reads', () => {
  test('count as what the connection holds, and the connection is read no further', async () => {
    const [there, here] = createMemoryTransportPair({ bufferBytes: 300_000 });
    const budget = new BufferBudget({ clock: new ManualClock() }, protocolLimits);
    const statements = Array.from({ length: 4 }, () => new Uint8Array(60_000));
    let answered = 0;
    const server = serveHere(here, {
      clock: new ManualClock(),
      limits: undefined,
      server: { budget },
      handlers: {
        'account.identity': async () => {
          answered += 1;
          return { statements, more: false, certificate: null };
        },
      },
    });
    const send = (stream: number, op: OperationName, message: unknown) =>
      void there.write([frameBytes(requestFrame(stream, op, message))]).catch(() => undefined);
    send(1, 'session.hello', helloRequest);
    await settle();
    send(3, 'session.challenge', { account: id16, device: id16 });
    await settle();
    send(5, 'session.prove', { signature: new Uint8Array(64) });
    await settle();
    for (let stream = 7; stream < 407; stream += 2) {
      send(stream, 'account.identity', { after: 0 });
      await settle();
    }
    expect(answered).toBeGreaterThan(10);
    expect(answered).toBeLessThan(30);
    expect(budget.heldBytes).toBeGreaterThan(4_000_000);
    there.destroy();
    await server.closed;
    expect(budget.heldBytes).toBe(0);
  });
});
