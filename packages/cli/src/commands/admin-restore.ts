import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CofferError, idKey } from '@coffer/core';
import type { Logger } from '@coffer/core';
import type { Restored } from '@coffer/storage';
import { z } from 'zod';
import { noteWork } from '../admin-place.ts';
import { Count, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { folderOf } from '../folders.ts';
import { confirm } from '../prompt.ts';
import { askAuthorityPassphrase } from '../provision/authority.ts';
import { restoreServer } from '../provision/restore-server.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    storage: Text.optional(),
    backup: Text.optional(),
    generation: Count.optional(),
    reason: z.string().trim().min(1).max(500).default('the server was restored from a backup'),
  }),
};

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = folderOf(context, { given: options.storage, name: 'storage' });
  await agreeToReplace(context, storage);
  const { server, ...restored } = await restoreHere(context, { storage, options });
  const { generation, accounts, vaults, unknownAccounts, setAside } = restored;
  await noteWork(context, { storage, event: 'admin.restore' }, { generation, accounts, vaults });
  if (unknownAccounts > 0)
    context.output.warn(
      `${unknownAccounts} accounts were made after this backup: what they stored cannot be opened any more`,
    );
  if (setAside.commits > 0)
    context.output.warn(
      `${setAside.commits} changes in ${setAside.vaults} shared folders or teams were set aside: they rest on a team or a device that the copy does not hold`,
    );
  context.output.result({
    json: () => ({ server: idKey(server), ...restored }),
    text: () =>
      `restored as generation ${generation}: ${accounts} accounts, ${vaults} vaults\nnext: coffer admin check --read-data --storage DIR, then coffer serve`,
  });
  return undefined;
};

function restoreHere(
  context: CommandContext,
  { storage, options }: { readonly storage: string; readonly options: z.output<typeof schemas.options> },
): Promise<Restored> {
  return restoreServer({
    storage,
    home: context.globals.home,
    backup: options.backup === undefined ? undefined : resolve(context.cwd, options.backup),
    leastGeneration: options.generation,
    reason: options.reason,
    passphrase: () => askAuthorityPassphrase(context),
    clock: context.clock,
    random: context.random,
    logger: loggerTo(context),
    signal: context.signal,
  });
}

/** What stands there may be newer than any backup. */
async function agreeToReplace(context: CommandContext, storage: string): Promise<void> {
  if (!existsSync(join(storage, 'accounts.db'))) return;
  const question =
    'There is an accounts.db in this storage. Put the backup in its place? It is kept under another name.';
  if (await confirm(context, question)) return;
  throw new CofferError('EXISTS', 'this storage has an accounts.db', {
    hint: 'If it is damaged or too old, run the command again with --yes; when only index.db is missing, `coffer admin rebuild-index` is enough.',
  });
}

/** Warnings of the storage are for whoever sits here. */
function loggerTo({ output }: CommandContext): Logger {
  const warn: Logger['warn'] = (_fields, message) => output.warn(message);
  return { debug: () => undefined, info: () => undefined, warn, error: warn };
}
