import { requestReset } from '@coffer/client';
import { idKey } from '@coffer/core';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command } from '../context.ts';
import { accountPlaceOf, trustOptions } from '../login-target.ts';
import { safeText } from '../safe-text.ts';
import { wordRows } from '@coffer/client';

const schemas = { args: z.tuple([Text]), options: z.strictObject({ ...trustOptions, again: Flag }) };

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  // First, since nothing can be promised.
  context.output.note(
    'Only the recovery key of the administrator can help. If the account was made without it, its data cannot be read without the password by anybody, and this changes nothing.\n',
  );
  const { target, trust } = await accountPlaceOf(context, args[0], options);
  const profile = openProfile(context);
  const asked = await requestReset({ profile, target, trust, again: options.again, signal: context.signal });
  context.output.result({
    json: () => ({ ...asked, request: idKey(asked.request) }),
    text: () =>
      [
        safeText(`Call the administrator of ${asked.server}, by voice, as ${asked.username}, and read these words:`),
        '',
        ...wordRows(asked.words),
        '',
        `They see the same. If they do not find your request: its id is ${idKey(asked.request)}.`,
        'After their approval run `coffer password reset` on this machine; unless they know you in person, it works a day later.',
        'Every device of the account is told, and can cancel it.',
      ].join('\n'),
  });
  return undefined;
};
