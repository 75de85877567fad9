import type { Line } from './line.ts';

/** Panes and panels side by side in one row of the layout. */
export interface Column {
  readonly width: number;
  readonly lines: readonly Line[];
}

/** Everything that the screen shows, and where its cursor stands. */
export interface Frame {
  readonly header: Line;
  readonly columns: readonly Column[];
  readonly panel: readonly Line[];
  /** One row, two when what is said is long. */
  readonly footer: readonly Line[];
  readonly cursor: { readonly x: number; readonly y: number } | undefined;
}

/** All rows from top to bottom: for tests, captures, and whoever wants text. */
export function frameRows({ header, columns, panel, footer }: Frame): readonly Line[] {
  const height = Math.max(0, ...columns.map(({ lines }) => lines.length));
  const body = Array.from({ length: height }, (_, row) => columns.flatMap(({ lines }) => lines[row] ?? []));
  return [header, ...body, ...panel, ...footer];
}
