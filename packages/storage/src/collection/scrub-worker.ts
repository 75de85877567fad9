import { GarbageCollector, MiB, systemClock } from '@coffer/core';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { PlainError } from '../plain-error.ts';
import { toPlainError } from '../plain-error.ts';
import type { ScrubStep, ScrubTask } from './scrub-steps.ts';
import { scrubSteps } from './scrub-steps.ts';

/** A step is answered with any message; nothing else is. */
export type ScrubMessage =
  | { readonly bytes: number }
  | { readonly step: ScrubStep }
  | { readonly ended: PlainError | undefined };

/**
 * Sixteen MiB of packs leave up to fifty MiB of garbage, when chunks are small. V8 let it grow to that, and kept what it freed: 112 MiB more at the
 * peak than an idle server had, with this 57 MiB (a million chunks).
 */
const collector = new GarbageCollector({ everyBytes: 16 * MiB, what: 'all' });

const port = parentPort;
if (!port) throw new TypeError('this file runs in a thread');
const tell = (message: ScrubMessage): void => port.postMessage(message);

tell({ ended: await run(workerData as ScrubTask) });
port.close();

async function run(task: ScrubTask): Promise<PlainError | undefined> {
  try {
    const onProgress = (bytes: number): void => tell({ bytes });
    const onRead = (bytes: number): void => collector.passed(bytes);
    for await (const step of scrubSteps({ ...task, clock: systemClock, onProgress, onRead })) {
      tell({ step });
      if (port) await once(port, 'message');
    }
    return undefined;
  } catch (error) {
    return toPlainError(error);
  }
}
