import type { CommandContext } from './context.ts';

/** A piece of a line with colours of its own, `#rrggbb`. */
export interface Cell {
  readonly text: string;
  readonly color?: string;
  readonly background?: string;
}

/** Bits of a colour that the terminal on standard output shows: 24 is all of them, 8 the 256 of the table. */
export type ColorBits = 8 | 24;

/** Undefined where no colours are wanted, or the terminal or its locale cannot show half-blocks in them. */
export function cellColors({ streams: { stdout }, globals, env }: CommandContext): ColorBits | undefined {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  if (!globals.color || !stdout.isTTY || !/utf-?8/i.test(locale)) return undefined;
  const bits = stdout.getColorDepth({ ...env });
  return bits === 24 || bits === 8 ? bits : undefined;
}

/** Lines with their colours, or without any. */
export function paint(lines: readonly (readonly Cell[])[], bits: ColorBits | undefined): string {
  return lines.map((cells) => (bits === undefined ? plain(cells) : colored(cells, bits))).join('\n');
}

function plain(cells: readonly Cell[]): string {
  return cells.map(({ text }) => text).join('');
}

/** A code only where the colours change: neighbours are often alike. */
function colored(cells: readonly Cell[], bits: ColorBits): string {
  let last = '';
  let text = '';
  for (const cell of cells) {
    const code = codeOf(cell, bits);
    if (code !== last) text += code === '' ? reset : code;
    text += cell.text;
    last = code;
  }
  return last === '' ? text : text + reset;
}

const reset = '\u001b[0m';

/** Select Graphic Rendition with the parameters 38 and 48 (ITU-T T.416 §13.1.8, as xterm reads them). */
function codeOf({ color, background }: Cell, bits: ColorBits): string {
  const parts = [color && `38;${valueOf(color, bits)}`, background && `48;${valueOf(background, bits)}`].filter(
    Boolean,
  );
  return parts.length === 0 ? '' : `\u001b[${parts.join(';')}m`;
}

function valueOf(color: string, bits: ColorBits): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  if (bits === 24) return `2;${red};${green};${blue}`;
  // The cube of 6 × 6 × 6 colours.
  const [r, g, b] = [red, green, blue].map((part) => Math.round((part * 5) / 255));
  return `5;${16 + 36 * (r ?? 0) + 6 * (g ?? 0) + (b ?? 0)}`;
}
