import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CofferError } from '@coffer/core';
import { nameToBytes } from '@coffer/client';
import type { Entry, TreeReader } from '@coffer/client';
import { layDownEntries } from '@coffer/sync';
import { z } from 'zod';
import { Count, parseInput, Text, Texts } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { parseTime } from '../time.ts';
import { syncText } from '../transfer-text.ts';
import { isRoot, requireEntry } from '../vault-paths.ts';
import { requireVersion } from '../versions.ts';

const schemas = {
  args: z.tuple([Texts.min(2)]),
  options: z.strictObject({ at: Text.optional(), version: Count.optional() }),
};

/** `PATH... LOCAL`, naming things as `cp -r` does. A local file is replaced only when the new one is whole. */
export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const paths = args[0].slice(0, -1);
  const local = resolve(context.cwd, args[0].at(-1) ?? '.');
  await using home = await openHome(context);
  const { tree: now } = await home.pulled();
  const tree = options.at === undefined ? now : now.at(parseTime(options.at, context.clock.nowMs()));
  const entries = paths.map((path) => requireEntry(tree, path));
  const items = await placeItems({ tree, entries, local, version: options.version });
  using progress = new Progress(context.output, context.clock);
  const report = await layDownEntries({
    vault: home.vault,
    tree,
    items,
    onProgress: (state) => progress.update(state),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  context.output.result({ json: () => report, text: () => syncText(report) });
  return report.failed > 0 ? exitCodes.someFailed : undefined;
};

interface Item {
  readonly entry: Entry;
  /** Absolute; bytes, since names need not be UTF-8. */
  readonly to: Buffer;
}

export async function placeItems(input: {
  readonly tree: TreeReader;
  readonly entries: readonly Entry[];
  readonly local: string;
  readonly version: number | undefined;
}): Promise<Item[]> {
  const { tree, entries, local, version } = input;
  const into = await isDirectory(local);
  if (!into && entries.length > 1) {
    throw new CofferError('NOT_FOUND', `there is no folder ${local}`, { hint: `Make it with: mkdir ${local}` });
  }
  return entries.map((entry) => ({
    entry: version === undefined ? entry : requireVersion(tree, { entry, version }),
    to:
      into && !isRoot(entry)
        ? Buffer.concat([Buffer.from(join(local, '/')), nameToBytes(entry.name)])
        : Buffer.from(local),
  }));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
