import { CofferError, KiB, parseSize } from '@coffer/core';

/** Bytes per second on the wire of bulk connections; undefined is no limit. Requests and commits are never held back. */
export interface BandwidthLimits {
  readonly upBytesPerSecond: number | undefined;
  readonly downBytesPerSecond: number | undefined;
}

export const unlimited: BandwidthLimits = { upBytesPerSecond: undefined, downBytesPerSecond: undefined };

/**
 * The slowest that a limit may be: a piece of 256 KiB must be through within the 30 s after which either side takes the other
 * for stalled (PROTOCOL §Deadlines).
 */
const leastBytesPerSecond = 16 * KiB;

/** `500KiB` for both directions, `UP:DOWN` for each, `off` for none; `/s` may follow. @throws INVALID */
export function parseBandwidth(text: string): BandwidthLimits {
  const [up, down, ...more] = text.trim().split(':');
  if (up === undefined || more.length > 0) throw notARate(text);
  const upBytesPerSecond = parseRate(up);
  return { upBytesPerSecond, downBytesPerSecond: down === undefined ? upBytesPerSecond : parseRate(down) };
}

function parseRate(text: string): number | undefined {
  if (text.trim().toLowerCase() === 'off') return undefined;
  const bytes = sizeIn(text);
  if (bytes >= leastBytesPerSecond) return bytes;
  throw new CofferError('INVALID', `"${text.slice(0, 40)}" is too slow for a connection to live`, {
    hint: 'The least is 16KiB a second; `off` is no limit.',
  });
}

function sizeIn(text: string): number {
  try {
    return parseSize(text.trim().replace(/\/s$/i, ''));
  } catch (error) {
    throw notARate(text, error);
  }
}

function notARate(text: string, cause?: unknown): CofferError {
  return new CofferError('INVALID', `"${text.slice(0, 40)}" is no rate`, {
    hint: 'Write it like 500KiB, 2MiB, or 500KiB:4MiB for up and down; `off` is no limit.',
    cause,
  });
}
