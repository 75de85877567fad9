import { formatSize } from '@coffer/core';
import { storedBytesOf } from '@coffer/client';
import type { Entry } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command } from '../context.ts';
import { table } from '../output.ts';
import { displayPath, requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text.default('/')]), options: z.strictObject({}) };

interface Sum {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** What the server holds for it; content that several files share counts for each. */
  readonly storedBytes: number;
}

/** Sizes of current files, plain and as stored: each folder directly below, then the whole. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path: inside } = await session.at(args[0]);
  const { tree } = home.vault;
  const start = requireEntry(tree, inside, args[0]);
  const below = start.kind === 'directory' ? tree.children(start.entry).filter(({ kind }) => kind === 'directory') : [];
  const sums = [...below, start].map((entry) => sum(home, entry));
  context.output.result({
    json: () => sums,
    text: () =>
      table(
        sums.map(({ path, files, bytes, storedBytes }) => [
          formatSize(bytes),
          `${formatSize(storedBytes)} stored`,
          `${files} files`,
          path,
        ]),
      ),
  });
  return undefined;
};

function sum(home: HomeSession, start: Entry): Sum {
  const { tree } = home.vault;
  let files = 0;
  let bytes = 0;
  let storedBytes = 0;
  for (const { entry } of tree.walk(start.entry)) {
    if (entry.kind !== 'file') continue;
    files += 1;
    bytes += entry.size;
    storedBytes += storedBytesOf(entry.content);
  }
  return { path: displayPath(home.shown(tree.path(start.entry) ?? [])), files, bytes, storedBytes };
}
