import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock, systemRandom, type Clock } from '@coffer/core';
import {
  ClientConnection,
  protocolLimits,
  ServerConnection,
  type ClientConnectionOptions,
  type Handlers,
  type ProtocolLimits,
  type ServerConnectionOptions,
} from '@coffer/protocol';
import { createMemoryTransportPair, fakeHandlers, type MemoryTransportOptions } from '@coffer/protocol/testing';

export const id16 = new Uint8Array(16).fill(1);
export const id32 = new Uint8Array(32).fill(2);

export const helloRequest = { protocol: 1, client: 'test', role: 'control' } as const;

/** A session without cryptography: every proof is right. */
export const sessionHandlers: Partial<Handlers<null>> = {
  'session.hello': async () => ({
    protocol: 1,
    server: id16,
    generation: 0,
    time: 1,
    limits: { frameBytes: 262_144, dataBytes: 4_456_448, streams: 64, hasIds: 4096 },
    registration: 'closed',
  }),
  'session.loginStart': async () => ({ account: id16, response: id32 }),
  'session.loginFinish': async () => ({ proof: id32 }),
  'session.challenge': async () => ({ challenge: id32 }),
  'session.prove': async () => ({ username: 'anna', role: 'user' }),
  'session.end': async () => ({}),
};

export interface PairOptions {
  readonly handlers?: Partial<Handlers<null>>;
  readonly limits?: Partial<ProtocolLimits>;
  readonly clock?: Clock;
  readonly transport?: MemoryTransportOptions;
  readonly client?: Partial<ClientConnectionOptions>;
  readonly server?: Partial<ServerConnectionOptions<null>>;
}

/** A client and a server that talk in memory. */
export function connectPair({ handlers, limits, clock = systemClock, transport, client, server }: PairOptions = {}) {
  const [there, here] = createMemoryTransportPair(transport);
  const shared = { clock, limits: { ...protocolLimits, ...limits } };
  const serverConnection = serveHere(here, { handlers, ...shared, server });
  return { client: ClientConnection.open(there, { ...shared, ...client }), server: serverConnection, there, here };
}

type Served = Pick<PairOptions, 'handlers' | 'server'> & { readonly clock: Clock; readonly limits: ProtocolLimits };

export function serveHere(
  transport: Parameters<typeof ServerConnection.serve>[0],
  { handlers, clock, limits, server }: { [Key in keyof Served]: Served[Key] | undefined },
) {
  return ServerConnection.serve<null>(transport, {
    handlers: fakeHandlers({ ...sessionHandlers, ...handlers }),
    context: null,
    clock: clock ?? systemClock,
    random: systemRandom,
    logger: silentLogger,
    limits: limits ?? protocolLimits,
    ...server,
  });
}

/** Hello, challenge and proof. */
export async function prove(client: ClientConnection): Promise<void> {
  await client.request('session.hello', helloRequest);
  await client.request('session.challenge', { account: id16, device: id16 });
  await client.request('session.prove', { signature: new Uint8Array(64) });
}

/** A pair whose session is proved. */
export async function connectProved(options: PairOptions = {}) {
  const pair = connectPair(options);
  await prove(pair.client);
  return pair;
}

export async function collect(data: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const payload of data) all.push(payload);
  return all;
}

export async function* produce<Item>(...items: readonly Item[]): AsyncGenerator<Item, void, undefined> {
  for (const item of items) yield item;
}

export function randomPayload(bytes: number): Uint8Array {
  return new Uint8Array(randomBytes(bytes));
}
