import { formatSize, timestampToMs } from '@coffer/core';
import type { Space } from '../../app/screen.ts';
import { line, span } from '../../frame/line.ts';
import type { Line } from '../../frame/line.ts';
import { fullTime } from '../../terminal/format.ts';
import { shorten, shown, shownName, wrap } from '../../terminal/text.ts';
import { drawPreview } from '../../preview/draw-content.ts';
import type { Preview } from '../../preview/draw-content.ts';
import type { Row } from './rows.ts';

/** What is known of the row under the cursor beside its entry. */
export interface InfoFacts {
  /** Device that put the version, by name. */
  readonly device: string | undefined;
  readonly versions: number;
  /** With whom a shared row is shared, and how: `bob reads`. */
  readonly sharedWith: readonly string[];
}

/** Facts about an entry, then as much of its content as there is room for. */
export function infoLines(
  { row, info, preview }: { readonly row: Row; readonly info: InfoFacts; readonly preview: Preview | undefined },
  { width, height, space }: { readonly width: number; readonly height: number; readonly space: Space },
): readonly Line[] {
  const facts = [...nameLines(row, width), ...factRows(row, info).map(([name, value]) => factLine(name, value, width))];
  if (preview === undefined) return facts;
  const room = {
    width,
    height: Math.max(0, height - facts.length - 1),
    color: space.theme.drawsBlocks,
    isBare: space.isBare,
  };
  return [...facts, line(''), ...drawPreview(preview, room)];
}

function nameLines({ entry }: Row, width: number): Line[] {
  return wrap(shownName(entry.name), width)
    .slice(0, 3)
    .map((text) => line(text, 'title'));
}

function factRows(
  { entry, removedAtMs }: Row,
  { device, versions, sharedWith }: InfoFacts,
): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [];
  const by = device === undefined ? '' : ` by ${shown(device)}`;
  if (entry.kind === 'file') {
    rows.push(['size', formatSize(entry.size)], ['version', `v${entry.version} of ${versions}${by}`]);
  }
  if (entry.kind === 'mount') rows.push(['shared', sharedWith.length === 0 ? 'Enter goes in' : sharedWith.join(', ')]);
  else if (entry.target !== undefined) rows.push(['to', shownName(entry.target)]);
  rows.push(['changed', fullTime(timestampToMs(entry.mtime))], ['stored', fullTime(entry.receivedAtMs)]);
  rows.push(['mode', entry.mode.toString(8).padStart(4, '0')]);
  if (removedAtMs !== undefined) rows.push(['removed', fullTime(removedAtMs)]);
  return rows;
}

function factLine(name: string, value: string, width: number): Line {
  return [span(name.padEnd(8), 'dim'), span(shorten(value, Math.max(1, width - 8)))];
}
