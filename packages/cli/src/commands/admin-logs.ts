import { hourMs } from '@coffer/core';
import { auditCategories } from '@coffer/server';
import { z } from 'zod';
import { storageFolder } from '../admin-place.ts';
import { Flag, parseInput, Text, Username } from '../arguments.ts';
import { logLineText } from '../audit-text.ts';
import type { Command } from '../context.ts';
import { loggedLines } from '../logged-lines.ts';
import { parseTime } from '../time.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    category: z.array(z.enum(auditCategories)).max(auditCategories.length).optional(),
    account: Username.optional(),
    since: Text.optional(),
    follow: Flag,
    storage: Text.optional(),
    logs: Text.optional(),
  }),
};

/** What is shown when no time is given. */
const defaultMs = 24 * hourMs;

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const nowMs = context.clock.nowMs();
  const place = { storage: storageFolder(context, options.storage), logs: options.logs };
  const lines = loggedLines(context, place, {
    categories: options.category ?? [],
    username: options.account,
    sinceMs: options.since === undefined ? nowMs - defaultMs : parseTime(options.since, nowMs),
    follow: options.follow,
  });
  for await (const { text, nameOf } of lines) {
    // One line each as they come: `--json` shows what stands in the log, in JSON's own escapes.
    context.output.result({ json: () => jsonOf(text), text: () => logLineText(text, nameOf) });
  }
  return undefined;
};

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { unreadable: text };
  }
}
