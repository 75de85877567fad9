import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { countTree } from '../src/index.ts';
import type { Stored } from './tool.ts';

/** One folder per run below a server's root: begun empty, removed when the next one begins. */
export class Repositories {
  readonly #root: string;
  #count = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Name of the present one. */
  get name(): string {
    return `run-${this.#count}`;
  }

  get path(): string {
    return join(this.#root, this.name);
  }

  begin(): void {
    rmSync(this.path, { recursive: true, force: true });
    this.#count += 1;
    mkdirSync(this.path);
  }

  /** For servers without a database beside the content. */
  stored(): Stored {
    const { bytes } = countTree(this.path);
    return { totalBytes: bytes, contentBytes: bytes };
  }
}
