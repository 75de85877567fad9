import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { CofferError, isCofferError, systemClock, systemRandom, type Clock, type Random } from '@coffer/core';
import type { ServerConfig } from './config/server-config.ts';
import { Daemon } from './daemon.ts';
import { Logs } from './log/logs.ts';

/** Where SIGHUP comes from: `process`, or a test. */
export interface HangupSource {
  on(name: 'SIGHUP', listener: () => void): unknown;
  off(name: 'SIGHUP', listener: () => void): unknown;
}

export interface ServeOptions {
  readonly config: ServerConfig;
  /** Reads the configuration again, for SIGHUP. */
  readonly reload: () => Promise<ServerConfig>;
  /** Called once, with `HOST:PORT`, when it serves. */
  readonly ready: (address: string) => void;
  /** Something that a person should know now, beside the log: a certificate that expires soon. */
  readonly warn?: (text: string) => void;
  /** Ends it, gracefully: SIGTERM and SIGINT of the caller. */
  readonly signal: AbortSignal;
  readonly hangups?: HangupSource;
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * `coffer serve`: runs until the signal, then drains and resolves. SIGHUP reads settings and certificates again.
 * @throws as {@link Daemon.open}; IO when the storage failed for good while it ran: start again, it recovers; INTERNAL when the login worker did
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, signal, warn, hangups = process, clock = systemClock, random = systemRandom } = options;
  signal.throwIfAborted();
  collectGarbageLessOften();
  keepYoungGenerationSmall();
  lookForGarbageSooner();
  const stopped = Promise.withResolvers<'stopped'>();
  const failed = Promise.withResolvers<{ readonly cause: unknown }>();
  await using stack = new AsyncDisposableStack();
  onAbort(signal, stack, () => stopped.resolve('stopped'));
  const running: Running = {};
  // From the start: unhandled, it would kill a daemon that is still recovering.
  const onHangup = (): void => void reload(options, running);
  hangups.on('SIGHUP', onHangup);
  stack.defer(() => void hangups.off('SIGHUP', onHangup));
  const logs = (running.logs = stack.use(await Logs.open(config.logs, { clock })));
  const onFatal = (cause: unknown): void => failed.resolve({ cause });
  const deps = { clock, random, logger: logs.server, audit: logs, trail: logs, onFatal, ...(warn && { warn }) };
  const daemon = (running.daemon = stack.use(await Daemon.open(config, deps)));
  logs.server.info({ address: daemon.address }, 'listening');
  options.ready(daemon.address);
  const end = await Promise.race([stopped.promise, failed.promise]);
  if (end !== 'stopped') throw isCofferError(end.cause, 'INTERNAL') ? end.cause : storageFailed(end.cause);
  logs.server.info({}, 'stopping');
  await daemon.drain();
}

/**
 * Every received chunk is memory outside of V8's heap, and V8 answers 32 MiB of that with a collection of the whole heap:
 * 70 of them for 1 GiB of uploads, 40 % of the process's CPU. Accounted like the heap's own memory it takes five, and
 * the peak stays where it was (bench/receive.bench.ts).
 */
function collectGarbageLessOften(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/**
 * What a frame leaves behind is garbage at once. Thousands of connections made V8 enlarge its young generation, and keep it:
 * `npm run faults -- bombard` left 51 MiB more than before and 69 MiB more at the peak, and with a young generation that
 * stays as small as it begins nothing and 8 MiB. Uploads take 40 MiB less at the peak; what it costs them in CPU was within
 * what a busy machine tells apart (bench/receive.bench.ts).
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * V8 lets the heap grow to about four times what lives in it before it looks for garbage, and counts the arrays outside of it alike: the
 * largest part of what a collection takes beyond an idle server. With half as much again as lives, eight clients that upload
 * are answered by as many collections of the heap as before (94 for 3 GiB); with a third, by three times as many (bench/receive.bench.ts).
 */
function lookForGarbageSooner(): void {
  setFlagsFromString('--heap-growing-percent=50');
}

/** What a reload acts on, as far as it is there yet. */
interface Running {
  daemon?: Daemon;
  logs?: Logs;
}

async function reload(options: ServeOptions, { daemon, logs }: Running): Promise<void> {
  try {
    const config = await options.reload();
    await daemon?.reload(config);
    logs?.setLevel(config.logs.level);
  } catch (error) {
    const { message, hint } = error instanceof CofferError ? error : { message: String(error), hint: undefined };
    logs?.server.error(
      { reason: message, hint },
      'nothing was changed: the new settings or certificates cannot be used',
    );
  }
}

function onAbort(signal: AbortSignal, stack: AsyncDisposableStack, act: () => void): void {
  signal.addEventListener('abort', act, { once: true });
  stack.defer(() => signal.removeEventListener('abort', act));
}

function storageFailed(cause: unknown): CofferError {
  const why = isCofferError(cause) ? ` (${cause.message})` : '';
  return new CofferError(
    'IO',
    `the storage failed${why}; the server has stopped so that nothing false is acknowledged`,
    {
      hint: 'Look at the disk and at the server log, then start again: everything acknowledged is recovered.',
      cause,
    },
  );
}
