import { register } from '@coffer/client';
import type { RegisterInfo } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { Flag, parseInput, Text, Username } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command } from '../context.ts';
import { placeOf, trustOptions } from '../login-target.ts';
import { chooseNewPassword } from '../new-password.ts';
import { defaultDeviceName, loginText } from './login.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({
    username: Username.optional(),
    passwordStdin: Flag,
    generate: Flag,
    recovery: z.boolean().default(true),
    deviceName: z.string().min(1).max(64).optional(),
    keystore: z.enum(['password', 'keyring', 'file']).default('password'),
    ...trustOptions,
  }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const { host, port, trust, token, ...place } = await placeOf(context, args[0], options);
  const username = options.username ?? place.username;
  if (username === undefined) {
    throw new CofferError('INVALID', 'a name for the account is missing', { hint: 'Give it with --username.' });
  }
  const profile = openProfile(context);
  const chosen = await chooseNewPassword(context, { ...options, variable: 'COFFER_PASSWORD_FILE' });
  const info = await register({
    profile,
    target: { host, port, username },
    password: chosen.password,
    keystore: options.keystore,
    trust,
    token,
    escrow: options.recovery,
    deviceName: options.deviceName ?? defaultDeviceName(),
    signal: context.signal,
  });
  const password = chosen.generated ? chosen.password : undefined;
  context.output.result({
    json: () => ({
      username: info.username,
      device: info.deviceName,
      server: info.server,
      role: info.role,
      recovery: info.escrow,
      ...(password !== undefined && { password }),
    }),
    text: () => registerText(info, password),
  });
  if (!info.escrow)
    context.output.warn('there is no recovery key for this account: without the password its data is lost');
  return undefined;
};

function registerText(info: RegisterInfo, password: string | undefined): string {
  // A new account has a new home; nothing can be hidden from it.
  const lines = [loginText({ ...info, createdHome: false })];
  if (password !== undefined) lines.push(`password  ${password}`, 'It is shown only now.');
  return lines.join('\n');
}
