import { systemClock } from '@coffer/core';
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

const port = parentPort;
if (!port) throw new TypeError('this file runs in a thread');
const tell = (message: ScrubMessage): void => port.postMessage(message);

tell({ ended: await run(workerData as ScrubTask) });
port.close();

async function run(task: ScrubTask): Promise<PlainError | undefined> {
  try {
    const onProgress = (bytes: number): void => tell({ bytes });
    for await (const step of scrubSteps({ ...task, clock: systemClock, onProgress })) {
      tell({ step });
      if (port) await once(port, 'message');
    }
    return undefined;
  } catch (error) {
    return toPlainError(error);
  }
}
