import { CofferError } from './errors.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

const sizeUnits = new Map([
  ['', 1],
  ['b', 1],
  ['k', KiB],
  ['kib', KiB],
  ['kb', 1000],
  ['m', MiB],
  ['mib', MiB],
  ['mb', 1e6],
  ['g', GiB],
  ['gib', GiB],
  ['gb', 1e9],
  ['t', 1024 * GiB],
  ['tib', 1024 * GiB],
  ['tb', 1e12],
]);

/** Bytes of `10GiB`, `1.5 MB`, `4096`; K, M, G and T alone are binary. @throws INVALID */
export function parseSize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match === null ? undefined : sizeUnits.get(match[2]?.toLowerCase() ?? '');
  const bytes = Math.floor(Number(match?.[1]) * (unit ?? Number.NaN));
  if (!Number.isSafeInteger(bytes)) {
    throw new CofferError('INVALID', `"${text.slice(0, 40)}" is not a size`, {
      hint: 'Write it like 500MiB or 10GiB.',
    });
  }
  return bytes;
}

/** `1.2 MiB`, `88 KiB`, `12 B`. */
export function formatSize(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let index = 0;
  while (Math.abs(value) >= 1024 && index < names.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${index === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${names[index]}`;
}

const durationUnits = new Map([
  ['ms', 1],
  ['s', secondMs],
  ['min', minuteMs],
  ['m', minuteMs],
  ['h', hourMs],
  ['d', dayMs],
]);

/** Milliseconds of `30 min`, `24h`, `90d`. @throws INVALID */
export function parseDurationMs(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
  const unit = match === null ? undefined : durationUnits.get(match[2]?.toLowerCase() ?? '');
  const ms = Math.round(Number(match?.[1]) * (unit ?? Number.NaN));
  if (!Number.isSafeInteger(ms)) {
    throw new CofferError('INVALID', `"${text.slice(0, 40)}" is not a duration`, {
      hint: 'Write it like 30min, 24h or 90d.',
    });
  }
  return ms;
}
