import { logout } from '@coffer/client';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command } from '../context.ts';
import { readPassword } from '../prompt.ts';

export const run: Command = async (context, input) => {
  parseInput(input, { args: z.tuple([]), options: z.strictObject({}) });
  const profile = openProfile(context);
  profile.requireRecord();
  const { revoked } = await logout({
    profile,
    unlock: () => readPassword(context, { prompt: 'Password: ', fromStdin: false }),
    signal: context.signal,
  });
  context.output.result({
    json: () => ({ revoked }),
    text: () => 'signed out; keys and state are gone from this machine',
  });
  if (!revoked) context.output.warn('the server still lists this device; it holds no keys any more');
  return undefined;
};
