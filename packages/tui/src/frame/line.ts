import type { Role } from '../terminal/theme.ts';
import { head, widthOf } from '../terminal/text.ts';

/** A piece of a line in one look. */
export interface Span {
  readonly text: string;
  readonly role?: Role;
  /** Colours of a picture, `#rrggbb`; only pictures have them. */
  readonly color?: string;
  readonly background?: string;
}

/** One row of the screen, or of a pane. */
export type Line = readonly Span[];

export function span(text: string, role?: Role): Span {
  return role === undefined ? { text } : { text, role };
}

export function line(text: string, role?: Role): Line {
  return [span(text, role)];
}

export function lineWidth(spans: Line): number {
  return spans.reduce((width, { text }) => width + widthOf(text), 0);
}

export function lineText(spans: Line): string {
  return spans.map(({ text }) => text).join('');
}

/** Exactly `width` columns: what is over is cut, what is missing is padded. */
export function fitLine(spans: Line, width: number): Line {
  const fitted: Span[] = [];
  let left = width;
  for (const one of spans) {
    if (left <= 0) break;
    const wide = widthOf(one.text);
    const text = wide <= left ? one.text : head(one.text, left);
    left -= wide <= left ? wide : widthOf(text);
    if (text !== '') fitted.push(text === one.text ? one : { ...one, text });
    if (wide > widthOf(text)) break;
  }
  if (left > 0) fitted.push(span(' '.repeat(left)));
  return fitted;
}

/** `left` at the left edge, `right` at the right one; the right one goes first when there is no room for both. */
export function spread(left: Line, right: Line, width: number): Line {
  const room = width - lineWidth(right);
  if (room < 12) return fitLine(left, width);
  return [...fitLine(left, room), ...right];
}
