import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Seeded } from '../seeded.ts';

/** What people wrote, each content once, and which of it somebody removed or replaced where he saw it. */
export class Writings {
  readonly #alive = new Set<number>();
  written = 0;

  get alive(): ReadonlySet<number> {
    return this.#alive;
  }

  /** A new content, which tells which one it is. Some are longer than a chunk's smallest size. */
  next(seeded: Seeded): string {
    this.written += 1;
    this.#alive.add(this.written);
    return contentOf(this.written, seeded.chance(0.05) ? 400_000 : seeded.below(3000));
  }

  drop(content: string): void {
    this.#alive.delete(numberOf(content));
  }
}

/** Which content a file holds. @throws AssertionError when it is no whole content of anybody */
function numberOf(content: string): number {
  const [number, length] = content.split(' ', 2).map(Number);
  assert(number !== undefined && length !== undefined, 'a file holds what nobody wrote');
  assert.equal(content, contentOf(number, length), 'a file holds a whole content');
  return number;
}

function contentOf(number: number, length: number): string {
  return `${number} ${length} ${String(number)
    .repeat(Math.ceil(length / String(number).length))
    .slice(0, length)}`;
}

const names = ['alpha', 'beta', 'gamma', 'delta'];

/** A folder that somebody works in, with few names, so that two people meet again and again. */
export class SharedWork {
  readonly path: string;
  readonly #seeded: Seeded;
  readonly #writings: Writings;

  constructor(path: string, { seeded, writings }: { readonly seeded: Seeded; readonly writings: Writings }) {
    this.path = path;
    this.#seeded = seeded;
    this.#writings = writings;
    mkdirSync(path, { recursive: true });
  }

  /** A handful of changes; what cannot be done is not done. */
  edit(): void {
    const changes = 1 + this.#seeded.below(6);
    for (let change = 0; change < changes; change += 1) this.#change();
  }

  /** Numbers of the contents of all files. @throws AssertionError when one is not whole */
  contents(): readonly number[] {
    return filesBelow(this.path).map((file) => numberOf(readFileSync(file, 'utf8')));
  }

  #change(): void {
    const at = this.#somePath();
    const kind = this.#seeded.below(10);
    if (kind < 6) return this.#write(at);
    const existing = this.#seeded.pick(readdirSync(this.path, { recursive: true, encoding: 'utf8' }).toSorted());
    if (existing === undefined) return;
    if (kind < 9) return this.#rename(join(this.path, existing), at);
    // Whole directories go seldom, or soon nothing would be left that must survive.
    const isFile = lstatSync(join(this.path, existing)).isFile();
    if (isFile || this.#seeded.chance(0.2)) this.#remove(join(this.path, existing));
  }

  #somePath(): string {
    const depth = 1 + this.#seeded.below(3);
    return join(this.path, ...Array.from({ length: depth }, () => this.#seeded.pick(names) ?? ''));
  }

  #write(at: string): void {
    for (let above = dirname(at); above.length > this.path.length; above = dirname(above)) {
      if (existsSync(above) && !lstatSync(above).isDirectory()) return;
    }
    if (existsSync(at) && lstatSync(at).isDirectory()) return;
    mkdirSync(dirname(at), { recursive: true });
    if (existsSync(at)) this.#writings.drop(readFileSync(at, 'utf8'));
    writeFileSync(at, this.#writings.next(this.#seeded));
  }

  #rename(from: string, to: string): void {
    const parent = dirname(to);
    if (existsSync(to) || `${to}/`.startsWith(`${from}/`) || !existsSync(parent)) return;
    if (lstatSync(parent).isDirectory()) renameSync(from, to);
  }

  #remove(at: string): void {
    for (const file of filesBelow(at)) this.#writings.drop(readFileSync(file, 'utf8'));
    rmSync(at, { recursive: true });
  }
}

function filesBelow(at: string): readonly string[] {
  if (!lstatSync(at).isDirectory()) return [at];
  const entries = readdirSync(at, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
