import { dayMs, formatSize, idKey, rootEntry, timestampToMs } from '@coffer/core';
import { displayName as nameText, formatPath, splitPath } from '@coffer/client';
import type { DeletedEntry, Entry, EntryName, SharedFolder, TreeReader } from '@coffer/client';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { entryView, isoTime, modeText } from '../entry-view.ts';
import type { EntryView, ShownEntry } from '../entry-view.ts';
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
  readonly entry: ShownEntry;
}

/** The past is listed from what this device has folded; only the present needs the server. */
export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const atMs = parseOptionalTime(options.at, context.clock);
  await using session = await openHome(context);
  const folder = await session.account.places.sharedFolder(args[0], context.signal);
  if (folder !== undefined) {
    await show(context, await listShared(session, folder, options), options);
    return undefined;
  }
  const isPast = options.deleted || atMs !== undefined;
  const { home, path } = await session.at(args[0], { pull: !isPast, atMs });
  const { tree: now } = isPast ? (await home.known(atMs)).vault : home.vault;
  const tree = atMs === undefined ? now : now.at(atMs);
  if (options.deleted) return showRemoved(context, { home, removed: removed(tree, path), long: options.long });
  const listed = shownIn(home, list(tree, path, { typed: args[0], recursive: options.recursive }));
  await show(context, options.recursive && !isPast ? withMounts(session, listed) : listed, options);
  return undefined;
};

async function show({ output }: CommandContext, listed: AnyIterable<Listed>, options: Options): Promise<void> {
  const json = ({ path, entry }: Listed): EntryView => entryView(path, entry);
  if (!options.long || output.isJson) {
    await output.rows({ rows: listed, json, text: (item) => shownName(item, options) });
    return;
  }
  const all = await Array.fromAsync(listed);
  output.result({ json: () => all.map(json), text: () => longList(all, options) });
}

type AnyIterable<Item> = Iterable<Item> | AsyncIterable<Item>;

/** Paths as the person knows them. */
function* shownIn(home: HomeSession, listed: Iterable<Listed>): Iterable<Listed> {
  for (const { path, entry } of listed) yield { path: home.shown(path), entry };
}

/** What stands in the place of a mount is listed where the mount is. */
async function* withMounts(session: HomeSession, listed: Iterable<Listed>): AsyncIterable<Listed> {
  for (const item of listed) {
    yield item;
    if (item.entry.kind !== 'mount') continue;
    const { home, path } = await session.at(formatPath(item.path));
    const inside = list(home.vault.tree, path, { typed: path, recursive: true });
    for (const one of shownIn(home, inside)) if (one.path.length > item.path.length) yield one;
  }
}

/** `/Shared` and `/Shared/<owner>` stand in no vault: they are made of what others share. */
async function listShared(session: HomeSession, { shares, owner }: SharedFolder, options: Options): Promise<Listed[]> {
  const owners = owner === undefined ? [...new Set(shares.map(({ ownerName }) => ownerName))] : [owner];
  const all: Listed[] = [];
  for (const name of owners) {
    if (owner === undefined) all.push({ path: ['Shared', name], entry: folderEntry(name) });
    if (owner === undefined && !options.recursive) continue;
    for (const share of shares.filter(({ ownerName }) => ownerName === name)) {
      const path = ['Shared', name, share.name];
      all.push({ path, entry: { ...shownEntry(share.entry), name: share.name } });
      if (options.recursive) all.push(...below(share, path));
    }
  }
  for (const { owner: person } of shares) session.warnOf(person);
  return all;
}

function* below({ vault, entry }: SharedFolder['shares'][number], above: readonly EntryName[]): Iterable<Listed> {
  for (const { path, entry: one } of vault.tree.walk(entry.entry))
    if (path.length > 0) yield { path: [...above, ...path], entry: one };
}

function folderEntry(name: string): ShownEntry {
  return {
    key: idKey(rootEntry),
    name,
    kind: 'directory',
    size: 0,
    mtime: [0, 0],
    mode: 0o555,
    version: 1,
    target: undefined,
  };
}

function shownEntry({ key, name, kind, size, mtime, mode, version, target }: Entry): ShownEntry {
  return { key, name, kind, size, mtime, mode, version, target };
}

function* list(
  tree: TreeReader,
  text: string,
  { typed, recursive }: { readonly typed: string; readonly recursive: boolean },
): Iterable<Listed> {
  const start = requireEntry(tree, text, typed);
  const above = tree.path(start.entry) ?? [];
  if (start.kind !== 'directory') {
    yield { path: above, entry: start };
  } else if (recursive) {
    for (const { path, entry } of tree.walk(start.entry))
      if (path.length > 0) yield { path: [...above, ...path], entry };
  } else {
    for (const entry of tree.eachChild(start.entry)) yield { path: [...above, entry.name], entry };
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
        ...entryView(home.shown(entry.path), entry),
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
          shownName({ path: home.shown(entry.path), entry }, { recursive: true }),
        ]),
      ),
  });
  if (!isSet && rows.length > 0)
    context.output.note(`kept for ${policy.trashDays} days, unless the server has another default: coffer policy show`);
  return undefined;
}

function shownName({ path, entry }: Listed, { recursive }: Pick<Options, 'recursive'>): string {
  const name = recursive ? displayPath(path) : displayName(entry.name);
  return entry.kind === 'directory' || entry.kind === 'mount' ? `${name}/` : name;
}

function longList(listed: readonly Listed[], options: Options): string {
  const rows = listed.map((item) => {
    const { entry } = item;
    const target = entry.target === undefined || entry.kind === 'mount' ? '' : ` -> ${displayName(entry.target)}`;
    return [...attributes(entry), shownName(item, options) + target];
  });
  return table(rows);
}

function attributes(entry: ShownEntry): readonly string[] {
  const size = entry.kind === 'file' ? formatSize(entry.size) : '-';
  const version = entry.kind === 'file' ? `v${entry.version}` : '';
  return [modeText(entry), size, formatTime(timestampToMs(entry.mtime)), version];
}
