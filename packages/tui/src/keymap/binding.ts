/** Screens in the order of their digits; those of a part that the client does not have are not there. */
export const screenIds = [
  'files',
  'transfers',
  'history',
  'sharing',
  'jobs',
  'notifications',
  'settings',
  'admin',
] as const;

export type ScreenId = (typeof screenIds)[number];

interface Bound {
  readonly action: string;
  /** The first one is shown; none: only in the palette. */
  readonly keys: readonly string[];
  /** For the footer and the palette: a word or two. */
  readonly label: string;
  /** For help and docs: a sentence. */
  readonly help: string;
  readonly group:
    | 'Move'
    | 'Choose'
    | 'Change'
    | 'Transfer'
    | 'Look'
    | 'Share'
    | 'Administer'
    | 'Jobs'
    | 'Account'
    | 'Program';
  readonly screens: 'all' | readonly ScreenId[];
  /** Shown in the footer, in this order of importance; others only in help. */
  readonly footer?: number;
}

/** Every action has commands that do the same, or says why none does: both directions are a table of docs/TUI.md. */
export type Binding = Bound & ByCommand;

/** What can be done by command too. */
type ByCommand =
  /** Commands of the command line that do the same, each in full: `admin user show`. */
  | { readonly cli: readonly [string, ...string[]]; readonly onlyHere?: never }
  /** Why no command does. */
  | { readonly onlyHere: string; readonly cli?: never };
