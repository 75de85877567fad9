import { readFile } from 'node:fs/promises';
import { CofferError, fromHex, toHex } from '@coffer/core';
import type { LoginTarget, Trust } from '@coffer/client';
import { parseInvite } from '@coffer/protocol';
import type { Invite } from '@coffer/protocol';
import { z } from 'zod';
import { Flag, Text } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { confirm } from './prompt.ts';

/** How a server is recognised at first sight, as options of a command. */
export const trustOptions = {
  ca: Text.optional(),
  pin: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, '64 hex digits')
    .optional(),
  trustFirstUse: Flag,
};

export interface TrustOptions {
  readonly ca?: string | undefined;
  readonly pin?: string | undefined;
  readonly trustFirstUse: boolean;
}

/** Where a person signs in or registers. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** Undefined when neither an invite nor the person named one. */
  readonly username: string | undefined;
  readonly trust: Trust;
  /** Of an invite that lets its holder register. */
  readonly token: Uint8Array | undefined;
}

/** An invite, or `[USER@]HOST[:PORT]` with what says whom to trust. @throws INVALID, NOT_FOUND */
export async function placeOf(context: CommandContext, text: string, options: TrustOptions): Promise<Place> {
  if (text.startsWith('coffer1-')) return placeOfInvite(parseInvite(text));
  return { ...parsePlace(text), token: undefined, trust: await chooseTrust(context, options) };
}

function placeOfInvite({ host, port, username, pin, authority, token }: Invite): Place {
  return { host, port, username, token, trust: { kind: 'pin', pin, ...(authority && { authority }) } };
}

/** As {@link placeOf}, for an account that exists. @throws INVALID when nobody is named */
export async function accountPlaceOf(
  context: CommandContext,
  text: string,
  options: TrustOptions,
): Promise<{ readonly target: LoginTarget; readonly trust: Trust }> {
  const { target, trust } = parseInviteOrTarget(text);
  return { target, trust: trust ?? (await chooseTrust(context, options)) };
}

/** An invite says which key the server has; an address does not. @throws INVALID, also when no account is named */
function parseInviteOrTarget(text: string): { readonly target: LoginTarget; readonly trust: Trust | undefined } {
  const { host, port, username, trust, token } = parsePlaceOrInvite(text);
  if (username !== undefined) return { target: { host, port, username }, trust };
  if (token === undefined) throw notATarget(text);
  throw new CofferError('INVALID', 'this invite names no account', {
    hint: 'Register with it first: coffer register INVITE --username NAME.',
  });
}

/** The same, whether somebody is named or not. @throws INVALID */
export function parsePlaceOrInvite(text: string): Omit<Place, 'trust'> & { readonly trust: Trust | undefined } {
  if (text.startsWith('coffer1-')) return placeOfInvite(parseInvite(text));
  return { ...parsePlace(text), trust: undefined, token: undefined };
}

const defaultPort = 7443;

/** `[USER@]HOST[:PORT]`, an IPv6 address in brackets. @throws INVALID */
function parsePlace(text: string): Pick<Place, 'host' | 'port' | 'username'> {
  const match = /^(?:([^@\s]{1,64})@)?(?:\[([0-9a-fA-F:.]+)\]|([^\s:@[\]]{1,255}))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[4] ?? defaultPort);
  const host = match?.[2] ?? match?.[3];
  if (host === undefined || port < 1 || port > 65_535) throw notATarget(text);
  return { username: match?.[1], host, port };
}

function notATarget(text: string): CofferError {
  return new CofferError('INVALID', `"${text.slice(0, 80)}" is neither an invite nor USER@HOST[:PORT]`, {
    hint: 'An invite starts with coffer1-; otherwise write alice@vault.example.',
  });
}

async function chooseTrust(context: CommandContext, options: TrustOptions): Promise<Trust> {
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
