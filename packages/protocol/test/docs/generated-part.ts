import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KiB, MiB } from '@coffer/core';

const root = join(import.meta.dirname, '../../../..');

export function readProjectFile(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/**
 * What stands in a page between `<!-- generated: NAME -->` and `<!-- end -->`. With `COFFER_UPDATE_DOCS=1` it is replaced
 * by `content` first.
 */
export function generatedPart(path: string, { name, content }: { readonly name: string; readonly content: string }) {
  const page = readProjectFile(path);
  const start = page.indexOf(`<!-- generated: ${name} -->\n`);
  const end = page.indexOf('<!-- end -->', start);
  if (start < 0 || end < 0) throw new TypeError(`${path} has no part "${name}"`);
  const from = page.indexOf('\n', start) + 1;
  if (process.env['COFFER_UPDATE_DOCS'] === '1') {
    writeFileSync(join(root, path), page.slice(0, from) + content + page.slice(end));
    return content;
  }
  return page.slice(from, end);
}

/** A table of GitHub's Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  return line(head) + `|${'---|'.repeat(head.length)}\n` + rows.map(line).join('');
}

/** A size in its largest unit when two decimals are exact, in bytes otherwise. */
export function exactSize(bytes: number): string {
  for (const [unit, size] of [
    ['MiB', MiB],
    ['KiB', KiB],
  ] as const) {
    if (bytes >= size && Number.isInteger((bytes / size) * 100)) return `${bytes / size} ${unit}`;
  }
  return `${bytes.toLocaleString('en')} B`;
}
