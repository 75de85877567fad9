import type { Clock } from '@coffer/core';
import type { Finding } from '../check/finding.ts';
import type { Facts } from '../facts/facts.ts';
import type { Disk } from '../packs/disk.ts';
import { scrubOnThread } from './scrub-on-thread.ts';
import type { MarkedPlace } from './scrub-steps.ts';
import { scrubSteps } from './scrub-steps.ts';

export interface ScrubOptions {
  readonly signal?: AbortSignal;
  /** Bytes of packs read in a second, at most. */
  readonly bytesPerSecond: number;
  /** Told after every pack how many bytes were looked at so far. */
  readonly onProgress?: (bytes: number) => void;
}

export interface ScrubDeps {
  readonly path: string;
  readonly facts: Facts;
  readonly clock: Clock;
  /** Another than the machine's cannot go to another thread: then everything is read on this one. */
  readonly disk?: Disk;
}

/** Findings that are told one by one; on a disk that is gone there are as many as records. */
const findingLimit = 10_000;

/** Reads everything at a bounded rate and marks the chunks that cannot be read. @throws IO; the signal's reason */
export async function scrub(
  options: ScrubOptions,
  { facts, path, disk, clock }: ScrubDeps,
): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  let count = 0;
  const steps = disk ? scrubSteps({ ...options, path, disk, clock }) : scrubOnThread({ ...options, path });
  for await (const { findings, marked } of steps) {
    count += findings.length;
    all.push(...findings.slice(0, findingLimit - all.length));
    await mark(facts, marked);
  }
  if (count <= findingLimit) return all;
  return [...all, { kind: 'record', message: `${count - findingLimit} more findings are not listed` }];
}

/** Places that are marked in one change of the index. */
const markBatch = 1000;

async function mark(facts: Facts, places: readonly MarkedPlace[]): Promise<void> {
  const groups = Map.groupBy(places, ({ pack, lost }) => `${pack} ${lost}`);
  for (const group of groups.values()) {
    const { pack, lost } = group[0] as MarkedPlace;
    for (let at = 0; at < group.length; at += markBatch)
      await facts.markChunks({ pack, lost, offsets: group.slice(at, at + markBatch).map(({ offset }) => offset) });
  }
}
