import { CofferError, equalBytes } from '@coffer/core';
import { ConflictList, joinPath, resolveConflict, showPath } from '@coffer/sync';
import type { ListedConflict } from '@coffer/sync';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { jobsFolder, openHome } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['list', 'resolve']).default('list'), Text.optional()]),
  options: z.strictObject({ keep: z.enum(['mine', 'theirs', 'both']).optional() }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [action, path] = args;
  if (action === 'resolve') return resolve(context, { path, keep: options.keep });
  if (path !== undefined || options.keep !== undefined) throw usage('`conflicts list` takes no path and no --keep');
  return list(context);
};

/** A conflict with its names as paths of the vault. */
interface Shown {
  readonly conflict: ListedConflict;
  readonly path: string;
  readonly copy: string;
}

async function list(context: CommandContext): Promise<undefined> {
  const shown = await ofThisVault(context);
  context.output.result({
    json: () =>
      shown.map(({ conflict, path, copy }) => ({
        path,
        copy,
        mine: conflict.mine,
        local: showPath(conflict.job.root),
        at: isoTime(conflict.atMs),
      })),
    text: () => table(shown.map(({ conflict, path, copy }) => [formatTime(conflict.atMs), path, copy])),
  });
  return undefined;
}

async function resolve(
  context: CommandContext,
  { path, keep }: { readonly path: string | undefined; readonly keep: 'mine' | 'theirs' | 'both' | undefined },
): Promise<undefined> {
  if (path === undefined || keep === undefined) throw usage('say which conflict and what to keep');
  const { conflict, ...names } = found(await ofThisVault(context), path);
  await resolveConflict({ stateDirectory: jobsFolder(context), conflict, keep });
  context.output.result({
    json: () => ({ ...names, kept: keep }),
    text: () => (keep === 'both' ? `${names.path}: both stay` : `${names.path}: resolved; the next sync carries it on`),
  });
  return undefined;
}

/** By either of its two names; one name may have several conflicts. @throws NOT_FOUND, INVALID */
function found(shown: readonly Shown[], path: string): Shown {
  const named = shown.filter((one) => one.path === path || one.copy === path);
  const [first, ...more] = named;
  if (first === undefined) {
    throw new CofferError('NOT_FOUND', `${path} has no conflict`, { hint: 'See them with `coffer conflicts`.' });
  }
  if (more.length === 0) return first;
  throw new CofferError('INVALID', `${path} has ${named.length} conflicts`, {
    hint: 'Name one of its copies instead; see them with `coffer conflicts`.',
  });
}

async function ofThisVault(context: CommandContext): Promise<readonly Shown[]> {
  await using home = await openHome(context);
  const { id } = home.vault;
  using conflicts = ConflictList.openExisting(jobsFolder(context));
  const own = (conflicts?.all() ?? []).filter(({ job }) => equalBytes(job.vault, id));
  return own.map((conflict) => {
    const inVault = (path: string): string => `/${showPath(joinPath(conflict.job.path, path))}`;
    return { conflict, path: inVault(conflict.path), copy: inVault(conflict.copy) };
  });
}

function usage(message: string): CofferError {
  return new CofferError('INVALID', message, { hint: 'coffer conflicts resolve PATH --keep mine|theirs|both' });
}
