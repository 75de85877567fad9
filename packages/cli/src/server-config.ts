import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadServerConfig } from '@coffer/server';
import type { ServerConfig } from '@coffer/server';
import type { CommandContext } from './context.ts';

/** Read when there is one and no other is named (CONFIG §Server). */
const defaultConfig = 'coffer.yaml';

/** The daemon's settings as they are effective for this command. @throws CONFIG */
export async function serverConfig(
  context: CommandContext,
  {
    file,
    flags,
  }: { readonly file: string | undefined; readonly flags: Readonly<Record<string, string | number | undefined>> },
): Promise<ServerConfig> {
  const named = file ?? (existsSync(resolve(context.cwd, defaultConfig)) ? defaultConfig : undefined);
  const sources = {
    ...(named !== undefined && { file: resolve(context.cwd, named) }),
    environment: context.env,
    flags,
  };
  return (await loadServerConfig(sources)).config;
}
