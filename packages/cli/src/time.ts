import { CofferError, parseDurationMs } from '@coffer/core';
import type { Clock } from '@coffer/core';

/** Milliseconds since 1970 of a TIME argument: ISO 8601, `2h` or `3d` ago, `today`, `yesterday 18:00`. @throws INVALID */
export function parseTime(text: string, nowMs: number): number {
  const trimmed = text.trim();
  const found = fromWord(trimmed, nowMs) ?? fromAge(trimmed, nowMs) ?? fromIso(trimmed);
  if (found === undefined || Number.isNaN(found)) {
    throw new CofferError('INVALID', `"${text.slice(0, 60)}" is not a time`, {
      hint: 'Write it like 2026-11-20T18:00, 2h, 3d or "yesterday 18:00".',
    });
  }
  return found;
}

/** The same for an option that may be missing. @throws INVALID */
export function parseOptionalTime(text: string | undefined, clock: Clock): number | undefined {
  return text === undefined ? undefined : parseTime(text, clock.nowMs());
}

function fromWord(text: string, nowMs: number): number | undefined {
  const match = /^(now|today|yesterday)(?:\s+(\d{1,2}):(\d{2}))?$/i.exec(text);
  if (match === null) return undefined;
  if (match[1]?.toLowerCase() === 'now') return nowMs;
  const day = new Date(nowMs);
  if (match[1]?.toLowerCase() === 'yesterday') day.setDate(day.getDate() - 1);
  day.setHours(Number(match[2] ?? 0), Number(match[3] ?? 0), 0, 0);
  return day.getTime();
}

function fromAge(text: string, nowMs: number): number | undefined {
  return /^\d+(\.\d+)?\s*(s|min|m|h|d)$/i.test(text) ? nowMs - parseDurationMs(text) : undefined;
}

function fromIso(text: string): number | undefined {
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text.replace(/^(\d{4}-\d{2}-\d{2})\s+/, '$1T')) : undefined;
}

/** A span as people write it: `45s`, `12min`, `3h`, `2d`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds}s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

/** Local time as people write it: `2026-11-20 16:30`. */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
