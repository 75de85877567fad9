import { requestReset } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command } from '../context.ts';
import { accountPlaceOf, trustOptions } from '../login-target.ts';
import { safeText } from '../safe-text.ts';
import { wordRows } from '../word-rows.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject(trustOptions) };

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  // First, since nothing can be promised.
  context.output.note(
    'Only the recovery key of the administrator can help. If the account was made without it, its data cannot be read without the password by anybody, and this changes nothing.\n',
  );
  const { target, trust } = await accountPlaceOf(context, args[0], options);
  const profile = openProfile(context);
  const asked = await requestReset({ profile, target, trust, signal: context.signal });
  context.output.result({
    json: () => asked,
    text: () =>
      [
        safeText(`Call the administrator of ${asked.server}, by voice, as ${asked.username}, and read these words:`),
        '',
        ...wordRows(asked.words),
        '',
        'They see the same. After their approval run `coffer password reset` on this machine; unless they know you in person, it works a day later.',
        'Every device of the account is told, and can cancel it.',
      ].join('\n'),
  });
  return undefined;
};
