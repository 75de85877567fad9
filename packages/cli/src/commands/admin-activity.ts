import { dayMs, formatSize, idKey } from '@coffer/core';
import { z } from 'zod';
import { Activity } from '../activity.ts';
import type { ActivityDay } from '../activity.ts';
import { storageFolder } from '../admin-place.ts';
import { parseInput, Text, Username } from '../arguments.ts';
import type { Command } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { loggedLines } from '../logged-lines.ts';
import { table } from '../output.ts';
import { shownUser } from '../shown-user.ts';
import type { ShownUser } from '../shown-user.ts';
import { formatTime, parseTime } from '../time.ts';

const schemas = {
  args: z.tuple([Username]),
  options: z.strictObject({ since: Text.optional(), storage: Text.optional(), logs: Text.optional() }),
};

/** What is summed up when no time is given. */
const defaultMs = 30 * dayMs;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const nowMs = context.clock.nowMs();
  const storage = storageFolder(context, options.storage);
  const user = await shownUser(context, { storage, username: args[0] });
  const activity = new Activity(idKey(user.account));
  const lines = loggedLines(
    context,
    { storage, logs: options.logs },
    {
      categories: [],
      username: user.username,
      sinceMs: options.since === undefined ? nowMs - defaultMs : parseTime(options.since, nowMs),
      follow: false,
    },
  );
  for await (const { text } of lines) activity.add(text);
  const { days, addresses } = activity;
  const seenMs = lastSeenMs(user);
  context.output.result({
    json: () => ({
      username: user.username,
      role: user.role,
      state: user.state,
      lastSeen: seenMs === undefined ? null : isoTime(seenMs),
      addresses,
      days,
    }),
    text: () => [headText(user, addresses), daysText(days)].join('\n\n'),
  });
  return undefined;
};

function lastSeenMs({ devices }: ShownUser): number | undefined {
  const seen = devices.flatMap((device) => (device.lastSeenMs === null ? [] : [device.lastSeenMs]));
  return seen.length === 0 ? undefined : Math.max(...seen);
}

function headText(user: ShownUser, addresses: readonly string[]): string {
  const seenMs = lastSeenMs(user);
  return table([
    ['username', user.username],
    ['role', user.role],
    ['state', user.state],
    ['last seen', seenMs === undefined ? 'never' : formatTime(seenMs)],
    ['addresses', addresses.length === 0 ? '-' : addresses.join(', ')],
  ]);
}

function daysText(days: readonly Readonly<ActivityDay>[]): string {
  if (days.length === 0) return 'nothing in the log in this time';
  return table([
    ['day', 'connections', 'refused', 'runs', 'failed', 'no end', 'sent', 'fetched', 'commits', 'sharing', 'denied'],
    ...days.map((day) => [
      day.day,
      String(day.connections),
      String(day.refused),
      String(day.runs),
      String(day.failedRuns),
      String(day.unfinishedRuns),
      formatSize(day.sentBytes),
      formatSize(day.fetchedBytes),
      String(day.commits),
      String(day.sharing),
      String(day.denied),
    ]),
  ]);
}
