import { dayMs, formatSize, GiB, isCofferError, KiB, MiB, minuteMs, parseDurationMs, parseSize } from '@coffer/core';
import { defaultRetention, RetentionPolicy } from '@coffer/journal';
import { protocolLimits } from '@coffer/protocol';
import { z } from 'zod';
import { auditCategories } from '../log/audit.ts';
import { parseSchedule } from '../schedule/schedule.ts';

/** A size in bytes: a number, or text like `64MiB`. */
const Size = text('size', parseSize).pipe(z.number().int().min(0).max(Number.MAX_SAFE_INTEGER));
/** A duration in milliseconds: a number, or text like `30min`. */
const Duration = text('duration', parseDurationMs).pipe(
  z
    .number()
    .int()
    .min(1)
    .max(3650 * dayMs),
);
/** A count; text of digits counts too, since an environment knows nothing else. */
const Count = text('number', parseCount).pipe(z.number().int().min(1).max(1_000_000));
/** A share of the filesystem: `5%`, or 0.05. */
const Share = text('percentage', parsePercent).pipe(z.number().min(0).max(0.99));
const None = z.literal('none').transform(() => null);
const Path = z.string().min(1).max(4096);
/** A cron expression, an interval, or `off`. */
const Schedule = z
  .string()
  .min(1)
  .max(100)
  .superRefine((value, context) => {
    try {
      parseSchedule(value);
    } catch (error) {
      if (!isCofferError(error)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });

/** Least to most urgent; `silent` writes nothing. */
export const LogLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent']);
export type LogLevel = z.infer<typeof LogLevel>;

/** What a level may be set for; `default` is for all others. */
const LogCategory = z.enum(['default', 'server', ...auditCategories]);

/** Everything that an administrator can set on the daemon, complete and checked (CONFIG §Server). */
export const ServerConfig = z
  .strictObject({
    listen: section({
      host: z.string().min(1).max(255).default('127.0.0.1'),
      port: text('port', parseCount).pipe(z.number().int().min(0).max(65_535)).default(7443),
      maxConnections: Count.default(4096),
      maxPerAddress: Count.default(64),
      maxPerAccount: Count.default(32),
    }),
    limits: section({
      frameBytes: Size.default(protocolLimits.dataFrameBytes),
      bufferBytes: Size.default(protocolLimits.connectionBufferBytes),
      totalBufferBytes: Size.default(protocolLimits.totalBufferBytes),
      maxFileBytes: Size.default(16 * 1024 * GiB),
    }),
    certs: section({ path: Path.default('certs') }),
    storage: section({
      path: Path.default('server-storage'),
      packBytes: Size.default(64 * MiB),
      reserve: Share.default(0.05),
    }),
    sessions: section({
      idle: Duration.default(protocolLimits.idleMs),
      lifetime: Duration.default(protocolLimits.lifetimeMs),
    }),
    login: section({
      attemptsPerHour: Count.default(10),
      addressPerHour: Count.default(60),
      alertAfter: Count.default(3),
      alertWindow: Duration.default(5 * minuteMs),
    }),
    passwords: section({
      minLength: Count.default(12),
      changePolicy: z.enum(['approval', 'direct']).default('approval'),
    }),
    registration: z.enum(['open', 'invite', 'closed']).default('invite'),
    retention: section({
      versions: RetentionFigure(RetentionPolicy.shape.versions, defaultRetention.versions),
      days: RetentionFigure(RetentionPolicy.shape.days, defaultRetention.days),
      trashDays: RetentionFigure(RetentionPolicy.shape.trashDays, defaultRetention.trashDays),
    }),
    quota: section({
      default: z.union([None, z.null(), Size]).default(null),
      member: z.union([None, z.null(), Share]).default(0.5),
    }),
    schedule: section({
      collect: Schedule.default('24h'),
      accountsBackup: Schedule.default('6h'),
      scrub: Schedule.default('30d'),
    }),
    logs: section({
      path: Path.default('logs'),
      level: z.union([LogLevel, z.partialRecord(LogCategory, LogLevel)]).default('info'),
      maxBytes: Size.default(50 * MiB),
      keep: Count.default(30),
    }),
    admin: section({ http: OnOff().default(true) }),
    metrics: z.enum(['loopback', 'off']).default('loopback'),
  })
  .superRefine((config, context) => {
    for (const { path, message } of brokenRelations(config))
      context.addIssue({ code: 'custom', path: [...path], message });
  });
export type ServerConfig = z.infer<typeof ServerConfig>;

type Relation = { readonly path: readonly string[]; readonly message: string };

/** Settings that are each legal but make no daemon together. */
function brokenRelations({ limits, listen, sessions, storage }: z.infer<typeof ServerConfig>): readonly Relation[] {
  const broken: Relation[] = [];
  const require = (holds: boolean, path: string, message: string): void => {
    if (!holds) broken.push({ path: path.split('.'), message });
  };
  const atLeast = `at least ${formatSize(limits.frameBytes)}, one frame`;
  require(limits.frameBytes >= 256 * KiB, 'limits.frameBytes', 'at least 256 KiB, a control frame');
  require(limits.frameBytes <= protocolLimits.dataFrameBytes, 'limits.frameBytes', 'at most 4.25 MiB');
  require(limits.bufferBytes >= 256 * KiB, 'limits.bufferBytes', 'at least 256 KiB');
  require(limits.totalBufferBytes >=
    limits.bufferBytes +
      limits.frameBytes, 'limits.totalBufferBytes', 'at least limits.bufferBytes and one frame together');
  require(storage.packBytes >= limits.frameBytes, 'storage.packBytes', atLeast);
  require(listen.maxPerAddress <= listen.maxConnections, 'listen.maxPerAddress', 'at most listen.maxConnections');
  require(listen.maxPerAccount <= listen.maxConnections, 'listen.maxPerAccount', 'at most listen.maxConnections');
  require(sessions.idle <= sessions.lifetime, 'sessions.idle', 'at most sessions.lifetime');
  return broken;
}

/** A group of settings that may be left out as a whole. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).prefault({} as never);
}

/** What a vault's owner may set, an administrator may set for all others. */
function RetentionFigure(figure: typeof RetentionPolicy.shape.days, standard: number) {
  return text('number', parseCount).pipe(figure).default(standard);
}

function OnOff() {
  return z.union([
    z.boolean(),
    z.enum(['on', 'true']).transform(() => true),
    z.enum(['off', 'false']).transform(() => false),
  ]);
}

/** A number, or text that `parse` turns into one; its error becomes the schema's. */
function text(what: string, parse: (text: string) => number) {
  return z.union([z.number(), z.string().max(40)]).transform((value, context) => {
    if (typeof value === 'number') return value;
    try {
      return parse(value);
    } catch {
      context.addIssue({ code: 'custom', message: `"${value}" is not a ${what}` });
      return z.NEVER;
    }
  });
}

function parsePercent(value: string): number {
  const match = /^(\d{1,2}(?:\.\d+)?)\s*%$/.exec(value);
  if (match === null) throw new RangeError('like 5%');
  return Number(match[1]) / 100;
}

function parseCount(value: string): number {
  if (!/^\d+$/.test(value)) throw new RangeError('digits expected');
  return Number(value);
}
