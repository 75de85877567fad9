import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadServerConfig, serve } from '@coffer/server';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    config: Text.optional(),
    host: Text.optional(),
    port: z.coerce.number().int().min(0).max(65_535).optional(),
    storage: Text.optional(),
    certs: Text.optional(),
    logs: Text.optional(),
  }),
};

/** Read when there is one and no other is named (CONFIG §Server). */
const defaultConfig = 'coffer.yaml';

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const load = async () => (await loadServerConfig(sources(context, options))).config;
  await serve({
    config: await load(),
    reload: load,
    ready: (address) =>
      context.output.result({ json: () => ({ listening: address }), text: () => `listening on ${address}` }),
    warn: (text) => context.output.warn(text),
    signal: context.signal,
  });
  return undefined;
};

function sources(context: CommandContext, options: z.output<(typeof schemas)['options']>) {
  const file = options.config ?? (existsSync(resolve(context.cwd, defaultConfig)) ? defaultConfig : undefined);
  return {
    ...(file !== undefined && { file: resolve(context.cwd, file) }),
    environment: context.env,
    flags: {
      'listen.host': options.host,
      'listen.port': options.port,
      'storage.path': options.storage,
      'certs.path': options.certs,
      'logs.path': options.logs,
    },
  };
}
