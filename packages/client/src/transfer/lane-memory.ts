import type { ResourceLimits } from 'node:worker_threads';

/**
 * A lane keeps nothing: what it holds for long lies in its buffers, outside of the heap. A small young generation is collected in a
 * millisecond and keeps a lane some 40 MiB smaller than one that may grow.
 */
export const laneMemory: ResourceLimits = { maxYoungGenerationSizeMb: 8 };
