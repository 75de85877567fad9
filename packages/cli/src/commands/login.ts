import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { CofferError, fromHex, toHex } from '@coffer/core';
import { login } from '@coffer/client';
import type { LoginInfo, LoginTarget, Trust } from '@coffer/client';
import { parseInvite } from '@coffer/protocol';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { confirm, readPassword } from '../prompt.ts';
import { safeText } from '../safe-text.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({
    passwordStdin: Flag,
    deviceName: z.string().min(1).max(64).optional(),
    keystore: z.enum(['password', 'keyring', 'file']).default('password'),
    ca: Text.optional(),
    pin: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, '64 hex digits')
      .optional(),
    trustFirstUse: Flag,
  }),
};

type Options = z.output<(typeof schemas)['options']>;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const { target, trust } = await whereTo(context, { text: args[0], options });
  const password = await readPassword(context, {
    // An invite may come from anybody.
    prompt: safeText(`Password of ${target.username} at ${target.host}: `),
    fromStdin: options.passwordStdin,
  });
  const info = await login({
    profile: openProfile(context),
    target,
    password,
    keystore: options.keystore,
    trust,
    deviceName: options.deviceName ?? (hostname().slice(0, 64) || 'device'),
    signal: context.signal,
  });
  context.output.result({
    json: () => ({
      username: info.username,
      device: info.deviceName,
      server: info.server,
      role: info.role,
      createdHome: info.createdHome,
    }),
    text: () => loginText(info),
  });
  return undefined;
};

/** A server that hides the home vault makes a login create a second, empty one: only the person can tell. */
function loginText({ username, server, deviceName, createdHome }: LoginInfo): string {
  const lines = [`signed in as ${username} at ${server}; this device is "${deviceName}"`];
  if (createdHome) lines.push(firstLogin);
  return lines.map(safeText).join('\n');
}

const firstLogin =
  'This made the home vault of the account: it is empty. If the account had files before, stop and ask the administrator: the server hides them.';

async function whereTo(
  context: CommandContext,
  { text, options }: { readonly text: string; readonly options: Options },
): Promise<{ readonly target: LoginTarget; readonly trust: Trust }> {
  const { target, trust } = parseInviteOrTarget(text);
  return { target, trust: trust ?? (await chooseTrust(context, options)) };
}

/** An invite says which key the server has; an address does not. @throws INVALID */
export function parseInviteOrTarget(text: string): {
  readonly target: LoginTarget;
  readonly trust: Trust | undefined;
} {
  if (!text.startsWith('coffer1-')) return { target: parseTarget(text), trust: undefined };
  const invite = parseInvite(text);
  if (invite.username === undefined) throw new CofferError('INVALID', 'this invite names no account');
  return {
    target: { host: invite.host, port: invite.port, username: invite.username },
    trust: { kind: 'pin', pin: invite.pin, ...(invite.authority && { authority: invite.authority }) },
  };
}

const defaultPort = 7443;

/** `USER@HOST[:PORT]`, an IPv6 address in brackets. @throws INVALID */
export function parseTarget(text: string): LoginTarget {
  const match = /^([^@\s]{1,64})@(?:\[([0-9a-fA-F:.]+)\]|([^\s:@[\]]{1,255}))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[4] ?? defaultPort);
  const host = match?.[2] ?? match?.[3];
  if (match?.[1] === undefined || host === undefined || port < 1 || port > 65_535) {
    throw new CofferError('INVALID', `"${text.slice(0, 80)}" is neither an invite nor USER@HOST[:PORT]`, {
      hint: 'An invite starts with coffer1-; otherwise write alice@vault.example.',
    });
  }
  return { username: match[1], host, port };
}

async function chooseTrust(context: CommandContext, options: Options): Promise<Trust> {
  if (options.pin !== undefined) return { kind: 'pin', pin: fromHex(options.pin.toLowerCase()) };
  if (options.ca !== undefined) return { kind: 'ca', certificate: await readCa(options.ca) };
  return { kind: 'firstUse', accept: (pin) => acceptPin(context, { pin, accepted: options.trustFirstUse }) };
}

async function acceptPin(
  context: CommandContext,
  { pin, accepted }: { readonly pin: Uint8Array; readonly accepted: boolean },
): Promise<boolean> {
  const key = `The server's public key (SHA-256): ${toHex(pin)}`;
  if (accepted) {
    context.output.note(key);
    return true;
  }
  // `--yes` answers what is asked for safety's sake only, and a note is silent with `--json`: a key is trusted by its own flag or by eye.
  const globals = { ...context.globals, yes: false };
  return confirm({ ...context, globals }, `${key}\nIs this what the administrator told you?`);
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CofferError('NOT_FOUND', `the CA certificate ${path} cannot be read`, { cause });
  }
}
