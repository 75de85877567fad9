import type { Frame } from '../frame/frame.ts';
import { divideRows, isTooSmall, paneCount, smallest } from '../frame/layout.ts';
import type { Size } from '../frame/layout.ts';
import { fitLine, line, lineWidth, span, spread } from '../frame/line.ts';
import type { Line, Span } from '../frame/line.ts';
import { drawPane, innerHeight, innerWidth } from '../frame/pane.ts';
import { bindingsOf } from '../keymap.ts';
import { shorten, shown, widthOf, wrap } from '../terminal/text.ts';
import type { Role, Theme } from '../terminal/theme.ts';
import type { DialogState } from './dialog.ts';
import type { DialogRoom } from './dialog-body.ts';
import { dialogRows, dialogView } from './dialog-view.ts';
import type { Screen, ScreenPane, ScreenView, Space } from './screen.ts';

/** One line at the lower edge. */
export interface Notice {
  readonly text: string;
  readonly role: Role;
}

/** What stands in the header beside the place. */
export interface Status {
  readonly connection: { readonly isOnline: boolean; readonly text: string } | undefined;
  readonly account: string;
  readonly transfers: string;
}

export interface ShellView {
  readonly screen: Screen | undefined;
  /** Shown while there is no screen. */
  readonly welcome: readonly Line[];
  readonly dialog: DialogState | undefined;
  readonly notice: Notice | undefined;
  readonly status: Status;
  readonly size: Size;
  readonly theme: Theme;
  readonly isBare: boolean;
  readonly nowMs: number;
}

/** The whole screen for a state: pure. */
export function shellFrame(view: ShellView): Frame {
  const { size, dialog } = view;
  if (isTooSmall(size)) return tooSmall(size);
  const width = size.columns;
  const wanted = dialog === undefined ? 0 : dialogRows(dialog, width - 4) + (view.isBare ? 1 : 2);
  const footer = footerLines(view);
  const body = size.rows - footer.length + 1;
  const rows = divideRows(body, wanted, dialog !== undefined && isRead(dialog));
  const panes = viewPanes(view, rows.panes);
  const header = headerLine(view, panes.crumbs);
  const drawn = panes.panes.map((pane) => ({
    width: pane.width,
    lines: drawPane(pane, { width: pane.width, height: rows.panes, isBare: view.isBare }, view.theme.glyphs),
  }));
  const panel = dialog === undefined ? undefined : drawDialog(dialog, { view, height: rows.panel });
  return {
    header,
    columns: drawn,
    panel: panel?.lines ?? [],
    footer,
    cursor:
      panel === undefined
        ? paneCursor(panes.panes, view.isBare)
        : { x: panel.cursor.x, y: 1 + rows.panes + panel.cursor.y },
  };
}

/** Room inside the panel of a question, when nothing is said at the lower edge. */
export function dialogRoom(
  dialog: DialogState,
  { size, isBare }: { readonly size: Size; readonly isBare: boolean },
): DialogRoom {
  const wanted = dialogRows(dialog, size.columns - 4) + (isBare ? 1 : 2);
  const pane = { width: size.columns, height: divideRows(size.rows, wanted, isRead(dialog)).panel, isBare };
  return { width: innerWidth(pane) - 2, height: innerHeight(pane) };
}

/** What is read before it is agreed to, or only read, takes nearly all rows when it needs them. */
function isRead({ question }: DialogState): boolean {
  return question.kind === 'message' || question.kind === 'plan';
}

/** Rows inside the panes at a size without a question: what lists move by. */
export function listHeight({ size, isBare }: { readonly size: Size; readonly isBare: boolean }): number {
  return innerHeight({ width: size.columns, height: divideRows(size.rows, 0).panes, isBare });
}

function viewPanes({ screen, welcome, size, theme, isBare, nowMs }: ShellView, rows: number): ScreenView {
  const space: Space = {
    columns: size.columns,
    rows,
    panes: isBare ? 1 : paneCount(size.columns),
    isBare,
    theme,
    nowMs,
  };
  if (screen !== undefined) return screen.view(space);
  return { crumbs: [], panes: [{ title: 'coffer', lines: welcome, isFocused: false, width: size.columns }] };
}

function headerLine({ status, size, theme, isBare }: ShellView, crumbs: readonly string[]): Line {
  const { glyphs } = theme;
  const place = crumbs.map(shown).join(` ${glyphs.separator} `);
  const right: Span[] = [];
  if (status.connection !== undefined) {
    const { isOnline, text } = status.connection;
    const sign = isBare ? '' : `${isOnline ? glyphs.online : glyphs.offline} `;
    right.push(span(`${sign}${text}  `, isOnline ? 'good' : 'warning'));
  }
  right.push(span(shown(status.account)));
  if (status.transfers !== '') right.push(span(`  ${status.transfers}`, 'busy'));
  right.push(span(' '));
  const room = size.columns - lineWidth(right) - 10;
  const left = [span(' coffer  ', 'title'), span(shorten(place, Math.max(8, room), glyphs.ellipsis))];
  return fitLine(spread(left, right, size.columns), size.columns);
}

function drawDialog(
  dialog: DialogState,
  { view, height }: { readonly view: ShellView; readonly height: number },
): { readonly lines: readonly Line[]; readonly cursor: { readonly x: number; readonly y: number } } {
  const pane = { width: view.size.columns, height, isBare: view.isBare };
  const drawn = dialogView(dialog, {
    width: innerWidth(pane) - 2,
    height: innerHeight(pane),
    glyphs: view.theme.glyphs,
  });
  const lines = drawn.lines.map((one) => [span(' '), ...one]);
  const edge = view.isBare ? 0 : 1;
  return {
    lines: drawPane({ title: drawn.title, lines, isFocused: true }, pane, view.theme.glyphs),
    cursor: { x: edge + 1 + drawn.cursor.column, y: 1 + Math.min(drawn.cursor.row, innerHeight(pane) - 1) },
  };
}

function paneCursor(panes: readonly ScreenPane[], isBare: boolean): Frame['cursor'] {
  let x = isBare ? 0 : 1;
  for (const pane of panes) {
    if (pane.isFocused && pane.cursorLine !== undefined) return { x, y: 2 + pane.cursorLine };
    x += pane.width;
  }
  return undefined;
}

/** What was said, and the keys; what is longer than a row has rows of its own. */
function footerLines(view: ShellView): readonly Line[] {
  const { size, notice, screen, dialog } = view;
  const keys = dialog === undefined ? hints(screen) : [span('Esc', 'key'), span(' leave it')];
  const width = size.columns;
  if (notice === undefined) return [keyLine([], keys, width)];
  const said = wrap(shown(notice.text), width - 2)
    .slice(0, saidRows)
    .map((text) => [span(` ${text}`, notice.role)]);
  if (said.length === 1) return [keyLine(said[0] ?? [], keys, width)];
  return [...said.map((one) => fitLine(one, width)), keyLine([], keys, width)];
}

/** More of what is said is cut: the screen is for what it is about. */
const saidRows = 3;

function keyLine(text: Line, keys: readonly Span[], width: number): Line {
  const used = lineWidth(text) + 1;
  const taken: Span[] = [];
  for (let at = 0; at + 1 < keys.length; at += 2) {
    const [key, label] = [keys[at], keys[at + 1]];
    if (key === undefined || label === undefined) break;
    if (used + lineWidth([...taken, key, label]) + 2 > width) break;
    taken.push(key, label);
  }
  if (taken.length === 0) return fitLine(text, width);
  const right = [...taken, span(' ')];
  return [...fitLine(text, width - lineWidth(right)), ...right];
}

/** Pairs of key and label, the most needed first; what cannot be done now is left out. */
function hints(screen: Screen | undefined): Span[] {
  const always = [span('?', 'key'), span(' help  ')];
  if (screen === undefined) return [span('^c', 'key'), span(' quit')];
  const offered = bindingsOf(screen.id)
    .filter(({ footer, action }) => footer !== undefined && screen.can(action) === true)
    .toSorted((a, b) => (a.footer ?? 0) - (b.footer ?? 0))
    .flatMap(({ keys, label }) => [span(keyText(keys[0] ?? ''), 'key'), span(` ${label}  `)]);
  return [...always, ...offered];
}

/** A key as people read it. */
export function keyText(key: string): string {
  const names: Readonly<Record<string, string>> = { enter: 'Enter', esc: 'Esc', tab: 'Tab', space: 'Space' };
  return names[key] ?? key;
}

function tooSmall({ columns, rows }: Size): Frame {
  const text = `coffer needs ${smallest.columns} × ${smallest.rows}; this is ${columns} × ${rows}`;
  const body = Array.from({ length: Math.max(0, rows - 2) }, () => fitLine([], columns));
  return {
    header: fitLine(line(shorten(text, Math.max(1, columns))), columns),
    columns: [{ width: columns, lines: body }],
    panel: [],
    footer: [fitLine(line(widthOf(text) > columns ? 'too small' : 'make the window larger'), columns)],
    cursor: undefined,
  };
}
