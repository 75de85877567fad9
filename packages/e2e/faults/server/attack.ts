import type { ErrorCode, VaultId } from '@coffer/core';
import type { Interposer } from '@coffer/server';
import type { Coffer, CofferResult, Credentials } from '../../src/index.ts';
import type { Seeded } from '../seeded.ts';

/** What an attacker has, and where the victim lives. All of it are copies that may be spoiled. */
export interface Scene {
  readonly seeded: Seeded;
  /** The server's storage as it is now. */
  readonly storage: string;
  /** The same, of a time before the victim last looked. */
  readonly olderStorage: string;
  /** A storage that went another way since then, further than the victim has seen. */
  readonly forkedStorage: string;
  readonly certs: string;
  /** Where the victim dials. */
  readonly port: number;
  /** A port for the honest server, when somebody stands before it. */
  readonly otherPort: number;
  readonly victim: Victim;
  /** The vault of another account on the same server, whose journal is at least as long. */
  readonly otherVault: VaultId;
  /** The command line on the server. */
  readonly machine: Coffer;
  /** A folder that is not there yet and gone afterwards. */
  readonly scratch: string;
}

/** A device that has pulled before, and pulls again. */
interface Victim {
  readonly device: Coffer;
  /** A file in the vault that it has in another version. */
  readonly small: string;
  readonly credentials: Credentials;
  /** The folder that it pulls into. */
  readonly copy: string;
}

/** How the victim's command must end. Whatever it is, no wrong byte may be on its disk afterwards. */
export type Outcome =
  /** It names the lie: every error has one of the codes. */
  | { readonly kind: 'refused'; readonly exitCode: number; readonly codes: readonly ErrorCode[] }
  /** It has everything, since it asked again, or did not need what was changed. */
  | { readonly kind: 'complete' }
  /** It has what it had: it was told nothing new, which nobody can notice. */
  | { readonly kind: 'as before' };

export interface Attack {
  readonly name: string;
  /** Also part of `npm test`. */
  readonly brief?: true;
  /** What the server changes. */
  readonly lie?: (scene: Scene) => Interposer;
  /** What is done to storage or certificates before the server starts. */
  readonly prepare?: (scene: Scene) => Promise<void> | void;
  /** Other servers than one that lies; the victim dials `scene.port`. */
  readonly serve?: (scene: Scene) => Promise<AsyncDisposable>;
  /** What the victim does; a pull when left out. */
  readonly act?: (scene: Scene) => Promise<CofferResult>;
  readonly outcome: Outcome;
  /** False when the victim cannot go on with an honest server afterwards, since its storage is another one. */
  readonly heals?: false;
}

/** Refused as altered data: exit code 9. */
export function refused(...codes: readonly ErrorCode[]): Outcome {
  return { kind: 'refused', exitCode: 9, codes };
}

/** Refused as no answer of this protocol: exit code 1. */
export const unintelligible: Outcome = { kind: 'refused', exitCode: 1, codes: ['PROTOCOL'] };
