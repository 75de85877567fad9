import { KiB } from '@coffer/core';
import { line, span } from '../frame/line.ts';
import type { Line } from '../frame/line.ts';
import { shown, shorten, widthOf } from '../terminal/text.ts';
import type { Picture } from './picture.ts';

/** The beginning of a file, as it can be shown in any width. */
export type Content =
  /** As they stand in the file; made harmless by whoever draws them. */
  | { readonly kind: 'text'; readonly lines: readonly string[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly string[])[] }
  /** `note`: what it is, when that is known. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly note?: string }
  | { readonly kind: 'picture'; readonly picture: Picture };

/** What a screen has in the place of a file's content. */
export interface Preview {
  /** Names the version that is shown. */
  readonly key: string;
  readonly content: Content | { readonly kind: 'loading' } | { readonly kind: 'failed'; readonly message: string };
}

/** As much as a screen shows; more is never asked for. */
export const previewBytes = 16 * KiB;
const previewLines = 200;
const tableRows = 100;

/** What the first bytes of a file are: text, a table of comma- or tab-separated values, or bytes. */
export function contentOf(bytes: Uint8Array, extension: string): Content {
  if (!isText(bytes)) return { kind: 'bytes', bytes };
  const text = new TextDecoder('utf-8').decode(bytes, { stream: true });
  const separator = separators[extension];
  if (separator !== undefined) return { kind: 'table', rows: separated(text, separator) };
  return { kind: 'text', lines: text.split(/\r?\n/, previewLines).map((one) => one.replaceAll('\t', '    ')) };
}

const separators: Readonly<Record<string, string>> = { csv: ',', tsv: '\t' };

/** The lines of a preview in `width` columns. */
export function drawPreview({ content }: Preview, space: PreviewSpace): readonly Line[] {
  const { width, height } = space;
  switch (content.kind) {
    case 'loading':
      return [line('reading…', 'dim')];
    case 'failed':
      return [line(shown(content.message), 'error')];
    case 'text':
      return content.lines.slice(0, height).map((text) => line(shown(text)));
    case 'table':
      return drawTable(content.rows.slice(0, height), width);
    case 'bytes':
      return bytesLines(content, space);
    case 'picture':
      return pictureLines(content.picture, space);
    default:
      return content satisfies never;
  }
}

export interface PreviewSpace {
  readonly width: number;
  readonly height: number;
  /** Half-blocks in two colours each; letters otherwise. */
  readonly color: boolean;
  /** Read aloud, a drawing is noise. */
  readonly isBare: boolean;
}

/** The end may cut a character in two: that alone does not make it binary. */
function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  return !new TextDecoder('utf-8').decode(bytes, { stream: true }).includes('\uFFFD');
}

/** Values as RFC 4180 writes them: quotes around what holds separators, quotes doubled. */
function separated(text: string, separator: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]];
  let value = '';
  let isQuoted = false;
  for (let at = 0; at < text.length && rows.length <= tableRows; at += 1) {
    const character = text[at] ?? '';
    if (character === '"' && isQuoted && text[at + 1] === '"') {
      value += '"';
      at += 1;
    } else if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted || (character !== separator && character !== '\n')) value += character;
    else {
      rows.at(-1)?.push(shown(value.trim()));
      value = '';
      if (character === '\n') rows.push([]);
    }
  }
  rows.at(-1)?.push(shown(value.trim()));
  return rows.filter((row) => row.length > 1 || row[0] !== '');
}

const widestColumn = 24;

function drawTable(rows: readonly (readonly string[])[], width: number): Line[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = Math.min(widestColumn, Math.max(widths[index] ?? 0, widthOf(cell)))));
  return rows.map((row, index) => {
    const cells = row.map((cell, column) => {
      const wide = widths[column] ?? 0;
      const text = shorten(cell, wide);
      return text + ' '.repeat(wide - widthOf(text));
    });
    return [span(shorten(cells.join('  ').trimEnd(), width), index === 0 ? 'title' : 'plain')];
  });
}

function bytesLines(
  { bytes, note }: { readonly bytes: Uint8Array; readonly note?: string },
  { width, height }: PreviewSpace,
): Line[] {
  const head = note === undefined ? [] : [line(shorten(shown(note), width), 'dim')];
  return [...head, ...hexLines(bytes, { width, height: height - head.length }).map((text) => line(text))];
}

/** Offset, bytes and letters, as many bytes in a row as fit. */
export function hexLines(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): string[] {
  const perLine = width >= 75 ? 16 : width >= 43 ? 8 : 4;
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.byteLength && lines.length < height; offset += perLine) {
    const row = [...bytes.subarray(offset, offset + perLine)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : '.')).join('');
    lines.push(`${offset.toString(16).padStart(8, '0')}  ${hex.padEnd(perLine * 3 - 1)}  ${letters}`);
  }
  return lines;
}

/** What it is, and the picture itself where it is to be seen. */
export function pictureLines(picture: Picture, space: PreviewSpace): Line[] {
  const { width, height } = picture.full;
  const said = line(shorten(`a picture of ${width} × ${height} pixels`, space.width), 'dim');
  if (space.isBare || space.height < 2) return [said];
  return [said, ...drawPicture(picture, { ...space, height: space.height - 1 })];
}

const shades = ' .:-=+*#%@';

/** Two rows of pixels in one of characters; without colours the brightness as letters. */
function drawPicture({ width, height, rgb }: Picture, space: PreviewSpace): Line[] {
  const scale = Math.min(space.width / width, (space.height * 2) / height);
  const columns = Math.max(1, Math.min(space.width, Math.floor(width * scale)));
  const rows = Math.max(1, Math.min(space.height, Math.floor((height * scale) / 2)));
  const pixel = (column: number, halfRow: number): readonly [number, number, number] => {
    const x = Math.min(width - 1, Math.floor(((column + 0.5) * width) / columns));
    const y = Math.min(height - 1, Math.floor(((halfRow + 0.5) * height) / (rows * 2)));
    const at = (y * width + x) * 3;
    return [rgb[at] ?? 0, rgb[at + 1] ?? 0, rgb[at + 2] ?? 0];
  };
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => {
      const upper = pixel(column, row * 2);
      const lower = pixel(column, row * 2 + 1);
      if (space.color) return { text: '▀', color: hexColor(upper), background: hexColor(lower) };
      return { text: shades[Math.floor((brightness(upper) + brightness(lower)) / 2 / 25.6)] ?? ' ' };
    }),
  );
}

function hexColor([red, green, blue]: readonly [number, number, number]): string {
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function brightness([red, green, blue]: readonly [number, number, number]): number {
  return 0.3 * red + 0.59 * green + 0.11 * blue;
}
