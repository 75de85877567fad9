/** Where a person is in a list; immutable, knows nothing of what the rows are. */
export interface ListState {
  /** Row of the cursor; 0 in an empty list. */
  readonly cursor: number;
  /** First row that is drawn. */
  readonly top: number;
}

export interface ListExtent {
  /** Rows in all. */
  readonly count: number;
  /** Rows that are drawn. */
  readonly height: number;
}

export const listStart: ListState = { cursor: 0, top: 0 };

/** The cursor moved by some rows, or to an end; it stays on a row and on the screen. */
function moveBy(state: ListState, delta: number, extent: ListExtent): ListState {
  return moveTo(state, state.cursor + delta, extent);
}

export function moveTo(state: ListState, cursor: number, { count, height }: ListExtent): ListState {
  const at = clamp(cursor, 0, count - 1);
  const rows = Math.max(1, height);
  // One row of the list stays in sight beyond the cursor, so that there is more is seen.
  const margin = rows > 4 ? 1 : 0;
  const isInSight = at >= state.top + margin && at < state.top + rows - margin;
  const isAtEdge = (at < margin && state.top === 0) || (at >= count - margin && at < state.top + rows);
  // Half a screen at once: a list that scrolls at every key writes a whole screen at every key.
  const top = isInSight || isAtEdge ? state.top : at - Math.floor(rows / 2);
  return { cursor: at, top: clamp(top, 0, Math.max(0, count - rows)) };
}

/** The same place after the list or the screen changed. */
export function settle(state: ListState, extent: ListExtent): ListState {
  return moveTo(state, state.cursor, extent);
}

export type Motion = 'up' | 'down' | 'first' | 'last' | 'halfUp' | 'halfDown';

/** What the keys of every list do. */
export function move(state: ListState, motion: Motion, extent: ListExtent): ListState {
  const half = Math.max(1, Math.floor(extent.height / 2));
  switch (motion) {
    case 'up':
      return moveBy(state, -1, extent);
    case 'down':
      return moveBy(state, 1, extent);
    case 'first':
      return moveTo(state, 0, extent);
    case 'last':
      return moveTo(state, extent.count - 1, extent);
    case 'halfUp':
      return moveBy(state, -half, extent);
    case 'halfDown':
      return moveBy(state, half, extent);
    default:
      return motion satisfies never;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, Math.max(low, high)));
}
