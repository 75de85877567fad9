import type { Clock } from '@coffer/core';
import { checkWith } from '../check/check-storage.ts';
import type { LostPlace } from '../check/check-packs.ts';
import type { Finding } from '../check/finding.ts';
import type { Facts } from '../facts/facts.ts';
import type { Disk } from '../packs/disk.ts';
import { pacedPacks } from './paced-packs.ts';

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
  readonly disk?: Disk;
}

/** Findings that are told one by one; on a disk that is gone there are as many as records. */
const findingLimit = 10_000;

/** Places that are marked in one change of the index. */
const markBatch = 1000;

type Marked = LostPlace & { readonly lost: boolean };

/** Reads everything at a bounded rate and marks the chunks that cannot be read. @throws IO; the signal's reason */
export async function scrub(
  options: ScrubOptions,
  { facts, path, disk, clock }: ScrubDeps,
): Promise<readonly Finding[]> {
  const { signal, bytesPerSecond, onProgress } = options;
  const findings: Finding[] = [];
  const marked: Marked[] = [];
  let count = 0;
  let bytes = 0;
  const found = checkWith({
    path,
    readData: true,
    ...(signal && { signal }),
    ...(disk && { disk }),
    wrapPacks: (packs) => pacedPacks(packs, { bytesPerSecond, clock, signal }),
    onChunk: (place, state) => void marked.push({ ...place, lost: state === 'lost' }),
    onPack: (packBytes) => onProgress?.((bytes += packBytes)),
  });
  for await (const finding of found) {
    count += 1;
    if (count <= findingLimit) findings.push(finding);
    if (marked.length >= markBatch) await mark(facts, marked.splice(0));
  }
  await mark(facts, marked);
  if (count <= findingLimit) return findings;
  return [...findings, { kind: 'record', message: `${count - findingLimit} more findings are not listed` }];
}

async function mark(facts: Facts, places: readonly Marked[]): Promise<void> {
  const groups = Map.groupBy(places, ({ pack, lost }) => `${pack} ${lost}`);
  for (const group of groups.values()) {
    const { pack, lost } = group[0] as Marked;
    await facts.markChunks({ pack, lost, offsets: group.map(({ offset }) => offset) });
  }
}
