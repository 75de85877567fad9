import type { Clock } from '@coffer/core';
import type { Packs } from '../packs/packs.ts';

export interface Pace {
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Told of every read of so many bytes before it begins. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

/** The same packs, of which no more bytes are read in a second than the pace says, over any span of reads. */
export function pacedPacks(packs: Packs, { bytesPerSecond, clock, signal, onRead }: Pace): Packs {
  let readyAtMs = clock.monotonicMs();
  const read: Packs['read'] = async (range, into) => {
    const now = clock.monotonicMs();
    const startMs = Math.max(now, readyAtMs);
    // What was not used earlier is not saved up: a rate that catches up is a burst.
    readyAtMs = startMs + (range.length / bytesPerSecond) * 1000;
    if (startMs > now) await clock.sleep(startMs - now, signal);
    onRead?.(range.length);
    return packs.read(range, into);
  };
  return {
    read,
    append: (...args) => packs.append(...args),
    flush: (...args) => packs.flush(...args),
    list: () => packs.list(),
    resume: (tail) => packs.resume(tail),
    settle: (name) => packs.settle(name),
    remove: (name) => packs.remove(name),
    [Symbol.asyncDispose]: () => packs[Symbol.asyncDispose](),
  };
}
