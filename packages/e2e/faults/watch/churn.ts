import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Seeded } from '../seeded.ts';

const filesPerFolder = 100;

/** Lays down `files` small files, a hundred to a folder, ten folders to a folder. */
export function plantFiles(root: string, files: number): void {
  for (let index = 0; index < files; index += 1) {
    const folder = join(root, folderOf(Math.floor(index / filesPerFolder)));
    if (index % filesPerFolder === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file ${index}`), `content of ${index}\n`);
  }
}

function folderOf(number: number): string {
  return join(`part ${Math.floor(number / 10)}`, `folder ${number}`);
}

/** Somebody who works on a large folder. */
export class Churn {
  readonly #root: string;
  readonly #seeded: Seeded;
  readonly #folders: number;
  #number = 0;
  changes = 0;

  constructor(root: string, { seeded, files }: { readonly seeded: Seeded; readonly files: number }) {
    this.#root = root;
    this.#seeded = seeded;
    this.#folders = Math.max(1, Math.floor(files / filesPerFolder));
  }

  /** One change; what cannot be done is not done. */
  change(): void {
    try {
      this.#change();
      this.changes += 1;
    } catch (error) {
      // What comes from the other device stood in the way.
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
    }
  }

  #change(): void {
    const kind = this.#seeded.below(100);
    if (kind < 35) return this.#write(this.#newName());
    const file = this.#someFile();
    if (file === undefined) return;
    if (kind < 65) this.#write(file);
    else if (kind < 80) renameSync(file, this.#made(this.#newName()));
    else if (kind < 95) rmSync(file);
    else if (kind < 98) this.#renameFolder(dirname(file));
    else rmSync(dirname(file), { recursive: true });
  }

  #write(path: string): void {
    this.#number += 1;
    const length = this.#seeded.chance(0.02) ? 300_000 : this.#seeded.below(4000);
    writeFileSync(this.#made(path), `${this.#number} `.repeat(Math.ceil(length / 6)).slice(0, length));
  }

  #renameFolder(folder: string): void {
    const to = join(this.#root, `part ${this.#seeded.below(10)}`, `renamed ${this.#number} ${this.#seeded.below(1e6)}`);
    if (!existsSync(this.#made(to))) renameSync(folder, to);
  }

  #newName(): string {
    this.#number += 1;
    return join(this.#root, folderOf(this.#seeded.below(this.#folders)), `new ${this.#seeded.below(1e9)}`);
  }

  #made(path: string): string {
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  #someFile(): string | undefined {
    const part = join(this.#root, this.#seeded.pick(namesIn(this.#root)) ?? '');
    const folder = join(part, this.#seeded.pick(namesIn(part)) ?? '');
    const name = this.#seeded.pick(namesIn(folder));
    if (name === undefined) return undefined;
    const file = join(folder, name);
    return statSync(file).isFile() ? file : undefined;
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder).toSorted() : [];
}
