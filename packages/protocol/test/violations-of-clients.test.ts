import { describe, expect, test } from '@jest/globals';
import { FrameKind } from '../src/frame-kind.ts';
import type { Frame } from '../src/frame.ts';
import { frameBytes, messageFrame, messageOf, rawPair, requestFrame, type RawPeer } from './raw-peer.ts';
import { helloRequest, id16, id32, serveHere } from './session-fixture.ts';

const { request, response, error, data, end, event, cancel, ping, pong, goAway } = FrameKind;
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(9);
const waiting = new Promise<never>(() => undefined);

interface Vector {
  readonly name: string;
  /** How far the session is; the last stream is then 1 or 5. */
  readonly phase: 'connected' | 'greeted' | 'proved';
  readonly send: readonly (Partial<Frame> | Uint8Array)[];
  /** Default PROTOCOL. */
  readonly code?: string;
  /** The stream of the ERROR frame; default 0. */
  readonly stream?: number;
}

const put = requestFrame(7, 'chunk.put', { vault: id32, kind: 'chunk' });
const create = requestFrame(7, 'vault.create', {});
const head = requestFrame(7, 'vault.head', { vault: id32 });
const wellKnown = messageFrame(end, 7, { frames: 1, bytes: 40 });

const ofClients: readonly Vector[] = [
  {
    name: 'a request before hello',
    phase: 'connected',
    send: [requestFrame(1, 'vault.list', {})],
    code: 'NOT_LOGGED_IN',
    stream: 1,
  },
  {
    name: 'a login before hello',
    phase: 'connected',
    send: [requestFrame(1, 'session.loginStart', { username: 'a', request: id32 })],
    stream: 1,
  },
  { name: 'a second hello', phase: 'greeted', send: [requestFrame(3, 'session.hello', helloRequest)], stream: 3 },
  {
    name: 'a proof without a challenge',
    phase: 'greeted',
    send: [requestFrame(3, 'session.prove', { signature: bytes(64) })],
    stream: 3,
  },
  {
    name: 'the finish of a login that did not start',
    phase: 'greeted',
    send: [requestFrame(3, 'session.loginFinish', { finish: id32, proof: id32 })],
    stream: 3,
  },
  {
    name: 'a request that needs a login',
    phase: 'greeted',
    send: [requestFrame(3, 'chunk.has', { vault: id32, ids: id32 })],
    code: 'NOT_LOGGED_IN',
    stream: 3,
  },
  {
    name: 'an unknown operation of a stranger',
    phase: 'greeted',
    send: [{ kind: request, op: 0x7777, stream: 3 }],
    stream: 3,
  },
  {
    name: 'two requests of a stranger at a time',
    phase: 'connected',
    send: [requestFrame(1, 'session.hello', helloRequest), requestFrame(3, 'session.hello', helloRequest)],
  },
  {
    name: 'a frame over 4 KiB of a stranger',
    phase: 'connected',
    send: [{ kind: request, op: 0x0101, stream: 1, payload: bytes(4097) }],
  },
  { name: 'DATA of a stranger', phase: 'greeted', send: [{ kind: data, stream: 1, payload: bytes(1) }] },
  {
    name: 'a control frame over 256 KiB',
    phase: 'proved',
    send: [{ kind: request, op: 0x0501, stream: 7, payload: bytes(262_145) }],
  },
  {
    name: 'a DATA frame over 4.25 MiB',
    phase: 'proved',
    send: [put, { kind: data, stream: 7, payload: bytes(4_456_449) }],
  },
  { name: 'an even stream', phase: 'proved', send: [{ ...head, stream: 8 }] },
  { name: 'stream 0 for a request', phase: 'proved', send: [{ ...head, stream: 0 }] },
  { name: 'a stream that was used before', phase: 'proved', send: [{ ...head, stream: 5 }] },
  { name: 'a stream below the last', phase: 'proved', send: [{ ...head, stream: 9 }, head] },
  {
    name: 'a 65th stream',
    phase: 'proved',
    send: Array.from({ length: 65 }, (_, index) => ({ ...head, stream: 7 + 2 * index })),
  },
  {
    name: 'DATA on a stream that was never opened',
    phase: 'proved',
    send: [{ kind: data, stream: 7, payload: bytes(40) }],
  },
  { name: 'DATA on an even stream', phase: 'proved', send: [{ kind: data, stream: 2, payload: bytes(40) }] },
  { name: 'END on a stream that was never opened', phase: 'proved', send: [wellKnown] },
  { name: 'CANCEL of a stream that was never opened', phase: 'proved', send: [{ kind: cancel, stream: 7 }] },
  { name: 'CANCEL with a payload', phase: 'proved', send: [head, { kind: cancel, stream: 7, payload: bytes(1) }] },
  {
    name: 'DATA for an operation without',
    phase: 'proved',
    send: [head, { kind: data, stream: 7, payload: bytes(40) }],
  },
  {
    name: 'END for an operation without',
    phase: 'proved',
    send: [head, messageFrame(end, 7, { frames: 0, bytes: 0 })],
  },
  { name: 'DATA below its smallest size', phase: 'proved', send: [put, { kind: data, stream: 7, payload: bytes(32) }] },
  { name: 'empty DATA', phase: 'proved', send: [put, { kind: data, stream: 7 }] },
  {
    name: 'a commit over its largest size',
    phase: 'proved',
    send: [create, { kind: data, stream: 7, payload: bytes(4_194_305) }],
  },
  {
    name: 'a second genesis',
    phase: 'proved',
    send: [create, { kind: data, stream: 7, payload: bytes(9) }, { kind: data, stream: 7, payload: bytes(9) }],
  },
  {
    name: 'END that counts too few frames',
    phase: 'proved',
    send: [put, { kind: data, stream: 7, payload: bytes(40) }, messageFrame(end, 7, { frames: 0, bytes: 40 })],
  },
  {
    name: 'END that counts other bytes',
    phase: 'proved',
    send: [put, { kind: data, stream: 7, payload: bytes(40) }, messageFrame(end, 7, { frames: 1, bytes: 41 })],
  },
  { name: 'END without its counts', phase: 'proved', send: [put, messageFrame(end, 7, { frames: 0 })] },
  { name: 'an empty END', phase: 'proved', send: [put, { kind: end, stream: 7 }] },
  {
    name: 'DATA after END',
    phase: 'proved',
    send: [put, messageFrame(end, 7, { frames: 0, bytes: 0 }), { kind: data, stream: 7, payload: bytes(40) }],
  },
  {
    name: 'a second END',
    phase: 'proved',
    send: [put, messageFrame(end, 7, { frames: 0, bytes: 0 }), messageFrame(end, 7, { frames: 0, bytes: 0 })],
  },
  { name: 'a RESPONSE of a client', phase: 'proved', send: [messageFrame(response, 7, {})] },
  {
    name: 'an ERROR of a client on a stream',
    phase: 'proved',
    send: [messageFrame(error, 5, { code: 'INVALID', message: '', retryable: false })],
  },
  { name: 'an EVENT of a client', phase: 'proved', send: [{ kind: event, op: 0x0481, stream: 0 }] },
  {
    name: 'a GOAWAY of a client',
    phase: 'proved',
    send: [messageFrame(goAway, 0, { reason: 'x', reconnectAfterMs: 0 })],
  },
  { name: 'a PING of 7 bytes', phase: 'greeted', send: [{ kind: ping, payload: bytes(7) }] },
  { name: 'a PING on a stream', phase: 'greeted', send: [{ kind: ping, stream: 1, payload: bytes(8) }] },
  { name: 'a PONG that nobody asked for', phase: 'greeted', send: [{ kind: pong, payload: bytes(8) }] },
  { name: 'an unknown kind', phase: 'greeted', send: [Uint8Array.of(0, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 1)] },
  { name: 'a reserved flag', phase: 'greeted', send: [Uint8Array.of(0, 0, 0, 8, 8, 1, 0, 0, 0, 0, 0, 0)] },
  {
    name: 'a message that is no map',
    phase: 'connected',
    send: [{ kind: request, op: 0x0101, stream: 1, payload: Uint8Array.of(0x01) }],
    stream: 1,
  },
  {
    name: 'a message with trailing bytes',
    phase: 'proved',
    send: [{ ...head, payload: Uint8Array.of(...head.payload, 0) }],
    stream: 7,
  },
  {
    name: 'a message that is cut off',
    phase: 'proved',
    send: [{ ...head, payload: head.payload.slice(0, -1) }],
    stream: 7,
  },
  {
    name: 'a message with an unknown field',
    phase: 'proved',
    send: [requestFrame(7, 'vault.head', { vault: id32, extra: 1 })],
    stream: 7,
  },
  { name: 'a message without a field', phase: 'proved', send: [requestFrame(7, 'vault.head', {})], stream: 7 },
  {
    name: 'a message with a key twice',
    phase: 'proved',
    send: [{ ...requestFrame(7, 'vault.list', {}), payload: Uint8Array.of(0xa2, 0x61, 0x61, 1, 0x61, 0x61, 1) }],
    stream: 7,
  },
  {
    name: 'a key that is no text',
    phase: 'proved',
    send: [{ ...requestFrame(7, 'vault.list', {}), payload: Uint8Array.of(0xa1, 1, 1) }],
    stream: 7,
  },
  {
    name: 'an id of the wrong length',
    phase: 'proved',
    send: [requestFrame(7, 'vault.head', { vault: id16 })],
    stream: 7,
  },
  {
    name: '4,097 ids',
    phase: 'proved',
    send: [requestFrame(7, 'chunk.has', { vault: id32, ids: bytes(4097 * 32) })],
    stream: 7,
  },
  {
    name: 'ids that are no multiple of 32 bytes',
    phase: 'proved',
    send: [requestFrame(7, 'chunk.has', { vault: id32, ids: bytes(33) })],
    stream: 7,
  },
  { name: 'no ids', phase: 'proved', send: [requestFrame(7, 'chunk.has', { vault: id32, ids: bytes(0) })], stream: 7 },
  {
    name: 'a negative position',
    phase: 'proved',
    send: [requestFrame(7, 'vault.pull', { vault: id32, after: -1 })],
    stream: 7,
  },
  {
    name: 'a fraction of a position',
    phase: 'proved',
    send: [requestFrame(7, 'vault.pull', { vault: id32, after: 0.5 })],
    stream: 7,
  },
  {
    name: 'a name with a control character',
    phase: 'greeted',
    send: [requestFrame(3, 'session.loginStart', { username: 'a\n', request: id32 })],
    stream: 3,
  },
];

describe('a server ends the connection after', () => {
  test.each(ofClients)('$name', async ({ phase, send, code = 'PROTOCOL', stream = 0 }) => {
    const { peer } = serve(send.length > 1 && phase === 'connected');
    if (phase === 'greeted') await peer.hello();
    if (phase === 'proved') await peer.prove();
    for (const frame of send) peer.write(frame instanceof Uint8Array ? frame : frameBytes(frame));
    const last = (await peer.received()).at(-1);
    expect([last?.kind, last?.stream, messageOf(last)]).toEqual([error, stream, expect.objectContaining({ code })]);
    expect(peer.ended).toBe(true);
  });
});

/** Its handlers never answer, but for those of the session. */
function serve(slowHello: boolean): { readonly peer: RawPeer } {
  const { peer, transport } = rawPair();
  const never = (): Promise<never> => waiting;
  const handlers = { 'vault.head': never, 'vault.create': never, 'chunk.put': never };
  serveHere(transport, {
    handlers: slowHello ? { ...handlers, 'session.hello': never } : handlers,
    clock: undefined,
    limits: undefined,
    server: undefined,
  });
  return { peer };
}
