import { CofferError, formatSize } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { cellColors, paint } from '../paint.ts';
import { safeText } from '../safe-text.ts';
import { requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({}) };

/** A screen or two; only as much is shown. */
const previewLines = 60;
/** Sixteen bytes in a row. */
const hexWidth = 80;

/**
 * Text as text; a picture as a picture where there is a terminal to draw it on; everything else as a hex dump of its beginning. Nothing
 * of it can steer the terminal.
 */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0]);
  const { vault } = home;
  const entry = requireEntry(vault.tree, path, args[0]);
  if (entry.kind !== 'file') throw new CofferError('INVALID', `${args[0]} is not a file`);
  // No other command shows what files hold, and all would wait for what draws it.
  const { hexLines, loadContent, pictureLines, previewBytes } = await import('@coffer/tui');
  const draws = context.streams.stdout.isTTY && !context.output.isJson;
  // Rows of a table are lines of text here.
  const content = await loadContent({ vault, entry, extension: '', draws }, context.signal);
  if (content.kind === 'picture') {
    const colors = cellColors(context);
    const drawn = pictureLines(content.picture, { ...screenOf(context), color: colors !== undefined, isBare: false });
    context.output.result({ json: () => undefined, text: () => paint(drawn, colors) });
    return undefined;
  }
  if (content.kind === 'table') throw new TypeError('without an extension nothing is a table');
  const isText = content.kind === 'text';
  const all = isText
    ? content.lines.map(safeText)
    : hexLines(content.bytes, { width: hexWidth, height: content.bytes.byteLength });
  const shown = all.slice(0, previewLines);
  const note = isText ? undefined : content.note;
  const isCut = all.length > shown.length || entry.size > previewBytes;
  context.output.result({
    json: () => ({
      path: args[0],
      size: entry.size,
      text: isText,
      ...(note && { note }),
      lines: shown,
      truncated: isCut,
    }),
    text: () =>
      [...(note === undefined ? [] : [note]), ...shown, ...(isCut ? [`… ${formatSize(entry.size)} in all`] : [])].join(
        '\n',
      ),
  });
  return undefined;
};

/** As much as is in sight at once, with a row for what is typed next. */
function screenOf({ streams: { stdout } }: CommandContext): { readonly width: number; readonly height: number } {
  return { width: stdout.columns, height: Math.max(2, stdout.rows - 2) };
}
