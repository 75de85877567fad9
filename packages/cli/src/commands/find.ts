import { extname } from 'node:path';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import type { EntryName, Place, TreeReader, WalkedEntry } from '@coffer/client';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command } from '../context.ts';
import { entryView } from '../entry-view.ts';
import { displayName, displayPath } from '../vault-paths.ts';

const extensions = {
  image: 'jpg jpeg png gif webp heic heif avif tif tiff bmp svg raw cr2 nef arw dng',
  video: 'mp4 mkv mov avi webm m4v mpg mpeg 3gp',
  audio: 'mp3 flac wav ogg opus m4a aac wma aiff',
  text: 'txt md csv tsv json yaml yml xml log ini toml conf',
  document: 'pdf doc docx odt rtf xls xlsx ods ppt pptx odp epub',
  archive: 'zip tar gz tgz bz2 xz zst 7z rar',
} as const;

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({ contentType: z.enum(Object.keys(extensions) as [keyof typeof extensions]).optional() }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const wanted = options.contentType === undefined ? undefined : new Set(extensions[options.contentType].split(' '));
  await using home = await openHome(context);
  const { tree } = await home.pulled();
  const isWanted = ({ entry }: WalkedEntry): boolean =>
    wanted === undefined ||
    (entry.kind === 'file' && wanted.has(extname(displayName(entry.name)).slice(1).toLowerCase()));
  const found = [...tree.find(args[0])].filter(isWanted);
  for (const place of await allShares(home, context.signal)) {
    const inside = [...place.tree.find(args[0])].filter(isWanted);
    found.push(...inside.map(({ path, entry }) => ({ path: place.shown(path), entry })));
  }
  context.output.result({
    json: () => found.map(({ path, entry }) => entryView(path, entry)),
    text: () => found.map(({ path }) => displayPath(path)).join('\n'),
  });
  return undefined;
};

/** What the account shares itself, and what others share with it. */
async function allShares(
  { account }: HomeSession,
  signal: AbortSignal,
): Promise<readonly { readonly tree: TreeReader; readonly shown: Place['shown'] }[]> {
  if (account.info.scope === 'worker') return [];
  const own = (await account.places.mountsBelow([], signal)).map(({ place }) => place);
  const theirs = await account.shared.list(signal);
  return [
    ...own.map(({ vault, shown }) => ({ tree: vault.tree, shown })),
    ...theirs.map(({ vault, ownerName, name }) => ({
      tree: vault.tree,
      shown: (inside: readonly EntryName[]) => ['Shared', ownerName, name, ...inside.slice(1)],
    })),
  ];
}
