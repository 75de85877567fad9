import { z } from 'zod';
import { Flag, parseInput } from '../arguments.ts';
import { requireFullDevice, signedInAccount } from '../compose.ts';
import type { Command } from '../context.ts';
import { chooseNewPassword } from '../new-password.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ passwordStdin: Flag, generate: Flag }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  await using account = await signedInAccount(context);
  requireFullDevice(account);
  const chosen = await chooseNewPassword(context, { ...options, variable: 'COFFER_NEW_PASSWORD_FILE' });
  const { inForce, escrow } = await account.credentials.changePassword(chosen.password, context.signal);
  const password = chosen.generated ? chosen.password : undefined;
  const state = inForce ? 'in force' : 'requested';
  context.output.result({
    json: () => ({
      state: inForce ? 'in-force' : 'requested',
      recovery: escrow,
      ...(password !== undefined && { password }),
    }),
    text: () =>
      [
        inForce
          ? 'the new password is in force; sessions of other devices have ended'
          : 'an administrator decides upon it; until then sign in with the old password (see `coffer password requests`)',
        ...(password === undefined ? [] : [`password  ${password}`, 'It is shown only now.']),
      ].join('\n'),
  });
  if (!escrow)
    context.output.warn(`the password ${state} has no recovery key: without it the data of the account is lost`);
  return undefined;
};
