import { charactersOf, widthOf } from '../terminal/text.ts';
import type { Frame } from './frame.ts';
import type { Line } from './line.ts';

// oxlint-disable-next-line no-control-regex -- everything that any terminal has
const ascii = /^[\x20-\x7e]*$/;

/** Signs of our own that have a likeness of the same width. */
const alike: Readonly<Record<string, string>> = { '×': 'x', '…': '~', '–': '-', '—': '-', '’': "'" };

/** The frame for a terminal that does not say that it knows UTF-8: what is beyond ASCII is replaced, as wide as it was. */
export function asciiFrame({ header, columns, panel, footer, cursor }: Frame): Frame {
  return {
    header: asciiLine(header),
    columns: columns.map(({ width, lines }) => ({ width, lines: lines.map(asciiLine) })),
    panel: panel.map(asciiLine),
    footer: footer.map(asciiLine),
    cursor,
  };
}

function asciiLine(line: Line): Line {
  if (line.every(({ text }) => ascii.test(text))) return line;
  return line.map((one) => (ascii.test(one.text) ? one : { ...one, text: asciiText(one.text) }));
}

function asciiText(text: string): string {
  return charactersOf(text)
    .map((one) => (ascii.test(one) ? one : (alike[one] ?? '?'.repeat(widthOf(one)))))
    .join('');
}
