import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import type { Seeded } from '../seeded.ts';

/** What stands in a folder: SHA-256 of each file, target of each link, by path below it. */
export type Snapshot = ReadonlyMap<string, string>;

/** Files are kept to about this many, so that a round stays short. */
const usualFiles = 30;
/** Longer than a chunk's smallest size, so that several chunks and several frames are under way. */
const largeBytes = 1_500_000;

/** A folder that somebody works in: files come, change, grow, move and go. */
export class RestlessFolder {
  readonly path: string;
  readonly #seeded: Seeded;
  readonly #renames: boolean;
  #made = 0;

  /** `renames: false`: what stands under a name is always a version of one file. */
  constructor(path: string, seeded: Seeded, { renames = true }: { readonly renames?: boolean } = {}) {
    this.path = path;
    this.#seeded = seeded;
    this.#renames = renames;
    mkdirSync(path, { recursive: true });
    for (let index = 0; index < 5; index += 1) this.#create();
  }

  /** A handful of changes. */
  edit(): void {
    const changes = 2 + this.#seeded.below(8);
    for (let change = 0; change < changes; change += 1) this.#change();
  }

  snapshot(): Snapshot {
    const entries = readdirSync(this.path, { recursive: true, withFileTypes: true });
    return new Map(
      entries.flatMap((entry) => {
        const path = join(entry.parentPath, entry.name);
        if (entry.isDirectory()) return [];
        const what = entry.isSymbolicLink() ? `link ${readlinkSync(path)}` : hashOf(readFileSync(path));
        return [[relative(this.path, path), what] as const];
      }),
    );
  }

  #change(): void {
    const files = this.#files();
    const some = this.#seeded.pick(files);
    const kind = this.#seeded.below(files.length > usualFiles ? 8 : 6);
    if (some === undefined || kind === 0) return this.#create();
    if (kind === 1) return writeFileSync(some, this.#content());
    if (kind === 2) return appendFileSync(some, this.#content().subarray(0, 5000));
    if (kind === 3 && this.#renames) return renameSync(some, this.#newPath());
    if (kind === 4) return copyFileSync(some, this.#newPath());
    if (kind === 5 && this.#seeded.chance(0.3)) return symlinkSync('../somewhere else', this.#newPath());
    rmSync(some);
  }

  #create(): void {
    writeFileSync(this.#newPath(), this.#content());
  }

  #newPath(): string {
    this.#made += 1;
    const folder = join(this.path, `folder ${this.#seeded.below(4)}`);
    mkdirSync(folder, { recursive: true });
    return join(folder, `file ${this.#made}`);
  }

  #content(): Uint8Array {
    if (this.#seeded.chance(0.05)) return new Uint8Array(0);
    const most = this.#seeded.chance(0.1) ? largeBytes : 20_000;
    return this.#seeded.bytes(1 + this.#seeded.below(most));
  }

  #files(): string[] {
    return readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
