import type { Entry, EntryName, Place, Vault } from '@coffer/client';
import { formatSize } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { displayPath, requireEntry } from '../vault-paths.ts';

const schemas = {
  args: z.tuple([Text.default('/')]),
  options: z.strictObject({ sample: z.coerce.number().gt(0).max(100).default(100) }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path: inside } = await session.at(args[0]);
  const start = requireEntry(home.vault.tree, inside, args[0]);
  using progress = new Progress(context.output, context.clock);
  const done = { files: 0, bytes: 0 };
  const problems: { readonly path: string; readonly code: string; readonly message: string }[] = [];
  for (const { vault, entry, shown } of await verified(context, { session, home, start })) {
    const onProgress = ({ files, bytes }: typeof done): void =>
      progress.update({ phase: 'verifying', filesDone: done.files + files, bytesDone: done.bytes + bytes });
    const report = await vault.verify([entry], { samplePercent: options.sample, onProgress }, context.signal);
    done.files += report.files;
    done.bytes += report.bytes;
    for (const { path, error } of report.problems)
      problems.push({ path: displayPath(shown(path)), code: error.code, message: error.message });
  }
  progress[Symbol.dispose]();
  context.output.result({
    json: () => ({ ...done, damaged: problems }),
    text: () =>
      [
        ...problems.map(({ path, message }) => `damaged: ${path}: ${message}`),
        `${done.files} files, ${formatSize(done.bytes)} checked, ${problems.length} damaged`,
      ].join('\n'),
  });
  if (problems.length > 0) context.output.note(whatToDo);
  return problems.length > 0 ? exitCodes.integrity : undefined;
};

interface Verified {
  readonly vault: Vault;
  readonly entry: EntryId;
  readonly shown: Place['shown'];
}

/** The entry, and what the account shares below it: a mount is a vault of its own. */
async function verified(
  { signal, output }: CommandContext,
  { session, home, start }: { readonly session: HomeSession; readonly home: HomeSession; readonly start: Entry },
): Promise<readonly Verified[]> {
  const own = { vault: home.vault, entry: start.entry, shown: (names: readonly EntryName[]) => home.shown(names) };
  if (home.vault !== session.vault) return [own];
  const names = home.vault.tree.path(start.entry) ?? [];
  if (session.account.info.scope === 'worker') {
    const holdsShare = [...home.vault.tree.walk(start.entry)].some(({ entry }) => entry.kind === 'mount');
    if (holdsShare) output.warn('what is shared is left out: this unattended device does not serve it');
    return [own];
  }
  const mounts = await session.account.places.mountsBelow(names, signal);
  return [
    own,
    ...mounts.map(({ place: { vault, shown, names: inside } }) => ({
      vault,
      shown,
      entry: vault.tree.lookup(inside)?.entry ?? vault.tree.root().entry,
    })),
  ];
}

const whatToDo = `hint: Run coffer sync on a device that still has these files: it sends again what the server has lost. Older
hint: versions may be whole (coffer versions). Tell the administrator to run coffer admin check --read-data.`;
