import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CofferError, MiB, type LogFields, type Logger } from '@coffer/core';
import { pino, stdTimeFunctions, type destination, type Logger as Pino } from 'pino';
import rollingFile from 'pino-roll';
import type { LogLevel } from '../config/server-config.ts';
import { auditCategories, auditFields, type Audit, type AuditCategory, type AuditEvent } from './audit.ts';

/** `server` is for the one who runs the daemon; the others are the security log. */
type Category = 'server' | AuditCategory;
const categories: readonly Category[] = ['server', ...auditCategories];
/** Lines that wait for a slow disk; more are dropped rather than kept in memory. */
const maxWaitingBytes = 4 * MiB;

export interface LogsOptions {
  readonly path: string;
  readonly level: LogLevel | Readonly<Partial<Record<string, LogLevel>>>;
  /** A file that reaches this is followed by a new one; every day begins a new one too. */
  readonly maxBytes: number;
  /** Files kept per category. */
  readonly keep: number;
}

type RollingFile = ReturnType<typeof destination>;

interface Writer {
  readonly logger: Pino;
  readonly file: RollingFile;
}

/** JSON lines in `<path>/<category>.<day>.<n>.log`, rotated by size and day, readable by the daemon's user only (STORAGE §Audit). */
export class Logs implements AsyncDisposable, Audit {
  /** For the one who runs the daemon. */
  readonly server: Logger;
  readonly #writers: ReadonlyMap<Category, Writer>;
  #closed: Promise<void> | undefined;

  /** @throws IO when the folder or a file in it cannot be written */
  static async open(options: LogsOptions): Promise<Logs> {
    const writers = new Map<Category, Writer>();
    const logs = new Logs(writers);
    try {
      await mkdir(options.path, { recursive: true, mode: 0o700 });
      for (const category of categories) writers.set(category, await openWriter(category, options));
    } catch (cause) {
      await logs[Symbol.asyncDispose]();
      throw new CofferError('IO', `the logs folder ${options.path} cannot be written`, {
        hint: 'Check the folder given with --logs, its permissions and the free space.',
        cause,
      });
    }
    logs.setLevel(options.level);
    return logs;
  }

  private constructor(writers: ReadonlyMap<Category, Writer>) {
    this.#writers = writers;
    this.server = {
      debug: (fields, message) => this.#server?.debug(fields, message),
      info: (fields, message) => this.#server?.info(fields, message),
      warn: (fields, message) => this.#server?.warn(fields, message),
      error: (fields: LogFields, message: string) => this.#server?.error(fields, message),
    };
  }

  setLevel(level: LogsOptions['level']): void {
    for (const [category, { logger }] of this.#writers) {
      logger.level = typeof level === 'string' ? level : (level[category] ?? level['default'] ?? 'info');
    }
  }

  record(category: AuditCategory, event: AuditEvent): void {
    const logger = this.#writers.get(category)?.logger;
    const fields = auditFields(event);
    if (event.status === 'OK' && category !== 'anomaly') logger?.info(fields);
    else logger?.warn(fields);
  }

  /** Writes what waits, then closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    for (const { file } of this.#writers.values()) await closeFile(file);
  }

  get #server(): Pino | undefined {
    return this.#writers.get('server')?.logger;
  }
}

async function openWriter(category: Category, { path, maxBytes, keep }: LogsOptions): Promise<Writer> {
  const file = await rollingFile({
    file: join(path, category),
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
  return { file, logger: pino({ base: { category }, timestamp: stdTimeFunctions.isoTime }, file) };
}

async function closeFile(file: RollingFile): Promise<void> {
  const closed = once(file, 'close');
  file.end();
  await closed.catch(() => file.destroy());
}
