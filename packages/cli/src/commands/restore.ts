import { resolve } from 'node:path';
import { CofferError } from '@coffer/core';
import type { Entry, TreeReader } from '@coffer/client';
import { z } from 'zod';
import { Count, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { layDownAt } from '../lay-down-at.ts';
import { parseOptionalTime } from '../time.ts';
import { findEntry, requireEntry } from '../vault-paths.ts';
import { requireVersion } from '../versions.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({ version: Count.optional(), at: Text.optional(), to: Text.optional() }),
};

type Options = z.output<(typeof schemas)['options']>;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  if ((options.version === undefined) === (options.at === undefined)) {
    throw new CofferError('INVALID', 'say which one: --version N or --at TIME', {
      hint: 'See them with `coffer versions`.',
    });
  }
  const atMs = parseOptionalTime(options.at, context.clock);
  await using home = await openHome(context);
  const { tree } = await home.pulled();
  const at = atMs === undefined ? tree : tree.at(atMs);
  if (options.to !== undefined) {
    const entries = [requireEntry(at, args[0])];
    const local = resolve(context.cwd, options.to);
    return await layDownAt(context, { home, tree: at, entries, local, version: options.version });
  }
  return await restoreHere(context, { home, at, path: args[0], options });
};

interface Wanted {
  readonly home: HomeSession;
  /** The tree as it was then. */
  readonly at: TreeReader;
  readonly path: string;
  readonly options: Options;
}

/** A folder is restored by --to: which of its present files would have to go is a question for a person. */
async function restoreHere(context: CommandContext, { home, at, path, options }: Wanted): Promise<undefined> {
  const { tree } = home.vault;
  const then = requireEntry(at, path);
  const current = tree.get(then.entry) ?? findEntry(tree, path);
  if (then.kind !== 'file' || current?.kind !== 'file') {
    throw new CofferError('INVALID', `${path} is not a file in the vault now`, {
      hint: 'Write it to a local folder with --to.',
    });
  }
  const version: Entry =
    options.version === undefined ? then : requireVersion(tree, { entry: then, version: options.version });
  if (version.seq === current.seq) throw new CofferError('CONFLICT', 'this version is the current one already');
  await using batch = home.vault.batch();
  await batch.restoreVersion(current.entry, version.seq, context.signal);
  await home.commit(batch);
  const restored = home.vault.tree.get(current.entry);
  context.output.result({
    json: () => ({ path, from: version.version, version: restored?.version ?? null }),
    text: () =>
      `version ${version.version} of ${path} is the current one again, as version ${restored?.version ?? '?'}`,
  });
  return undefined;
}
