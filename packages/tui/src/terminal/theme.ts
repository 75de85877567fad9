/** What a piece of text is; how that looks is the theme's to say. */
export type Role =
  | 'plain'
  | 'dim'
  | 'title'
  | 'frame'
  | 'frameFocused'
  | 'focus'
  | 'marked'
  | 'folder'
  | 'link'
  | 'key'
  | 'good'
  | 'busy'
  | 'warning'
  | 'error'
  | 'match';

/** The text attributes of a role, as ink's Text takes them. */
interface Look {
  readonly bold?: boolean;
  readonly dimColor?: boolean;
  readonly inverse?: boolean;
  readonly underline?: boolean;
  readonly color?: string;
}

/** Signs that stand beside words, and the lines of boxes. */
export interface Glyphs {
  readonly cursor: string;
  readonly mark: string;
  readonly online: string;
  readonly offline: string;
  readonly up: string;
  readonly down: string;
  readonly separator: string;
  readonly ellipsis: string;
  readonly done: string;
  readonly failed: string;
  readonly conflict: string;
  readonly warning: string;
  readonly full: string;
  readonly empty: string;
  readonly box: {
    readonly horizontal: string;
    readonly vertical: string;
    readonly corners: readonly [string, string, string, string];
  };
}

export interface Theme {
  readonly looks: Readonly<Record<Role, Look>>;
  readonly glyphs: Glyphs;
  /** Pictures are half-blocks in two colours each; else letters. */
  readonly drawsBlocks: boolean;
  /** Nothing beyond ASCII is written. */
  readonly isAscii: boolean;
}

export interface ThemeOptions {
  readonly color: boolean;
  readonly unicode: boolean;
}

/** Colour only ever repeats what a sign, a word or the cursor says. */
export function createTheme({ color, unicode }: ThemeOptions): Theme {
  return {
    looks: color ? colourful : colourless,
    glyphs: unicode ? unicodeGlyphs : asciiGlyphs,
    drawsBlocks: color && unicode,
    isAscii: !unicode,
  };
}

/**
 * What the environment says: NO_COLOR or a dumb terminal means no colours; without a UTF-8 locale lines are drawn in ASCII.
 */
export function themeOptions(env: Readonly<Record<string, string | undefined>>): ThemeOptions {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    color: (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    unicode: /utf-?8/i.test(locale) && env['TERM'] !== 'linux',
  };
}

const colourless: Theme['looks'] = {
  plain: {},
  dim: {},
  title: { bold: true },
  frame: {},
  frameFocused: { bold: true },
  focus: { bold: true },
  marked: { bold: true },
  folder: {},
  link: {},
  key: { bold: true },
  good: {},
  busy: {},
  warning: { bold: true },
  error: { bold: true },
  match: { underline: true },
};

const colourful: Theme['looks'] = {
  ...colourless,
  dim: { dimColor: true },
  title: { bold: true, color: 'cyan' },
  frame: { dimColor: true },
  frameFocused: { color: 'cyan' },
  focus: { bold: true, inverse: true },
  marked: { bold: true, color: 'yellow' },
  folder: { color: 'blue', bold: true },
  link: { color: 'magenta' },
  key: { bold: true, color: 'cyan' },
  good: { color: 'green' },
  busy: { color: 'cyan' },
  warning: { color: 'yellow', bold: true },
  error: { color: 'red', bold: true },
  match: { underline: true, color: 'yellow' },
};

const unicodeGlyphs: Glyphs = {
  cursor: '>',
  mark: '*',
  online: '●',
  offline: '○',
  up: '↑',
  down: '↓',
  separator: '›',
  ellipsis: '…',
  done: '✓',
  failed: '✗',
  conflict: '≠',
  warning: '!',
  full: '█',
  empty: '░',
  box: { horizontal: '─', vertical: '│', corners: ['┌', '┐', '└', '┘'] },
};

const asciiGlyphs: Glyphs = {
  cursor: '>',
  mark: '*',
  online: '+',
  offline: '-',
  up: '^',
  down: 'v',
  separator: '/',
  ellipsis: '~',
  done: 'ok',
  failed: 'x',
  conflict: '!=',
  warning: '!',
  full: '#',
  empty: '.',
  box: { horizontal: '-', vertical: '|', corners: ['+', '+', '+', '+'] },
};
