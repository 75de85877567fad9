import { isAbsolute, join, resolve } from 'node:path';
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

/** Flag before environment before default; a flag after the command counts before one in front of it. @throws INVALID */
export function readGlobals(
  command: CommanderCommand,
  machine: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly cwd: string;
    readonly userHome: string;
  },
): Globals {
  const chain: Record<string, unknown>[] = [];
  for (let at: CommanderCommand | null = command; at !== null; at = at.parent) chain.push(at.opts());
  const first = (name: string): unknown => chain.find((options) => options[name] !== undefined)?.[name];
  const profile = ProfileName.safeParse(first('profile') ?? machine.env['COFFER_PROFILE'] ?? 'default');
  if (!profile.success)
    throw new CofferError('INVALID', `--profile: ${profile.error.issues[0]?.message ?? 'not valid'}`);
  const home = z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .parse(first('home') ?? machine.env['COFFER_HOME'] ?? undefined);
  return {
    profile: profile.data,
    home: home === undefined ? defaultHome(machine) : resolve(machine.cwd, home),
    json: first('json') === true,
    quiet: first('quiet') === true,
    verbose: first('verbose') === true,
    yes: first('yes') === true,
  };
}

/** The platform's folder for data of programs: XDG, Application Support, or AppData. */
function defaultHome({
  env,
  userHome,
}: {
  env: Readonly<Record<string, string | undefined>>;
  userHome: string;
}): string {
  const xdg = env['XDG_DATA_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'coffer');
  if (process.platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'coffer');
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(userHome, 'AppData', 'Local'), 'coffer');
  return join(userHome, '.local', 'share', 'coffer');
}
