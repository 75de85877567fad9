import type { RequestDetails } from '@coffer/client';

/** A request to set a lost password anew, opened with the keys of the administrator. */
export interface OpenedReset {
  /** What the new device shows: compared by voice. */
  readonly words: readonly string[];
  /** Whose keys the authority certified; undefined when it named nobody. */
  readonly certifiedName: string | undefined;
  /** What is odd about it, for the administrator to judge. */
  readonly warning: string | undefined;
  /** The account's root key for the new device alone; only once somebody has said that the words are the same. */
  readonly seal: () => Uint8Array;
}

/** What an administrator's screens take from the program: keys and secrets that never leave this machine. */
export interface AdministrationTools {
  /** The text of a new invite, and the hash that the server may know. `username`: who may register with it; undefined: anybody. */
  readonly newInvite: (username: string | undefined) => { readonly text: string; readonly tokenHash: Uint8Array };
  /** @throws NOT_FOUND when the recovery key or an escrow is not there, NOT_ALLOWED, INTEGRITY, REFUSED for a wrong passphrase */
  readonly openReset: (details: RequestDetails, askPassphrase: () => Promise<string>) => Promise<OpenedReset>;
}
