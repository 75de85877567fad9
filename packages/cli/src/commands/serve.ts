import { serve } from '@coffer/server';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { serverConfig } from '../server-config.ts';

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

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const load = () => serverConfig(context, { file: options.config, flags: flagsOf(options) });
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

function flagsOf(options: z.output<(typeof schemas)['options']>) {
  return {
    'listen.host': options.host,
    'listen.port': options.port,
    'storage.path': options.storage,
    'certs.path': options.certs,
    'logs.path': options.logs,
  };
}
