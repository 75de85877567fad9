import { safeText } from '@coffer/core';
import { displayName } from '@coffer/client';
import type { EntryName } from '@coffer/client';
import stringWidth from 'string-width';

// oxlint-disable-next-line no-control-regex -- everything that is one column wide without a doubt
const plain = /^[\x20-\x7e]*$/;

/** Columns that a terminal gives the text. */
export function widthOf(text: string): number {
  return plain.test(text) ? text.length : stringWidth(text);
}

/**
 * Text from others as it may be drawn: control characters and marks that reorder what follows are escaped, and what terminals
 * disagree about is taken apart (joined emoji, skin tones, flags), so that every terminal gives it the same width.
 */
export function shown(text: string): string {
  if (plain.test(text)) return text;
  return safeText(text).replace(joined, '').replace(flags, flagLetter);
}

/** A name of the vault as it may be drawn. */
export function shownName(name: EntryName): string {
  return shown(displayName(name));
}

/** Joiners after pictures, variation selectors, skin tones, tags. ZWJ and ZWNJ inside scripts that need them stay. */
const joined =
  /(?<=\p{Extended_Pictographic}\p{Emoji_Modifier}?\uFE0F?)\u200D|\p{Variation_Selector}|\p{Emoji_Modifier}|[\u{E0020}-\u{E007F}]/gu;
const flags = /[\u{1F1E6}-\u{1F1FF}]/gu;

function flagLetter(indicator: string): string {
  return String.fromCodePoint((indicator.codePointAt(0) ?? 0) - 0x1f1e6 + 0x41);
}

/** Exactly `width` columns: cut with an ellipsis, or padded. */
export function fit(
  text: string,
  width: number,
  { align = 'left', ellipsis = '…' }: { readonly align?: 'left' | 'right'; readonly ellipsis?: string } = {},
): string {
  if (width <= 0) return '';
  const cut = shorten(text, width, ellipsis);
  const space = ' '.repeat(width - widthOf(cut));
  return align === 'left' ? cut + space : space + cut;
}

/** At most `width` columns; the ellipsis says that something is missing. */
export function shorten(text: string, width: number, ellipsis = '…'): string {
  if (widthOf(text) <= width) return text;
  const room = width - ellipsis.length;
  if (room <= 0) return ellipsis.slice(0, Math.max(0, width));
  return head(text, room) + ellipsis;
}

/** The longest beginning of at most `width` columns that cuts no character in two. */
export function head(text: string, width: number): string {
  if (plain.test(text)) return text.slice(0, width);
  let taken = '';
  let used = 0;
  for (const segment of charactersOf(text)) {
    used += stringWidth(segment);
    if (used > width) break;
    taken += segment;
  }
  return taken;
}

/** The longest end of at most `width` columns. */
export function tail(text: string, width: number): string {
  let taken = '';
  let used = 0;
  for (const segment of charactersOf(text).toReversed()) {
    used += stringWidth(segment);
    if (used > width) break;
    taken = segment + taken;
  }
  return taken;
}

/** Characters as people count them. */
export function charactersOf(text: string): string[] {
  if (plain.test(text)) return Array.from(text);
  graphemes ??= new Intl.Segmenter();
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** Made by the first text that needs it: it loads tables of all of Unicode, and the first screen needs none. */
let graphemes: Intl.Segmenter | undefined;

/** Lines of at most `width` columns, broken at spaces where there are some; all begin as far in as the first. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0].slice(0, Math.floor(width / 2)) ?? '';
  const room = Math.max(1, width - indent.length);
  const lines: string[] = [];
  let line: string | undefined;
  let used = 0;
  for (const part of text
    .trimStart()
    .split(' ')
    .flatMap((word) => piecesOf(word, room))) {
    if (line !== undefined && used + 1 + part.width <= room && part.isStart) {
      line += ` ${part.text}`;
      used += 1 + part.width;
    } else {
      if (line !== undefined) lines.push(line);
      line = indent + part.text;
      used = part.width;
    }
  }
  return [...lines, line ?? indent];
}

interface Piece {
  readonly text: string;
  readonly width: number;
  /** A word begins with it. */
  readonly isStart: boolean;
}

/** A word, cut where it is wider than a line. One pass: words of others may be very long. */
function piecesOf(word: string, room: number): readonly Piece[] {
  const whole = widthOf(word);
  if (whole <= room) return [{ text: word, width: whole, isStart: true }];
  const pieces: Piece[] = [];
  let text = '';
  let width = 0;
  for (const segment of charactersOf(word)) {
    const wide = widthOf(segment);
    if (width + wide > room && text !== '') {
      pieces.push({ text, width, isStart: pieces.length === 0 });
      [text, width] = ['', 0];
    }
    text += segment;
    width += wide;
  }
  return [...pieces, { text, width, isStart: pieces.length === 0 }];
}
