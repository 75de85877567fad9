import { formatSize, timestampToMs } from '@coffer/core';
import { splitPath } from '@coffer/client';
import type { Entry, EntryName, TreeReader } from '@coffer/client';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { entryView, modeText } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime, parseOptionalTime } from '../time.ts';
import { displayName, displayPath, requireEntry } from '../vault-paths.ts';

const schemas = {
  args: z.tuple([Text.default('/')]),
  options: z.strictObject({ long: Flag, recursive: Flag, deleted: Flag, at: Text.optional() }),
};

interface Listed {
  readonly path: readonly EntryName[];
  readonly entry: Entry;
}

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const atMs = parseOptionalTime(options.at, context.clock);
  await using home = await openHome(context);
  const { tree: now } = await home.pulled();
  const tree = atMs === undefined ? now : now.at(atMs);
  const listed = options.deleted ? removed(tree, args[0]) : [...list(tree, args[0], options.recursive)];
  context.output.result({
    json: () => listed.map(({ path, entry }) => entryView(path, entry)),
    text: () => (options.long ? longList(listed, options) : listed.map((item) => shownName(item, options)).join('\n')),
  });
  return undefined;
};

function* list(tree: TreeReader, text: string, recursive: boolean): Iterable<Listed> {
  const start = requireEntry(tree, text);
  const above = tree.path(start.entry) ?? [];
  if (start.kind !== 'directory') {
    yield { path: above, entry: start };
  } else if (recursive) {
    for (const { path, entry } of tree.walk(start.entry))
      if (path.length > 0) yield { path: [...above, ...path], entry };
  } else {
    for (const entry of tree.children(start.entry)) yield { path: [...above, entry.name], entry };
  }
}

function removed(tree: TreeReader, text: string): Listed[] {
  const prefix = splitPath(text);
  return tree
    .deleted()
    .filter(({ path }) => prefix.every((name, index) => path[index] === name))
    .map((entry) => ({ path: entry.path, entry }));
}

type Shown = { readonly recursive: boolean; readonly deleted: boolean };

function shownName({ path, entry }: Listed, options: Shown): string {
  const name = options.recursive || options.deleted ? displayPath(path) : displayName(entry.name);
  return entry.kind === 'directory' ? `${name}/` : name;
}

function longList(listed: readonly Listed[], options: Shown): string {
  const rows = listed.map((item) => {
    const { entry } = item;
    const target = entry.target === undefined ? '' : ` -> ${displayName(entry.target)}`;
    const size = entry.kind === 'file' ? formatSize(entry.size) : '-';
    const version = entry.kind === 'file' ? `v${entry.version}` : '';
    return [modeText(entry), size, formatTime(timestampToMs(entry.mtime)), version, shownName(item, options) + target];
  });
  return table(rows);
}
