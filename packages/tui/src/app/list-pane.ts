import { line, span } from '../frame/line.ts';
import type { Line } from '../frame/line.ts';
import { innerHeight, innerWidth } from '../frame/pane.ts';
import { fit, shorten, shown, widthOf, wrap } from '../terminal/text.ts';
import type { Role } from '../terminal/theme.ts';
import { settle } from './list-state.ts';
import type { ListState } from './list-state.ts';
import type { ScreenPane, Space } from './screen.ts';

/** A row with a note at its right; texts may come from others and are made harmless here. */
export interface ListRow {
  readonly text: string;
  readonly note?: string;
  readonly role?: Role;
}

/** A line of the pane beside a list. */
export interface Detail {
  readonly text: string;
  readonly role?: Role;
}

/** Rows that are made when they are drawn; a list of rows is one too. */
interface RowSource {
  readonly length: number;
  slice(from: number, to: number): readonly ListRow[];
}

interface ListPane {
  readonly title: string;
  /** Stands above the rows. */
  readonly head?: readonly Line[];
  readonly rows: RowSource;
  readonly list: ListState;
  /** Said when there are no rows. */
  readonly empty: string;
}

/** A list in a pane of its own; only rows in sight are drawn. */
export function listPane({ title, head = [], rows, list, empty }: ListPane, space: Space, width: number): ScreenPane {
  const size = { width, height: space.rows, isBare: space.isBare };
  const height = Math.max(1, innerHeight(size) - head.length);
  const at = settle(list, { count: rows.length, height });
  const lines = rows
    .slice(at.top, at.top + height)
    .map((row, index) => rowLine(row, { space, width: innerWidth(size), isHere: at.top + index === at.cursor }));
  return {
    title,
    lines: [...head, ...(lines.length === 0 ? [line(` ${empty}`, 'dim')] : lines)],
    isFocused: true,
    cursorLine: head.length + at.cursor - at.top,
    width,
  };
}

/** What is said of the row under the cursor. */
export function detailPane(title: string, details: readonly Detail[], { space, width }: DetailSpace): ScreenPane {
  const inner = innerWidth({ width, height: space.rows, isBare: space.isBare }) - 2;
  const lines = details.flatMap(({ text, role }) =>
    wrap(shown(text), inner).map((one) => [span(' '), span(one, role)]),
  );
  return { title, lines, isFocused: false, width };
}

interface DetailSpace {
  readonly space: Space;
  readonly width: number;
}

function rowLine(
  { text, note = '', role = 'plain' }: ListRow,
  { space, width, isHere }: { readonly space: Space; readonly width: number; readonly isHere: boolean },
): Line {
  const { glyphs } = space.theme;
  const room = Math.max(10, Math.floor(width / 3));
  const right = shorten(shown(note), width - room - 4, glyphs.ellipsis);
  const left = fit(shown(text), Math.max(room, width - 4 - widthOf(right)), { ellipsis: glyphs.ellipsis });
  return [span(`${isHere ? glyphs.cursor : ' '} `), span(left, isHere ? 'focus' : 'plain'), span(`  ${right}`, role)];
}
