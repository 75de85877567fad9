import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { requireFullDevice, signedInAccount } from '../compose.ts';
import type { Command } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['on', 'off'])]),
  options: z.strictObject({ reason: z.string().max(500).default('') }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using account = await signedInAccount(context);
  requireFullDevice(account);
  const { on, sinceMs, reason, endsAtMs } = await account.hold(
    { on: args[0] === 'on', reason: options.reason },
    context.signal,
  );
  context.output.result({
    json: () => ({
      on,
      since: sinceMs === null ? null : isoTime(sinceMs),
      reason,
      endsAt: endsAtMs === null ? null : isoTime(endsAtMs),
    }),
    text: () => {
      if (!on) return 'off';
      if (endsAtMs !== null) return `off from ${formatTime(endsAtMs)} on; until then nothing is dropped`;
      return 'on: no version is dropped, whatever policy and purges say';
    },
  });
  return undefined;
};
