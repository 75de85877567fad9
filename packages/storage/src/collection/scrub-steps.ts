import type { Clock } from '@coffer/core';
import type { LostPlace } from '../check/check-packs.ts';
import { checkWith } from '../check/check-storage.ts';
import type { Finding } from '../check/finding.ts';
import type { Disk } from '../packs/disk.ts';
import { pacedPacks } from './paced-packs.ts';

export interface ScrubTask {
  /** The storage folder. */
  readonly path: string;
  /** Bytes of packs read in a second, at most. */
  readonly bytesPerSecond: number;
}

export interface ScrubStepsOptions extends ScrubTask {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly disk?: Disk | undefined;
  /** Told after every pack how many bytes were looked at so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Told of every read of so many bytes before it begins. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

/** Where a chunk lies that cannot be read, or that can be read again. */
export type MarkedPlace = LostPlace & { readonly lost: boolean };

/** What was found since the step before. */
export interface ScrubStep {
  readonly findings: readonly Finding[];
  readonly marked: readonly MarkedPlace[];
}

/** Findings or places of one step; one pack that is missing as a whole adds all of its places at once. */
const stepSize = 1000;

/** Reads everything at a bounded rate and yields what it finds. Changes nothing. @throws as `checkStorage` */
export async function* scrubSteps(options: ScrubStepsOptions): AsyncGenerator<ScrubStep, void, undefined> {
  const { path, bytesPerSecond, clock, signal, disk, onProgress, onRead } = options;
  let findings: Finding[] = [];
  let marked: MarkedPlace[] = [];
  let bytes = 0;
  const found = checkWith({
    path,
    readData: true,
    ...(signal && { signal }),
    ...(disk && { disk }),
    wrapPacks: (packs) => pacedPacks(packs, { bytesPerSecond, clock, signal, onRead }),
    onChunk: (place, state) => void marked.push({ ...place, lost: state === 'lost' }),
    onPack: (packBytes) => onProgress?.((bytes += packBytes)),
  });
  for await (const finding of found) {
    findings.push(finding);
    if (findings.length < stepSize && marked.length < stepSize) continue;
    yield { findings, marked };
    findings = [];
    marked = [];
  }
  yield { findings, marked };
}
