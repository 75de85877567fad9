import { resolve } from 'node:path';
import { CofferError } from '@coffer/core';
import type { Command as CommanderCommand } from 'commander';
import { z } from 'zod';
import type { Globals } from './context.ts';

/** Every command takes these, before and after its name (CLI §Global). */
export function addGlobalOptions(command: CommanderCommand): void {
  command
    .optionsGroup('Global options:')
    .option('--profile <name>', 'which account of yours on this machine (default "default")')
    .option('--home <folder>', 'folder of state and keys (also COFFER_HOME)')
    .option('--json', 'one JSON document on stdout instead of text')
    .option('-q, --quiet', 'no messages, only results')
    .option('-v, --verbose', 'say more')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .option('--yes', 'answer yes to every question')
    .optionsGroup('Options:');
}

const ProfileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dot, dash and underscore, 64 at most');

const HomeFolder = z.string().min(1).max(4096).optional();

/** Flag before environment before default; a flag after the command counts before one in front of it. @throws INVALID */
export function readGlobals(
  command: CommanderCommand,
  machine: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly cwd: string;
    /** The platform's folder for data of programs. */
    readonly dataFolder: string;
  },
): Globals {
  const chain: Record<string, unknown>[] = [];
  for (let at: CommanderCommand | null = command; at !== null; at = at.parent) chain.push(at.opts());
  const first = (name: string): unknown => chain.find((options) => options[name] !== undefined)?.[name];
  const profile = ProfileName.safeParse(first('profile') ?? machine.env['COFFER_PROFILE'] ?? 'default');
  if (!profile.success)
    throw new CofferError('INVALID', `--profile: ${profile.error.issues[0]?.message ?? 'not valid'}`);
  const home = HomeFolder.safeParse(first('home') ?? (machine.env['COFFER_HOME'] || undefined));
  if (!home.success) throw new CofferError('INVALID', '--home: a folder is expected');
  return {
    profile: profile.data,
    home: home.data === undefined ? machine.dataFolder : resolve(machine.cwd, home.data),
    json: first('json') === true,
    quiet: first('quiet') === true,
    yes: first('yes') === true,
    color: chain.every(({ color }) => color !== false),
  };
}
