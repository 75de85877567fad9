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

export interface Binding {
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
  /** Commands of the command line that do the same. */
  readonly cli?: readonly string[];
  /** Shown in the footer, in this order of importance; others only in help. */
  readonly footer?: number;
}
