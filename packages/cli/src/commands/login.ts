import { hostname } from 'node:os';
import { login } from '@coffer/client';
import type { LoginInfo, Profile } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { forcePasswordChange } from '../force-password-change.ts';
import { accountPlaceOf, trustOptions } from '../login-target.ts';
import { readPassword } from '../prompt.ts';
import { safeText } from '../safe-text.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({
    passwordStdin: Flag,
    deviceName: z.string().min(1).max(64).optional(),
    keystore: z.enum(['password', 'keyring', 'file']).default('password'),
    serve: z
      .array(z.string().regex(/^[0-9a-f]{8,64}$/, 'not the id of a share'))
      .max(255)
      .default([]),
    ...trustOptions,
  }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const { keystore, serve } = options;
  if (serve.length > 0 && keystore !== 'file')
    throw new CofferError('INVALID', '--serve is for an unattended machine: with --keystore file', {
      hint: 'Any other device has everything that is shared with the account.',
    });
  const { target, trust } = await accountPlaceOf(context, args[0], options);
  const password = await readPassword(context, {
    // An invite may come from anybody.
    prompt: safeText(`Password of ${target.username} at ${target.host}: `),
    fromStdin: options.passwordStdin,
  });
  const profile = openProfile(context);
  const deviceName = options.deviceName ?? defaultDeviceName();
  const info = await login({ profile, target, password, keystore, serve, trust, deviceName, signal: context.signal });
  const isChanged = info.mustChange && (await changed(context, { profile, password, options }));
  context.output.result({
    json: () => ({
      username: info.username,
      device: info.deviceName,
      server: info.server,
      role: info.role,
      createdHome: info.createdHome,
      mustChange: info.mustChange && !isChanged,
      folder: info.folder === '' ? null : info.folder,
    }),
    text: () => loginText(info),
  });
  return undefined;
};

/** What this machine is called when nobody says. */
export function defaultDeviceName(): string {
  return hostname().slice(0, 64) || 'device';
}

/** On a terminal the administrator's password is changed before anything else; a script is only told. */
async function changed(
  context: CommandContext,
  made: {
    readonly profile: Profile;
    readonly password: string;
    readonly options: { readonly passwordStdin: boolean; readonly keystore: string };
  },
): Promise<boolean> {
  const { options } = made;
  const isAsked = !options.passwordStdin && (context.env['COFFER_PASSWORD_FILE'] ?? '') === '';
  if (isAsked && context.streams.stdin.isTTY && options.keystore !== 'file') {
    await forcePasswordChange(context, made);
    return true;
  }
  context.output.warn('an administrator chose this password and knows it: change it with `coffer password change`');
  return false;
}

/** A server that hides the home vault makes a login create a second, empty one: only the person can tell. */
export function loginText({ username, server, deviceName, createdHome, folder }: LoginInfo): string {
  const lines = [`signed in as ${username} at ${server}; this device is "${deviceName}"`];
  if (folder !== '') lines.push(`Meant for the folder ${folder}: coffer sync puts it into the vault.`);
  if (createdHome) lines.push(firstLogin);
  return lines.map(safeText).join('\n');
}

const firstLogin =
  'This made the home vault of the account: it is empty. If the account had files before, stop and ask the administrator: the server hides them.';
