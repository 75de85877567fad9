import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lp, sha256, toHex } from '@coffer/core';
import type { VaultId } from '@coffer/core';
import { realRoot } from './local-root.ts';
import { fileError } from './file-error.ts';

/** A folder, and the path with which somebody syncs it, as they see it. */
export interface SyncedPath {
  readonly local: string | Uint8Array;
  /** Of the account: over mounts, and in `/Shared`. */
  readonly path: string;
}

const suffix = '.path';
/** An id in hexadecimal digits. */
const idLength = 64;

/**
 * Which vault a path led to when a folder was last synced with it. A path is a name: the folder that it names may have been
 * replaced by one that is shared with others, and what is synced then would go to them. One small file for each pair; lost, the
 * next run notes it again.
 */
export class PathVaults {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The vault's id as text; undefined when nothing is known. */
  of(synced: SyncedPath): string | undefined {
    const file = this.#file(synced);
    if (statSync(file, { throwIfNoEntry: false })?.size !== idLength) return undefined;
    return readFileSync(file, 'latin1');
  }

  /** @throws IO, NO_SPACE */
  note(synced: SyncedPath, vault: VaultId): void {
    if (this.of(synced) === toHex(vault)) return;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      writeFileSync(this.#file(synced), toHex(vault), { mode: 0o600 });
    } catch (error) {
      throw fileError(error);
    }
  }

  #file({ local, path }: SyncedPath): string {
    const name = sha256(lp('coffer/1 synced path', Buffer.from(realRoot(local), 'latin1'), path));
    return join(this.#directory, toHex(name).slice(0, 32) + suffix);
  }
}
