import { formatSize, secondMs } from '@coffer/core';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A local time in at most twelve columns: `today 14:05`, `12 Mar 09:30`, `12 Mar 2024`. */
export function shortTime(ms: number, nowMs: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return 'far away';
  const now = new Date(nowMs);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const day = `${date.getDate()} ${months[date.getMonth()]}`;
  if (date.toDateString() === now.toDateString()) return `today ${clock}`;
  return date.getFullYear() === now.getFullYear() ? `${day} ${clock}` : `${day} ${date.getFullYear()}`;
}

/** Local time to the minute: `2026-11-20 16:30`. */
export function fullTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return 'a time no calendar has';
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `42 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / secondMs));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** `12 MiB/s`; nothing for nothing. */
export function rate(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${formatSize(bytesPerSecond)}/s` : '';
}

/** `1 file`, `3 files`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-GB')} ${number === 1 ? one : many}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
