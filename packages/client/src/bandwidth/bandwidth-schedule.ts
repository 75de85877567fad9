import { isCofferError } from '@coffer/core';
import { z } from 'zod';
import { parseBandwidth, unlimited } from './bandwidth-limits.ts';
import type { BandwidthLimits } from './bandwidth-limits.ts';

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** `08:30`, as minutes since midnight. */
const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day like 08:30 is expected')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const Rate = z
  .string()
  .max(64)
  .transform((text, context): BandwidthLimits => {
    try {
      return parseBandwidth(text);
    } catch (error) {
      if (!isCofferError(error)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });

/**
 * Limits by time of day (CONFIG §Agent `bandwidth`), local time. `to` is not part of the span; a span whose `to` is not after its
 * `from` goes on over midnight and belongs to the day on which it begins. Without `days` it holds on all.
 */
export const BandwidthSchedule = z
  .array(
    z.strictObject({
      from: TimeOfDay,
      to: TimeOfDay,
      days: z.array(z.enum(days)).min(1).max(days.length).optional(),
      limit: Rate,
    }),
  )
  .max(100);
export type BandwidthSchedule = z.output<typeof BandwidthSchedule>;

type Span = BandwidthSchedule[number];

const minutesPerDay = 24 * 60;

/** The limits in force at a moment: of the first span that holds it, else none. Pure but for the machine's time zone. */
export function limitsAt(schedule: BandwidthSchedule, at: Date): BandwidthLimits {
  const now = { day: at.getDay(), minute: at.getHours() * 60 + at.getMinutes() };
  return schedule.find((span) => holds(span, now))?.limit ?? unlimited;
}

function holds({ from, to, days: wanted }: Span, { day, minute }: { day: number; minute: number }): boolean {
  const isOn = (weekday: number): boolean => {
    const name = days[(weekday + days.length) % days.length];
    return wanted === undefined || (name !== undefined && wanted.includes(name));
  };
  const end = to > from ? to : to + minutesPerDay;
  if (minute >= from && minute < end && isOn(day)) return true;
  return minute + minutesPerDay < end && isOn(day - 1);
}
