import { describe, expect, test } from '@jest/globals';
import { CofferError, concatBytes, isCofferError, systemClock } from '@coffer/core';
import { BufferBudget, protocolLimits, type ClientConnection, type Handlers } from '@coffer/protocol';
import fc from 'fast-check';
import { settle } from './manual-clock.ts';
import { connectProved, id16, id32 } from './session-fixture.ts';

/** One request of the model: what both sides do, and so what must come of it. */
interface Step {
  readonly kind: 'put' | 'get' | 'head';
  /** Sizes of the payloads beside their 32 bytes of id. */
  readonly sizes: readonly number[];
  /** After so many payloads the handler fails; beyond the last it does not. */
  readonly failAfter: number;
  /** After so many payloads whoever reads stops; beyond the last it does not. */
  readonly readOnly: number;
  /** Rounds of the event loop before the request. */
  readonly delay: number;
  /** Rounds after which the client gives up, whatever has come of it by then; undefined: never. */
  readonly abortAfter: number | undefined;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('put', 'get', 'head'),
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 60_000 })), { maxLength: 6 }),
  failAfter: fc.oneof(
    { weight: 3, arbitrary: fc.constant(99) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 }) },
  ),
  readOnly: fc.oneof(
    { weight: 3, arbitrary: fc.constant(99) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 }) },
  ),
  delay: fc.integer({ min: 0, max: 4 }),
  abortAfter: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined, freq: 3 }),
});

/** Far smaller than the real ones, so that everything waits for everything. */
const limits = {
  streams: 3,
  connectionBufferBytes: 20_000,
  totalBufferBytes: 50_000,
  freeBufferBytes: 5000,
  bufferTurnMs: 20,
  writePieceBytes: 7000,
};

describe('many requests on several connections that share a small budget', () => {
  test('come out as each would alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyStep, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 20_000 })),
        async (connections, cuts) => {
          const budget = new BufferBudget({ clock: systemClock }, { ...protocolLimits, ...limits });
          const outcomes = await Promise.all(connections.map((steps) => runAll({ steps, budget, cuts })));
          const judged = outcomes.map((each, at) =>
            each.map((outcome, index) => judge(outcome, connections[at]?.[index])),
          );
          expect(judged).toEqual(connections.map((steps) => steps.map(expected)));
          expect(budget.heldBytes).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  }, 20_000);
});

/** Whoever gives up may come too late, and gets what there was; anything between is wrong. */
function judge(outcome: string, step: Step | undefined): string {
  return step?.abortAfter !== undefined && outcome === 'given up' ? expected(step) : outcome;
}

/** What must come of a step, from its description alone. */
function expected(step: Step): string {
  const { kind, sizes, failAfter, readOnly } = step;
  if (kind === 'head') return failAfter < 99 ? 'QUOTA' : 'answer';
  const payloads = fill(step);
  if (kind === 'put') {
    if (failAfter <= Math.min(sizes.length, readOnly)) return 'QUOTA';
    return `stored ${describeAll(payloads.slice(0, readOnly))}`;
  }
  const wanted = Math.max(1, readOnly);
  const read = payloads.slice(0, Math.min(failAfter, wanted));
  // The reader leaves the loop with its last payload; it never learns what would have come after.
  const left = wanted <= Math.min(failAfter, sizes.length);
  return `${describeAll(read)}${!left && failAfter <= sizes.length ? ' then NOT_FOUND' : ''}`;
}

interface Run {
  readonly steps: readonly Step[];
  readonly budget: BufferBudget;
  readonly cuts: fc.Stream<number>;
}

async function runAll({ steps, budget, cuts }: Run): Promise<string[]> {
  const cut = (bytes: Uint8Array): Uint8Array[] => {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.byteLength;) {
      const length = cuts.next().value ?? 1000;
      pieces.push(bytes.slice(at, at + length));
      at += length;
    }
    return pieces;
  };
  const { client, server } = await connectProved({
    limits,
    transport: { cut, bufferBytes: 30_000 },
    server: { budget },
    handlers: handlersOf(steps),
  });
  const outcomes = await Promise.all(steps.map((each, index) => runOne(client, each, index)));
  await client[Symbol.asyncDispose]();
  await server.closed;
  for (let round = 0; server.busyStreams > 0 && round < 50; round += 1) await settle();
  expect(server.busyStreams).toBe(0);
  return outcomes;
}

async function runOne(client: ClientConnection, step: Step, index: number): Promise<string> {
  for (let round = 0; round < step.delay; round += 1) await settle();
  const vault = numbered(index);
  const controller = new AbortController();
  const { signal } = controller;
  if (step.abortAfter !== undefined) void abortAfter(controller, step.abortAfter);
  try {
    if (step.kind === 'head') return await client.request('vault.head', { vault }, { signal }).then(() => 'answer');
    if (step.kind === 'put') {
      const data = produceSlowly(fill(step));
      const { response } = await client.request('chunk.put', { vault, kind: 'chunk' }, { data, signal });
      return `stored ${response.stored} of ${response.bytes}`;
    }
    const { data } = await client.request('chunk.get', { vault, uploader: id16, ids: id32 }, { signal });
    return await readSome(data, Math.max(1, step.readOnly));
  } catch (error) {
    return outcomeOf(error);
  }
}

async function abortAfter(controller: AbortController, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await settle();
  controller.abort(givenUp);
}

function outcomeOf(error: unknown): string {
  if (error === givenUp) return 'given up';
  if (isCofferError(error)) return error.code;
  throw error;
}

const givenUp = new Error('given up');

async function readSome(data: AsyncIterable<Uint8Array>, atMost: number): Promise<string> {
  const read: Uint8Array[] = [];
  try {
    for await (const payload of data) {
      read.push(payload);
      if (read.length === atMost) break;
    }
  } catch (error) {
    const outcome = outcomeOf(error);
    return error === givenUp ? outcome : `${describeAll(read)} then ${outcome}`;
  }
  return describeAll(read);
}

function handlersOf(steps: readonly Step[]): Partial<Handlers<null>> {
  const stepOf = (vault: Uint8Array): Step => steps[vault[0] as number] as Step;
  return {
    'vault.head': async ({ vault }) => {
      await settle();
      if (stepOf(vault).failAfter < 99) throw new CofferError('QUOTA', 'no');
      return { seq: 1, head: id32, receivedAt: 0 };
    },
    'chunk.put': async ({ vault }, { data }) => {
      const { failAfter, readOnly } = stepOf(vault);
      const read: Uint8Array[] = [];
      const fail = (): void => {
        if (read.length === failAfter) throw new CofferError('QUOTA', 'no');
      };
      fail();
      if (readOnly > 0) {
        for await (const payload of data) {
          read.push(payload);
          fail();
          if (read.length === readOnly) break;
        }
      }
      return { stored: read.length, duplicates: 0, bytes: byteCount(read) };
    },
    'chunk.get': async ({ vault }) => ({ response: {}, data: produceAndFail(stepOf(vault)) }),
  };
}

async function* produceAndFail(step: Step): AsyncGenerator<Uint8Array, void, undefined> {
  for (const [index, payload] of fill(step).entries()) {
    if (index === step.failAfter) throw new CofferError('NOT_FOUND', 'gone');
    yield payload;
  }
  if (step.failAfter === step.sizes.length) throw new CofferError('NOT_FOUND', 'gone');
}

async function* produceSlowly(payloads: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const [index, payload] of payloads.entries()) {
    if (index % 2 === 1) await settle();
    yield payload;
  }
}

function fill({ sizes }: Step): Uint8Array[] {
  return sizes.map((size, index) => concatBytes(id32, new Uint8Array(size).fill(index)));
}

function numbered(index: number): Uint8Array {
  return new Uint8Array(32).fill(index);
}

function describeAll(payloads: readonly Uint8Array[]): string {
  return `${payloads.length} of ${byteCount(payloads)}`;
}

/** Weighted by position, so that payloads in another order do not add up to the same. */
function byteCount(payloads: readonly Uint8Array[]): number {
  let count = 0;
  for (const [index, payload] of payloads.entries()) {
    expect(payload.subarray(32).every((byte) => byte === index)).toBe(true);
    count += payload.byteLength;
  }
  return count;
}
