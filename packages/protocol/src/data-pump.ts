import type { Semaphore } from '@coffer/core';
import type { BufferAccount } from './buffer-budget.ts';
import { FrameKind } from './frame-kind.ts';
import { sumBytes, type FrameWriter } from './frame-writer.ts';
import { encodeMessage } from './messages.ts';
import type { DataShape } from './operations/operation.ts';

/** One DATA payload: bytes, or parts that make them up. Untouched by its owner until the next one is asked for. */
export type DataParts = Uint8Array | readonly Uint8Array[];

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
export async function pumpData(source: AsyncIterable<DataParts>, options: PumpOptions): Promise<void> {
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
      total.frames += 1;
      total.bytes += fetched.bytes;
      const write = writer.data({ kind: FrameKind.data, op: 0, stream }, fetched.parts).finally(fetched.release);
      // Awaited one round later; a failure until then must not count as unhandled.
      write.catch(() => undefined);
      options.onWrite?.(write);
      [before, written] = [written, write];
      await before;
    }
    await written;
    options.onEnd?.();
    await writer.data({ kind: FrameKind.end, op: 0, stream }, [encodeMessage(total)]);
  } finally {
    // What is being written is in use; and an ERROR that follows must not overtake what was found before it.
    await Promise.allSettled([before, written]);
    if (!exhausted) await iterator.return?.();
  }
}

const nothing = Promise.resolve();

interface Fetched {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly release: () => void;
}

async function fetchOne(iterator: AsyncIterator<DataParts>, options: PumpOptions): Promise<Fetched | undefined> {
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
    const parts = next.value instanceof Uint8Array ? [next.value] : next.value;
    const bytes = sumBytes(parts);
    checkBytes(bytes, shape);
    account?.hold(bytes);
    const release = (): void => {
      account?.release(bytes);
      leave?.();
    };
    return { parts, bytes, release };
  } catch (error) {
    leave?.();
    throw error;
  }
}

/** How many frames there are is not checked: our own sources are bounded by what they answer. */
function checkBytes(bytes: number, shape: DataShape): void {
  if (bytes >= shape.minBytes && bytes <= shape.maxBytes) return;
  throw new RangeError(`a DATA frame of ${shape.each} cannot have ${bytes} bytes`);
}
