import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** How often memory is read: VmHWM is a high-water mark, so only what the last moments of a process add can be missed. */
const sampleMs = 20;
/** New children are looked for at every n-th sample: walking the threads of a process costs more than reading its status. */
const samplesPerWalk = 3;

/**
 * Watches the peak memory of a process and of all that it starts, until stopped or disposed.
 * The peak is the largest sum, over all samples, of the high-water marks (VmHWM) of the processes alive at that sample:
 * exact for one process, an upper bound for several. Linux only; elsewhere the peak stays 0.
 */
export class MemoryWatch implements Disposable {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #family: readonly number[];
  #samples = 0;
  #peakBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#family = [pid];
    this.#timer = setInterval(() => this.#sample(), sampleMs);
    this.#sample();
  }

  /** Bytes, up to now. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Takes a last sample, if there is still something to read, and ends the watch. */
  stop(): number {
    this.#sample();
    clearInterval(this.#timer);
    return this.#peakBytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    if (this.#samples % samplesPerWalk === 0) this.#family = processFamily(this.#pid);
    this.#samples += 1;
    const sum = this.#family.reduce((total, pid) => total + peakRssBytes(pid), 0);
    this.#peakBytes = Math.max(this.#peakBytes, sum);
  }
}

/** High-water mark of the resident memory of a process, in bytes; 0 when it is gone or cannot be read. */
export function peakRssBytes(pid: number): number {
  return statusBytes(pid, /^VmHWM:\s+(\d+) kB$/m);
}

/** Resident memory of a process now, in bytes; 0 when it is gone or cannot be read. */
export function rssBytes(pid: number): number {
  return statusBytes(pid, /^VmRSS:\s+(\d+) kB$/m);
}

function statusBytes(pid: number, line: RegExp): number {
  return Number(line.exec(readProc(`${pid}/status`) ?? '')?.[1] ?? 0) * 1024;
}

/** Sets the high-water marks of a process and of all below it to what they use now, so that a step is measured on its own. */
export function resetPeakRss(pid: number): void {
  for (const member of processFamily(pid)) {
    try {
      writeFileSync(`/proc/${member}/clear_refs`, '5'); // 5: reset VmHWM (proc(5))
    } catch {
      // Gone, another user's, or not Linux: the mark then covers more than the step, never less.
    }
  }
}

/** A process and all its descendants. */
export function processFamily(pid: number): number[] {
  const family = [pid];
  for (const member of family) family.push(...childrenOf(member));
  return family;
}

function childrenOf(pid: number): number[] {
  // Each thread lists the children that it started itself.
  return threadsOf(pid).flatMap((thread) =>
    (readProc(`${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    return undefined;
  }
}
