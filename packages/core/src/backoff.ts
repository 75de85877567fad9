import type { Random } from './random.ts';
import { randomUnit } from './random.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before try `attempt` (0 is the first retry): doubles up to `maxMs`, half of it random so that clients spread out. */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(full / 2 + (randomUnit(random) * full) / 2);
}
