import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { MiB } from '@coffer/core';

/**
 * Keeps the young generation of this process as large as a program is when it has started: it would grow to 64 MiB, which costs memory and
 * gains no time (an upload of 8,539 files: 271 MiB instead of 344; their restore: 225 instead of 271). A limit can only be given to
 * a process when it starts, so it is kept from growing. Threads have their own.
 */
export function keepYoungGenerationSmall(): void {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  if (young !== undefined && young.space_size >= leastYoungBytes) setFlagsFromString('--semi-space-growth-factor=1');
}

/** With less than this, collecting takes more time. */
const leastYoungBytes = 8 * MiB;
