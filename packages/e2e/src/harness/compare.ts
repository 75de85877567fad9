import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';

/** What must be equal besides names, kinds, contents and links, which always must. */
export interface CompareOptions {
  /** Modes of files and folders; links have none of their own on Linux. */
  readonly modes?: boolean;
  /** How finely times of modification are compared; `none`: not at all. The two roots are never compared. */
  readonly times?: 'ns' | 'us' | 's' | 'none';
  readonly folderTimes?: boolean;
  readonly linkTimes?: boolean;
  readonly links?: boolean;
}

export interface Difference {
  /** Path below both roots. Bytes that are not UTF-8 appear as U+FFFD. */
  readonly path: string;
  readonly what: 'only left' | 'only right' | 'kind' | 'size' | 'content' | 'link' | 'mode' | 'time';
}

/** More differences than this are not collected: one is enough to fail, a few to understand. */
const mostDifferences = 1000;
const pieceBytes = 1024 * 1024;
const tickNs = { ns: 1n, us: 1000n, s: 1_000_000_000n } as const;
const kindMask = 0o170000n;
const modeMask = 0o7777n;

/** Compares two trees byte by byte; empty when they are equal. Names are compared as bytes. */
export function compareTrees(left: string, right: string, options: CompareOptions = {}): Difference[] {
  const comparison = new Comparison(options);
  comparison.folders(Buffer.from(left), Buffer.from(right), Buffer.alloc(0));
  return comparison.differences;
}

class Comparison {
  readonly #options: Required<CompareOptions>;
  readonly differences: Difference[] = [];
  readonly #left = Buffer.allocUnsafe(pieceBytes);
  readonly #right = Buffer.allocUnsafe(pieceBytes);

  constructor(options: CompareOptions) {
    this.#options = { modes: true, times: 'ns', folderTimes: true, linkTimes: true, links: true, ...options };
  }

  folders(left: Buffer, right: Buffer, below: Buffer): void {
    const others = this.#names(right);
    for (const [key, name] of this.#names(left)) {
      const path = under(below, name);
      if (others.delete(key)) this.#entries(under(left, name), under(right, name), path);
      else this.#note(path, 'only left');
    }
    for (const name of others.values()) this.#note(under(below, name), 'only right');
  }

  #entries(left: Buffer, right: Buffer, path: Buffer): void {
    if (this.differences.length >= mostDifferences) return;
    const [a, b] = [lstatSync(left, { bigint: true }), lstatSync(right, { bigint: true })];
    if ((a.mode & kindMask) !== (b.mode & kindMask)) return this.#note(path, 'kind');
    if (a.isDirectory()) this.folders(left, right, path);
    else if (a.isSymbolicLink()) this.#symbolicLinks(left, right, path);
    else if (a.isFile()) this.#files([left, a], [right, b], path);
    this.#attributes(a, b, path);
  }

  #symbolicLinks(left: Buffer, right: Buffer, path: Buffer): void {
    const [a, b] = [left, right].map((link) => readlinkSync(link, { encoding: 'buffer' }));
    if (a === undefined || b === undefined || !a.equals(b)) this.#note(path, 'link');
  }

  #files([left, a]: [Buffer, BigIntStats], [right, b]: [Buffer, BigIntStats], path: Buffer): void {
    if (a.size !== b.size) this.#note(path, 'size');
    else if (!this.#sameContent(left, right)) this.#note(path, 'content');
  }

  #sameContent(left: Buffer, right: Buffer): boolean {
    const [a, b] = [openSync(left, 'r'), openSync(right, 'r')];
    try {
      for (;;) {
        const length = readFull(a, this.#left);
        if (readFull(b, this.#right) !== length) return false;
        if (!this.#left.subarray(0, length).equals(this.#right.subarray(0, length))) return false;
        if (length < pieceBytes) return true;
      }
    } finally {
      closeSync(a);
      closeSync(b);
    }
  }

  #attributes(a: BigIntStats, b: BigIntStats, path: Buffer): void {
    const { modes, times, folderTimes, linkTimes } = this.#options;
    if (modes && !a.isSymbolicLink() && (a.mode & modeMask) !== (b.mode & modeMask)) this.#note(path, 'mode');
    if (times === 'none' || (a.isDirectory() && !folderTimes) || (a.isSymbolicLink() && !linkTimes)) return;
    if (a.mtimeNs / tickNs[times] !== b.mtimeNs / tickNs[times]) this.#note(path, 'time');
  }

  /** By their bytes as Latin-1, which maps every byte to one character. */
  #names(folder: Buffer): Map<string, Buffer> {
    const entries = readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
    const kept = this.#options.links ? entries : entries.filter((entry) => !entry.isSymbolicLink());
    return new Map(kept.map(({ name }) => [name.toString('latin1'), name]));
  }

  #note(path: Buffer, what: Difference['what']): void {
    if (this.differences.length < mostDifferences) this.differences.push({ path: path.toString(), what });
  }
}

function under(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, Buffer.from('/'), name]);
}

function readFull(file: number, target: Buffer): number {
  let length = 0;
  for (;;) {
    const read = readSync(file, target, length, target.length - length, null);
    length += read;
    if (read === 0 || length === target.length) return length;
  }
}
