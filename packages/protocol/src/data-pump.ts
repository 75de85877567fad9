import { KiB } from '@coffer/core';
import type { Semaphore } from '@coffer/core';
import type { BufferAccount } from './buffer-budget.ts';
import { FrameKind } from './frame-kind.ts';
import { sumBytes, type FrameWriter } from './frame-writer.ts';
import { encodeMessage } from './messages.ts';
import type { DataShape } from './operations/operation.ts';

/** One DATA payload: bytes, or parts that make them up. Untouched by its owner until the next one is asked for. */
export type DataParts = Uint8Array | readonly Uint8Array[];

/**
 * Several DATA payloads that are there already and travel together: a small one that goes alone costs more than its bytes, in
 * promises here and in reads on the other side. At most {@link batchBytes} and one payload more.
 */
export class DataBatch {
  readonly frames: readonly DataParts[];

  constructor(frames: readonly DataParts[]) {
    this.frames = frames;
  }
}

/** What a request or an answer sends: payloads one by one, or in batches, which count as one where it says how long they stay in use. */
export type DataSource = AsyncIterable<DataParts | DataBatch>;

/** Payloads one by one, however they are sent: for who stands between a handler and its connection. */
export async function* payloadsOf(source: DataSource): AsyncGenerator<DataParts, void, undefined> {
  for await (const value of source) {
    if (value instanceof DataBatch) yield* value.frames;
    else yield value;
  }
}

/** Half of what is written at once, so that one batch is put together while the other is written. */
export const batchBytes = 128 * KiB;

/** Payloads in batches, in their order, each with as many as fit. */
export function* batchesOf(payloads: Iterable<readonly Uint8Array[]>): Generator<DataBatch, void, undefined> {
  let frames: (readonly Uint8Array[])[] = [];
  let bytes = 0;
  for (const payload of payloads) {
    frames.push(payload);
    bytes += sumBytes(payload);
    if (bytes < batchBytes) continue;
    yield new DataBatch(frames);
    [frames, bytes] = [[], 0];
  }
  if (frames.length > 0) yield new DataBatch(frames);
}

export interface PumpOptions {
  readonly writer: FrameWriter;
  readonly stream: number;
  readonly shape: DataShape;
  /** How many streams of the connection may fetch and write at one time; absent: no bound but the writer's order. */
  readonly gate?: Semaphore;
  /** Where payloads count from being fetched until they are written. */
  readonly account?: BufferAccount;
  /** Gets every write of DATA: while one is under way its payload is in use. */
  readonly onWrite?: (written: Promise<void>) => void;
  /** Called just before END is handed over. */
  readonly onEnd?: () => void;
  readonly signal: AbortSignal;
}

/**
 * Writes every payload of `source` as a DATA frame, then END with what they were. Fetches the next payload while one is
 * being written: a payload is in use until the one after next is asked for, the last ones until the source is ended,
 * which always happens.
 * @throws the source's error, the signal's reason, UNREACHABLE; RangeError on a payload that the operation forbids
 */
export async function pumpData(source: DataSource, options: PumpOptions): Promise<void> {
  const { writer, stream } = options;
  const iterator = source[Symbol.asyncIterator]();
  const total = { frames: 0, bytes: 0 };
  let [before, written]: [Promise<void>, Promise<void>] = [nothing, nothing];
  let exhausted = false;
  try {
    for (;;) {
      const fetched = await fetchOne(iterator, options);
      exhausted = fetched === undefined;
      if (fetched === undefined) break;
      total.frames += fetched.frames.length;
      total.bytes += fetched.bytes;
      const write = writer.data({ kind: FrameKind.data, op: 0, stream }, fetched.frames).finally(fetched.release);
      // Awaited one round later; a failure until then must not count as unhandled.
      write.catch(() => undefined);
      options.onWrite?.(write);
      [before, written] = [written, write];
      await before;
    }
    await written;
    options.onEnd?.();
    await writer.data({ kind: FrameKind.end, op: 0, stream }, [[encodeMessage(total)]]);
  } finally {
    // What is being written is in use; and an ERROR that follows must not overtake what was found before it.
    await Promise.allSettled([before, written]);
    if (!exhausted) await iterator.return?.();
  }
}

const nothing = Promise.resolve();

interface Fetched {
  /** Payloads, each in its parts. */
  readonly frames: readonly (readonly Uint8Array[])[];
  readonly bytes: number;
  readonly release: () => void;
}

async function fetchOne(
  iterator: AsyncIterator<DataParts | DataBatch>,
  options: PumpOptions,
): Promise<Fetched | undefined> {
  const { gate, account, shape, signal } = options;
  signal.throwIfAborted();
  const leave = await gate?.acquire(1, signal);
  try {
    await account?.sendingRoom();
    signal.throwIfAborted();
    const next = await iterator.next();
    signal.throwIfAborted();
    if (next.done === true) {
      leave?.();
      return undefined;
    }
    const frames = framesOf(next.value);
    const bytes = checkedBytes(frames, shape);
    account?.hold(bytes);
    const release = (): void => {
      account?.release(bytes);
      leave?.();
    };
    return { frames, bytes, release };
  } catch (error) {
    leave?.();
    throw error;
  }
}

function framesOf(value: DataParts | DataBatch): readonly (readonly Uint8Array[])[] {
  return value instanceof DataBatch ? value.frames.map(partsOf) : [partsOf(value)];
}

function partsOf(payload: DataParts): readonly Uint8Array[] {
  return payload instanceof Uint8Array ? [payload] : payload;
}

/** Bytes of all together. How many frames there are is not checked: our own sources are bounded by what they answer. */
function checkedBytes(frames: readonly (readonly Uint8Array[])[], { minBytes, maxBytes, each }: DataShape): number {
  let total = 0;
  for (const frame of frames) {
    const bytes = sumBytes(frame);
    if (bytes < minBytes || bytes > maxBytes)
      throw new RangeError(`a DATA frame of ${each} cannot have ${bytes} bytes`);
    total += bytes;
  }
  return total;
}
