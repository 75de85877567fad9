import { idKey } from '@coffer/core';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command } from '../context.ts';
import { table } from '../output.ts';

/** From this machine alone: neither the server nor a password is needed. */
export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  const record = openProfile(context).requireRecord();
  const shown = {
    username: record.username,
    account: idKey(record.account),
    device: record.deviceName,
    server: `${record.host}:${record.port}`,
    role: record.role,
  };
  context.output.result({ json: () => shown, text: () => table(Object.entries(shown)) });
  return Promise.resolve(undefined);
};
