import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CofferError, MiB, systemClock, type Clock, type LogFields, type Logger } from '@coffer/core';
import { pino, stdTimeFunctions, type destination, type Logger as Pino } from 'pino';
import rollingFile from 'pino-roll';
import type { LogLevel } from '../config/server-config.ts';
import type { AuditCategory, AuditEvent } from './audit.ts';
import { AuditLog, type AuditTrail } from './audit-log.ts';

/** Lines that wait for a slow disk; more are dropped rather than kept in memory. */
const maxWaitingBytes = 4 * MiB;

type Levels = LogLevel | Readonly<Partial<Record<string, LogLevel>>>;

export interface LogsOptions {
  readonly path: string;
  readonly level: Levels;
  /** A file that reaches this is followed by a new one; every day begins a new one too. */
  readonly maxBytes: number;
  /** Files kept per category. */
  readonly keep: number;
}

type RollingFile = ReturnType<typeof destination>;

interface Parts {
  readonly logger: Pino;
  readonly file: RollingFile;
  readonly trail: AuditLog;
}

/** JSON lines in `<path>/<category>.<day>.<n>.log`, rotated by size and day, readable by the daemon's user only (STORAGE §Audit). */
export class Logs implements AsyncDisposable, AuditTrail {
  /** For the one who runs the daemon. */
  readonly server: Logger;
  readonly #parts: Parts;
  #level: Levels;
  #closed: Promise<void> | undefined;

  /** @throws IO when the folder or a file in it cannot be written */
  static async open(
    options: LogsOptions,
    { clock }: { readonly clock: Clock } = { clock: systemClock },
  ): Promise<Logs> {
    await using building = new AsyncDisposableStack();
    try {
      await mkdir(options.path, { recursive: true, mode: 0o700 });
      const file = building.adopt(await openServerFile(options), closeFile);
      const logger = pino({ base: { category: 'server' }, timestamp: stdTimeFunctions.isoTime }, file);
      const trail = building.use(await AuditLog.open(options, { clock }));
      building.move();
      return new Logs({ logger, file, trail }, options.level);
    } catch (cause) {
      throw new CofferError('IO', `the logs folder ${options.path} cannot be written`, {
        hint: 'Check the folder given with --logs, its permissions and the free space.',
        cause,
      });
    }
  }

  private constructor(parts: Parts, level: Levels) {
    this.#parts = parts;
    const { logger } = parts;
    this.#level = level;
    this.setLevel(level);
    this.server = {
      debug: (fields, message) => logger.debug(fields, message),
      info: (fields, message) => logger.info(fields, message),
      warn: (fields, message) => logger.warn(fields, message),
      error: (fields: LogFields, message: string) => logger.error(fields, message),
    };
  }

  setLevel(level: Levels): void {
    this.#level = level;
    this.#parts.logger.level = levelOf(level, 'server');
  }

  record(category: AuditCategory, event: AuditEvent): void {
    const level = levelOf(this.#level, category);
    const isPlain = event.status === 'OK' && category !== 'anomaly';
    if (level === 'silent' || level === 'error' || (level === 'warn' && isPlain)) return;
    this.#parts.trail.record(category, event);
  }

  anchor(store: Parameters<AuditTrail['anchor']>[0]): ReturnType<AuditTrail['anchor']> {
    return this.#parts.trail.anchor(store);
  }

  flush(): Promise<void> {
    return this.#parts.trail.flush();
  }

  /** Writes what waits, then closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await this.#parts.trail[Symbol.asyncDispose]();
    await closeFile(this.#parts.file);
  }
}

function levelOf(level: Levels, category: string): LogLevel {
  return typeof level === 'string' ? level : (level[category] ?? level['default'] ?? 'info');
}

async function openServerFile({ path, maxBytes, keep }: LogsOptions): Promise<RollingFile> {
  const file = await rollingFile({
    file: join(path, 'server'),
    extension: '.log',
    frequency: 'daily',
    dateFormat: 'yyyy-MM-dd',
    size: `${maxBytes}b`,
    limit: { count: keep, removeOtherLogFiles: true },
    mode: 0o600,
    maxLength: maxWaitingBytes,
  });
  await once(file, 'ready');
  // A full disk must not end the daemon: SonicBoom tries the line again with the next one.
  file.on('error', () => undefined);
  return file;
}

async function closeFile(file: RollingFile): Promise<void> {
  const closed = once(file, 'close');
  file.end();
  await closed.catch(() => file.destroy());
}
