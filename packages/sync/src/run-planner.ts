import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@coffer/core';
import type { Plan } from './plan.ts';
import type { Planner } from './planner.ts';

/** The longest that planning holds up connections, timers and Ctrl-C at a time. */
const sliceMs = 20;

/** Runs a planner to its end in slices. @throws the signal's reason */
export async function runPlanner(planner: Planner, clock: Clock, signal?: AbortSignal): Promise<Plan> {
  let endMs = clock.monotonicMs() + sliceMs;
  while (planner.step()) {
    if (clock.monotonicMs() < endMs) continue;
    await setImmediate();
    signal?.throwIfAborted();
    endMs = clock.monotonicMs() + sliceMs;
  }
  return planner.finish();
}
