import { dayMs, formatSize, timestampToMs } from '@coffer/core';
import { displayName as nameText, splitPath } from '@coffer/client';
import type { DeletedEntry, Entry, EntryName, TreeReader } from '@coffer/client';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { entryView, isoTime, modeText } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime, parseOptionalTime } from '../time.ts';
import { displayName, displayPath, requireEntry } from '../vault-paths.ts';

const schemas = {
  args: z.tuple([Text.default('/')]),
  options: z.strictObject({ long: Flag, recursive: Flag, deleted: Flag, at: Text.optional() }),
};

type Options = z.output<(typeof schemas)['options']>;

interface Listed {
  readonly path: readonly EntryName[];
  readonly entry: Entry;
}

/** The past is listed from what this device has folded; only the present needs the server. */
export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const atMs = parseOptionalTime(options.at, context.clock);
  await using home = await openHome(context);
  const isPast = options.deleted || atMs !== undefined;
  const { tree: now } = isPast ? (await home.known(atMs)).vault : await home.pulled();
  const tree = atMs === undefined ? now : now.at(atMs);
  if (options.deleted) return showRemoved(context, { home, removed: removed(tree, args[0]), long: options.long });
  const listed = [...list(tree, args[0], options.recursive)];
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

function removed(tree: TreeReader, text: string): DeletedEntry[] {
  const prefix = splitPath(text);
  return tree
    .deleted()
    .filter(({ path }) => prefix.every((name, index) => path[index] !== undefined && nameText(path[index]) === name));
}

interface Removed {
  readonly home: HomeSession;
  readonly removed: readonly DeletedEntry[];
  readonly long: boolean;
}

function showRemoved(context: CommandContext, { home, removed: gone, long }: Removed): undefined {
  const nowMs = context.clock.nowMs();
  const { policy, isSet } = home.vault.history.policyAt(nowMs);
  const rows = gone.map((entry) => ({ entry, untilMs: entry.removedAtMs + policy.trashDays * dayMs }));
  context.output.result({
    json: () =>
      rows.map(({ entry, untilMs }) => ({
        ...entryView(entry.path, entry),
        removedAt: isoTime(entry.removedAtMs),
        keptUntil: isoTime(untilMs),
        state: untilMs <= nowMs ? 'expired' : 'kept',
      })),
    text: () =>
      table(
        rows.map(({ entry, untilMs }) => [
          ...(long ? attributes(entry) : []),
          `removed ${formatTime(entry.removedAtMs)}`,
          untilMs <= nowMs ? `expired ${formatTime(untilMs)}` : `kept until ${formatTime(untilMs)}`,
          shownName({ path: entry.path, entry }, { recursive: true }),
        ]),
      ),
  });
  if (!isSet && rows.length > 0)
    context.output.note(`kept for ${policy.trashDays} days, unless the server has another default: coffer policy show`);
  return undefined;
}

function shownName({ path, entry }: Listed, { recursive }: Pick<Options, 'recursive'>): string {
  const name = recursive ? displayPath(path) : displayName(entry.name);
  return entry.kind === 'directory' ? `${name}/` : name;
}

function longList(listed: readonly Listed[], options: Options): string {
  const rows = listed.map((item) => {
    const { entry } = item;
    const target = entry.target === undefined ? '' : ` -> ${displayName(entry.target)}`;
    return [...attributes(entry), shownName(item, options) + target];
  });
  return table(rows);
}

function attributes(entry: Entry): readonly string[] {
  const size = entry.kind === 'file' ? formatSize(entry.size) : '-';
  const version = entry.kind === 'file' ? `v${entry.version}` : '';
  return [modeText(entry), size, formatTime(timestampToMs(entry.mtime)), version];
}
