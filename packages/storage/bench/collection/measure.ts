import { minuteMs, MiB, secondMs, systemClock } from '@coffer/core';
import { checkStorage, Storage } from '@coffer/storage';
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { storageOptions } from './fill.ts';
import { UploadingClient } from './uploading-client.ts';

/** Uploads alone: first until they run evenly, then to compare with. */
const warmMs = 5 * secondMs;
const baselineMs = 15 * secondMs;
/** What the clients sent meanwhile is scrubbed too: gibibytes. */
const scrubMs = 60 * secondMs;
const lookMs = 5;

/** One stretch of time on the thread that serves. */
export interface Stretch {
  readonly name: string;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /**
   * As p99, in CPU time of that thread between two looks at it: what remains on a machine that is busy with other things,
   * where the delays count the waiting for a core.
   */
  readonly cpuP99Ms: number;
  /** Largest resident memory of the process. */
  readonly peakMiB: number;
}

export interface Measured {
  readonly chunks: number;
  readonly stretches: readonly Stretch[];
  readonly removed: Readonly<Record<string, number>>;
  readonly uploads: { readonly files: number; readonly mib: number; readonly errors: readonly string[] };
  readonly findings: number;
}

export interface MeasureOptions {
  readonly path: string;
  readonly chunks: number;
  readonly clients: number;
  readonly clientMiB: number;
  readonly indexOnly: boolean;
}

/** As `serve` runs it: see there why. */
function setFlags(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=50');
}

/** Expires and collects what `fill` left, while clients upload. The delays are those of the serving thread. */
export async function measure({ path, chunks, clients, clientMiB, indexOnly }: MeasureOptions): Promise<Measured> {
  setFlags();
  const fatal: unknown[] = [];
  const storage = await Storage.open(storageOptions(path, systemClock, (error) => void fatal.push(error)));
  await storage.acceptClock();
  const sending = Array.from(
    { length: clients },
    (_, index) =>
      new UploadingClient({ storage, clock: systemClock, seed: index + 1, bytesPerSecond: clientMiB * MiB }),
  );
  for (const client of sending) await client.begin();
  const stop = new AbortController();
  const uploads = Promise.all(sending.map((client) => client.run(stop.signal)));
  await systemClock.sleep(warmMs);
  const watch = new StretchWatch();
  await watch.of(clients === 0 ? 'idle' : 'uploads alone', () => systemClock.sleep(baselineMs));
  const expired = await watch.of('expire', () => storage.expire());
  const collected = await watch.of('collect', () => storage.collect());
  const recounted = await watch.of('recount', () => storage.recount());
  if (!indexOnly) {
    await watch.of('scrub, 16 MiB/s', () => scrubFor(storage, { bytesPerSecond: 16 * MiB, ms: scrubMs }));
    await watch.of('scrub, no limit', () => scrubFor(storage, { bytesPerSecond: Infinity, ms: scrubMs }));
  }
  stop.abort();
  await uploads;
  await storage[Symbol.asyncDispose]();
  const errors = [...fatal, ...sending.flatMap((client) => client.errors)].map(String);
  const files = sending.reduce((sum, client) => sum + client.files, 0);
  const mib = sending.reduce((sum, client) => sum + client.bytes, 0) / MiB;
  const removed = { expiredVersions: expired.versions, ...collected, wrongCounts: recounted.length };
  const findings = indexOnly ? 0 : await findingsOf(path);
  return { chunks, stretches: watch.done, removed, uploads: { files, mib, errors }, findings };
}

/** A scrub, or as much of one as there is time for. */
async function scrubFor(
  storage: Storage,
  { bytesPerSecond, ms }: { readonly bytesPerSecond: number; readonly ms: number },
): Promise<void> {
  const signal = AbortSignal.timeout(ms);
  await storage.scrub({ bytesPerSecond, signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

class StretchWatch {
  readonly done: Stretch[] = [];

  async of<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const delay = monitorEventLoopDelay({ resolution: lookMs });
    const turns = createHistogram();
    let [cpuMs, peakBytes] = [threadCpuMs(), process.memoryUsage.rss()];
    const look = setInterval(() => {
      const nowMs = threadCpuMs();
      turns.record(Math.max(1, Math.round((nowMs - cpuMs) * 1000)));
      cpuMs = nowMs;
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    }, lookMs);
    const beganMs = performance.now();
    delay.enable();
    try {
      return await work();
    } finally {
      delay.disable();
      clearInterval(look);
      const seconds = (performance.now() - beganMs) / 1000;
      this.done.push({
        name,
        seconds,
        ...delaysOf(delay),
        cpuP99Ms: turns.percentile(99) / 1000,
        peakMiB: peakBytes / MiB,
      });
    }
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function delaysOf(delay: ReturnType<typeof monitorEventLoopDelay>): Pick<Stretch, 'p50Ms' | 'p99Ms' | 'maxMs'> {
  return { p50Ms: delay.percentile(50) / 1e6, p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 };
}

async function findingsOf(path: string): Promise<number> {
  const findings: string[] = [];
  const signal = AbortSignal.timeout(30 * minuteMs);
  for await (const finding of checkStorage({ path, readData: true, signal })) findings.push(finding.message);
  for (const message of findings.slice(0, 5)) console.error(`found: ${message}`);
  return findings.length;
}
