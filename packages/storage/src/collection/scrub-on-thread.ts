import { CofferError, startWorker } from '@coffer/core';
import { on } from 'node:events';
import { fromPlainError } from '../plain-error.ts';
import type { ScrubStep, ScrubStepsOptions } from './scrub-steps.ts';
import type { ScrubMessage } from './scrub-worker.ts';

type OnThread = Omit<ScrubStepsOptions, 'clock' | 'disk'>;

/**
 * `scrubSteps` on a thread of its own: checksums, and SQLite's check of a large index, would hold up everyone who is served.
 * The thread waits while a step is dealt with, and ends when the caller does. @throws as `scrubSteps`; the signal's reason
 */
export async function* scrubOnThread(options: OnThread): AsyncGenerator<ScrubStep, void, undefined> {
  const { path, bytesPerSecond, signal, onProgress } = options;
  signal?.throwIfAborted();
  await using worker = startWorker(new URL('./scrub-worker.ts', import.meta.url), {
    workerData: { path, bytesPerSecond },
    name: 'coffer-scrub',
  });
  const messages = on(worker, 'message', { close: ['exit'], ...(signal && { signal }) });
  try {
    for await (const [message] of messages as AsyncIterable<[ScrubMessage]>) {
      if ('bytes' in message) onProgress?.(message.bytes);
      else if ('ended' in message) return endWith(message);
      else {
        yield message.step;
        worker.postMessage('next');
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  throw new CofferError('INTERNAL', 'the thread of the scrub has ended before its work');
}

function endWith({ ended }: Extract<ScrubMessage, { readonly ended: unknown }>): void {
  if (ended) throw fromPlainError(ended, 'the scrub failed');
}
