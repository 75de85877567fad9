import { extname } from 'node:path';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
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
  const found = [...tree.find(args[0])].filter(({ entry }) => {
    if (wanted === undefined) return true;
    return entry.kind === 'file' && wanted.has(extname(displayName(entry.name)).slice(1).toLowerCase());
  });
  context.output.result({
    json: () => found.map(({ path, entry }) => entryView(path, entry)),
    text: () => found.map(({ path }) => displayPath(path)).join('\n'),
  });
  return undefined;
};
