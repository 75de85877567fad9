import { minuteMs } from '@coffer/core';

/** From here times of changes and names of conflicts mislead people; slow lines and tired clocks stay well below. */
const noticeMs = 5 * minuteMs;

/** How far this machine's clock is ahead of the server's, when that is worth saying; negative when it is behind. */
export function clockSkewMs(hereMs: number, serverMs: number): number | undefined {
  const skewMs = hereMs - serverMs;
  return Math.abs(skewMs) >= noticeMs ? skewMs : undefined;
}
