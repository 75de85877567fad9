import { CofferError } from '@coffer/core';
import { readFile } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

/** Bytes go out only after their chunk passed every check. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0]);
  const { vault } = home;
  const entry = requireEntry(vault.tree, path, args[0]);
  if (entry.kind !== 'file') throw new CofferError('INVALID', `${args[0]} is not a file`);
  await readFile({ vault, entry, sink: (bytes) => context.output.bytes(bytes) }, context.signal);
  return undefined;
};
