import type { LocalPlace } from '../place.ts';
import type { Folder } from './folder.ts';

/** Open directories kept for the next file in them; a process may have 1,024 descriptors, and files need theirs. */
const maxIdle = 64;

interface Opened {
  readonly folder: Folder;
  users: number;
}

/** A directory that stays open until it is released. */
export interface HeldFolder {
  readonly folder: Folder;
  readonly release: () => void;
}

/** The directories of one tree, opened from the root downwards, one component at a time. */
export class OpenFolders implements Disposable {
  readonly #root: Folder;
  /** Least recently used first. */
  readonly #opened = new Map<LocalPlace, Opened>();

  /** Takes over the root. */
  constructor(root: Folder) {
    this.#root = root;
  }

  /** Calls `use` with the directory open; it stays open until the result is there. @throws NOT_FOUND, INVALID, NOT_ALLOWED, IO */
  async with<Result>(place: LocalPlace | undefined, use: (folder: Folder) => Promise<Result>): Promise<Result> {
    const { folder, release } = this.hold(place);
    try {
      return await use(folder);
    } finally {
      release();
    }
  }

  /** The directory, open until the caller releases it. @throws NOT_FOUND, INVALID, NOT_ALLOWED, IO */
  hold(place: LocalPlace | undefined): HeldFolder {
    if (place?.parent === undefined) return { folder: this.#root, release: () => undefined };
    const opened = this.#open(place);
    opened.users += 1;
    const release = (): void => {
      opened.users -= 1;
      if (opened.users === 0 && this.#opened.size > maxIdle) this.#close(place, opened);
    };
    return { folder: opened.folder, release };
  }

  /** The directory, open until the next call: for one or two calls that do not wait. */
  now(place: LocalPlace | undefined): Folder {
    return place?.parent === undefined ? this.#root : this.#open(place).folder;
  }

  [Symbol.dispose](): void {
    for (const { folder } of this.#opened.values()) folder[Symbol.dispose]();
    this.#opened.clear();
    this.#root[Symbol.dispose]();
  }

  #open(place: LocalPlace): Opened {
    const known = this.#opened.get(place);
    if (known !== undefined) {
      this.#opened.delete(place);
      this.#opened.set(place, known);
      return known;
    }
    const opened: Opened = { folder: this.now(place.parent).open(place.name), users: 0 };
    this.#opened.set(place, opened);
    this.#trim(place);
    return opened;
  }

  #trim(keep: LocalPlace): void {
    for (const [place, opened] of this.#opened) {
      if (this.#opened.size <= maxIdle) return;
      if (opened.users === 0 && place !== keep) this.#close(place, opened);
    }
  }

  #close(place: LocalPlace, { folder }: Opened): void {
    this.#opened.delete(place);
    folder[Symbol.dispose]();
  }
}
