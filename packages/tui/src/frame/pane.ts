import type { Glyphs } from '../terminal/theme.ts';
import { shorten, shown, widthOf } from '../terminal/text.ts';
import { fitLine, span } from './line.ts';
import type { Line, Span } from './line.ts';

/** What a pane shows; its lines are as wide as {@link innerWidth} says. */
export interface PaneContent {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly isFocused: boolean;
  /** Line on which the terminal's cursor stands, counted from the first. */
  readonly cursorLine?: number;
}

export interface PaneSize {
  readonly width: number;
  readonly height: number;
  /** Without borders: for screen readers. */
  readonly isBare?: boolean;
}

/** Columns inside the borders. */
export function innerWidth({ width, isBare = false }: PaneSize): number {
  return Math.max(0, isBare ? width : width - 2);
}

/** Rows inside the borders; a bare pane has its title as a row. */
export function innerHeight({ height, isBare = false }: PaneSize): number {
  return Math.max(0, isBare ? height - 1 : height - 2);
}

/** A box of exactly `width` × `height` with its title in the upper edge. */
export function drawPane(pane: PaneContent, size: PaneSize, glyphs: Glyphs): readonly Line[] {
  const rows = innerHeight(size);
  const width = innerWidth(size);
  const body = Array.from({ length: rows }, (_, row) => fitLine(pane.lines[row] ?? [], width));
  if (size.isBare === true) return [fitLine([span(shown(pane.title), 'title')], width), ...body];
  const role = pane.isFocused ? 'frameFocused' : 'frame';
  const side = span(glyphs.box.vertical, role);
  const [topLeft, topRight, bottomLeft, bottomRight] = glyphs.box.corners;
  const edge = glyphs.box.horizontal.repeat(width);
  return [
    [span(topLeft, role), ...titleSpans(pane, width, glyphs), span(topRight, role)],
    ...body.map((spans) => [side, ...spans, side]),
    [span(`${bottomLeft}${edge}${bottomRight}`, role)],
  ];
}

function titleSpans({ title, isFocused }: PaneContent, width: number, { box, ellipsis }: Glyphs): Span[] {
  const role = isFocused ? 'frameFocused' : 'frame';
  const text = ` ${shorten(shown(title), Math.max(0, width - 2), ellipsis)} `;
  if (widthOf(text) > width) return [span(box.horizontal.repeat(width), role)];
  return [span(text, isFocused ? 'title' : 'plain'), span(box.horizontal.repeat(width - widthOf(text)), role)];
}
