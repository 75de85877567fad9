import { resolve } from 'node:path';
import type { CommandContext } from './context.ts';

const variables = { storage: 'COFFER_STORAGE_PATH', certs: 'COFFER_CERTS_PATH' } as const;
const defaults = { storage: 'server-storage', certs: 'certs' } as const;

/** A folder of the server: flag, environment, or the development default below the working directory. Absolute. */
export function folderOf(
  context: CommandContext,
  { given, name }: { readonly given: string | undefined; readonly name: keyof typeof defaults },
): string {
  return resolve(context.cwd, given ?? context.env[variables[name]] ?? defaults[name]);
}
