import { resolve } from 'node:path';
import { CofferError } from '@coffer/core';
import { Option } from 'commander';
import type { Command as CommanderCommand } from 'commander';
import { z } from 'zod';
import type { Globals } from './context.ts';

/** Every command takes these, before and after its name (CLI §Global). */
export function addGlobalOptions(command: CommanderCommand): void {
  command.optionsGroup('Global options:');
  for (const option of globalOptions) command.addOption(option);
  command.optionsGroup('Options:');
}

/** The same for all commands: reading the flags of each anew took as long as all that is particular to them. */
const globalOptions = [
  new Option('--profile <name>', 'which account of yours on this machine (default "default")'),
  new Option('--home <folder>', 'folder of state and keys (also COFFER_HOME)'),
  new Option('--json', 'one JSON document on stdout instead of text'),
  new Option('-q, --quiet', 'no messages, only results'),
  new Option('-v, --verbose', 'say more'),
  new Option('--no-color', 'no colours (also NO_COLOR)'),
  new Option('--yes', 'answer yes to every question'),
];

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
