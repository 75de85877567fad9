/** Below this nothing can be drawn that helps. */
export const smallest = { columns: 60, rows: 15 } as const;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export function isTooSmall({ columns, rows }: Size): boolean {
  return columns < smallest.columns || rows < smallest.rows;
}

/** Below 80 columns one pane, from 110 three. */
export function paneCount(columns: number): 1 | 2 | 3 {
  if (columns < 80) return 1;
  return columns < 110 ? 2 : 3;
}

/** Rows beside the panes: the header and the footer. */
const edgeRows = 2;

/** Rows that the panes keep beside something to read. */
const keptRows = 4;

/** Rows of the panes and of the panel of a question, which takes at most half; what is read takes nearly all. */
export function divideRows(
  rows: number,
  wanted: number,
  isRead = false,
): { readonly panes: number; readonly panel: number } {
  const body = rows - edgeRows;
  const panel = Math.min(wanted, isRead ? body - keptRows : Math.max(5, Math.floor(body / 2)));
  return { panes: body - panel, panel };
}
