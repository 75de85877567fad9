import { finishReset, resetStatus } from '@coffer/client';
import type { ResetStatus } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { Flag, parseInput } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { chooseNewPassword } from '../new-password.ts';
import { safeText } from '../safe-text.ts';
import { formatTime } from '../time.ts';
import { wordRows } from '@coffer/client';
import { defaultDeviceName, loginText } from './login.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    passwordStdin: Flag,
    generate: Flag,
    deviceName: z.string().min(1).max(64).optional(),
    keystore: z.enum(['password', 'keyring', 'file']).default('password'),
  }),
};

type Options = z.output<(typeof schemas)['options']>;

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const profile = openProfile(context);
  const status = await resetStatus({ profile, signal: context.signal });
  if (status === undefined) {
    throw new CofferError('NOT_FOUND', 'this machine asked for no new password', {
      hint: 'Ask first: coffer password reset-request USER@HOST, or with an invite.',
    });
  }
  const isDue = status.state === 'approved' && (status.activeAtMs ?? Infinity) <= context.clock.nowMs();
  if (isDue) return await finish(context, options);
  if (status.state === 'open' || status.state === 'approved') return show(context, status);
  throw new CofferError(status.state === 'expired' ? 'EXPIRED' : 'CONFLICT', overText(status), {
    hint: 'Ask again: coffer password reset-request.',
    retryable: false,
  });
};

function overText({ state, reason }: ResetStatus): string {
  const why = reason === '' ? '' : `: ${reason}`;
  return `the request of this machine is ${state}${why}`;
}

function show(context: CommandContext, status: ResetStatus): undefined {
  const { state, username, server, words, activeAtMs } = status;
  context.output.result({
    json: () => ({ state, username, server, words, activeAtMs: activeAtMs ?? null }),
    text: () =>
      activeAtMs === undefined
        ? [
            safeText(`${username} at ${server}: the administrator has not decided yet. The words:`),
            ...wordRows(words),
          ].join('\n')
        : safeText(`${username} at ${server}: approved; run this again from ${formatTime(activeAtMs)} on`),
  });
  return undefined;
}

async function finish(context: CommandContext, options: Options): Promise<undefined> {
  const chosen = await chooseNewPassword(context, { ...options, variable: 'COFFER_NEW_PASSWORD_FILE' });
  const info = await finishReset({
    profile: openProfile(context),
    password: chosen.password,
    keystore: options.keystore,
    deviceName: options.deviceName ?? defaultDeviceName(),
    signal: context.signal,
  });
  const password = chosen.generated ? chosen.password : undefined;
  context.output.result({
    json: () => ({
      state: 'done',
      username: info.username,
      device: info.deviceName,
      server: info.server,
      role: info.role,
      recovery: info.escrow,
      ...(password !== undefined && { password }),
    }),
    text: () =>
      [
        loginText(info),
        'The new password is in force; revoke devices that you have lost.',
        ...(password === undefined ? [] : [`password  ${password}`, 'It is shown only now.']),
      ].join('\n'),
  });
  return undefined;
}
