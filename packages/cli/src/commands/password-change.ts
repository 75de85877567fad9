import type { Account, PasswordChange, PasswordPair } from '@coffer/client';
import { isCofferError } from '@coffer/core';
import { z } from 'zod';
import { Flag, parseInput } from '../arguments.ts';
import { requireFullDevice, signedInAccount } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { chooseNewPassword } from '../new-password.ts';
import { readPassword } from '../prompt.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ passwordStdin: Flag, generate: Flag }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  // Asked once, also where it opens the keys of this device.
  let asked: Promise<string> | undefined;
  const current = (): Promise<string> => (asked ??= readPassword(context, currentPassword));
  await using account = await signedInAccount(context, { unlock: current });
  requireFullDevice(account);
  await current();
  const chosen = await chooseNewPassword(context, { ...options, variable: 'COFFER_NEW_PASSWORD_FILE' });
  const { inForce, escrow } = await change(context, { account, current: await current(), next: chosen.password });
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

const currentPassword = { prompt: 'Current password: ', fromStdin: false } as const;

/** A machine whose keys open with a former password knows that one; the account has another, which is asked for then. */
async function change(
  context: CommandContext,
  { account, current, next }: PasswordPair & { readonly account: Account },
): Promise<PasswordChange> {
  const { signal, streams, env } = context;
  try {
    return await account.credentials.changePassword({ current, next }, signal);
  } catch (error) {
    const isAsked = streams.stdin.isTTY && (env['COFFER_PASSWORD_FILE'] ?? '') === '';
    if (!isCofferError(error, 'REFUSED') || !isAsked) throw error;
    context.output.note('that is not the password of the account');
    return await account.credentials.changePassword(
      { current: await readPassword(context, currentPassword), next },
      signal,
    );
  }
}
