/** Work that replaces the keys of the account: nothing may hold the old ones meanwhile, so it runs between two openings. */
export interface Interlude {
  readonly label: string;
  /** With which the account is opened again. */
  readonly password: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Once the screens are there again, when it succeeded. */
  readonly after: () => void;
}
