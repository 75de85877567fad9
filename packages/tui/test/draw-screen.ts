import { expect } from '@jest/globals';
import { systemClock } from '@coffer/core';
import type { Screen } from '../src/app/screen.ts';
import { Shell } from '../src/app/shell.ts';
import { showShell } from '../src/components/show-shell.tsx';
import { frameRows } from '../src/frame/frame.ts';
import { lineText, lineWidth } from '../src/frame/line.ts';
import { createTheme } from '../src/terminal/theme.ts';
import { MemoryTerminal } from './memory-terminal.ts';

export interface DrawOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly color?: boolean;
  readonly unicode?: boolean;
  readonly isBare?: boolean;
}

/** A shell with one screen and nothing else. */
function shellWith(screen: Screen, { color = false, unicode = true, isBare = false }: DrawOptions = {}): Shell {
  const theme = createTheme({ color, unicode });
  const shell = new Shell({ clock: systemClock, theme, isBare, stop: () => Promise.resolve() });
  shell.open([screen], () => Promise.resolve(true));
  return shell;
}

/** Rows of the whole screen as text, each as wide as the screen. */
export function drawn(screen: Screen, options: DrawOptions = {}): string[] {
  const { columns = 100, rows = 24 } = options;
  const lines = frameRows(shellWith(screen, options).frame({ columns, rows }));
  expect(lines).toHaveLength(rows);
  for (const line of lines) expect(lineWidth(line)).toBe(columns);
  return lines.map(lineText);
}

/**
 * What holds for every screen: at the smallest size and a large one each row is as wide as the terminal, ASCII is enough where there
 * is no UTF-8, nothing is said by colour alone, and for screen readers there are no boxes.
 */
export async function expectLegible(makeScreen: () => Screen): Promise<void> {
  drawn(makeScreen(), { columns: 250, rows: 80 });
  const plain = drawn(makeScreen());
  expect(drawn(makeScreen(), { color: true })).toEqual(plain);
  expect(drawn(makeScreen(), { unicode: false }).join('')).toMatch(/^[\x20-\x7e]*$/);
  expect(drawn(makeScreen(), { isBare: true }).join('')).not.toMatch(/[┌│└]/);
  const small = new MemoryTerminal(60, 15);
  const shell = shellWith(makeScreen(), { columns: 60, rows: 15 });
  await using _shown = showShell(shell, small.streams);
  const rows = await small.rows();
  expect(rows.slice(1, -1).every((row) => /[│┐┘]$/.test(row))).toBe(true);
  const { cursorX, cursorY } = small.screen.buffer.active;
  expect(rows[cursorY]?.slice(cursorX)).toMatch(/^>/);
}
