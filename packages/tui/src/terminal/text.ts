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
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width) break;
    taken += segment;
  }
  return taken;
}

/** The longest end of at most `width` columns. */
export function tail(text: string, width: number): string {
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  let taken = '';
  let used = 0;
  for (const segment of parts.toReversed()) {
    used += stringWidth(segment);
    if (used > width) break;
    taken = segment + taken;
  }
  return taken;
}

/** Characters as people count them. */
export function charactersOf(text: string): string[] {
  return [...graphemes.segment(text)].map(({ segment }) => segment);
}

const graphemes = new Intl.Segmenter();

/** Lines of at most `width` columns, broken at spaces where there are some; all begin as far in as the first. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0].slice(0, Math.floor(width / 2)) ?? '';
  const lines: string[] = [];
  let line = indent;
  for (const word of text.trimStart().split(' ')) {
    const longer = line === indent ? indent + word : `${line} ${word}`;
    if (widthOf(longer) <= width) line = longer;
    else {
      if (line !== indent) lines.push(line);
      line = indent + word;
      while (widthOf(line) > width) {
        const part = head(line, width);
        if (part === '') break;
        lines.push(part);
        line = line.slice(part.length);
      }
    }
  }
  return [...lines, line];
}
