import { CofferError, isCofferError, minuteMs, parseDurationMs } from '@coffer/core';
import { Cron } from 'croner';

/** When something is due again; `undefined`: never by itself. */
export interface Schedule {
  /** First moment after `ms` at which it is due. */
  nextAfterMs(ms: number): number | undefined;
}

/** More often than this is a mistake: each run reads or writes a part of the disk. */
const leastMs = minuteMs;

/**
 * `off`, an interval like `6h` or `every 24 h`, or a cron expression of five fields in the machine's time zone.
 * @throws CONFIG
 */
export function parseSchedule(text: string): Schedule {
  const word = text.trim().replace(/^every\s+/i, '');
  if (word.toLowerCase() === 'off') return { nextAfterMs: () => undefined };
  const intervalMs = parseInterval(word);
  return intervalMs === undefined ? parseCron(word) : { nextAfterMs: (ms) => ms + intervalMs };
}

function parseInterval(word: string): number | undefined {
  let ms: number;
  try {
    ms = parseDurationMs(word);
  } catch (error) {
    if (isCofferError(error)) return undefined;
    throw error;
  }
  if (ms < leastMs) throw notASchedule(word, 'an interval has one minute at least');
  return ms;
}

function parseCron(word: string): Schedule {
  try {
    // Paused and without a function it only computes.
    const cron = new Cron(word, { paused: true, mode: '5-part' });
    return { nextAfterMs: (ms) => cron.nextRun(new Date(ms))?.getTime() };
  } catch (cause) {
    throw notASchedule(word, 'neither off, an interval nor a cron expression of five fields', cause);
  }
}

function notASchedule(word: string, why: string, cause?: unknown): CofferError {
  return new CofferError('CONFIG', `"${word.slice(0, 40)}" is no schedule: ${why}`, {
    hint: 'Write it like 6h, 30d, off, or "15 3 * * *".',
    cause,
  });
}
