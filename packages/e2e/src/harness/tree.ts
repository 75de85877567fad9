import { copyFileSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, utimesSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plantOddities } from './oddities.ts';
import type { Oddities } from './oddities.ts';

export interface TreeOptions {
  /** Folder to fill; made when missing. */
  readonly target: string;
  /** Regular files wanted, planted ones aside. */
  readonly files?: number;
  /** Most bytes wanted; files that would pass it are left out. */
  readonly bytes?: number;
  readonly oddities?: Oddities;
}

/** What was laid down. */
export interface TreeFacts {
  readonly files: number;
  readonly links: number;
  readonly folders: number;
  readonly bytes: number;
}

/** "Small files": the tail of large archives and databases in these folders is left out. */
const largestBytes = 2 * 1024 * 1024;

/** Real files of a usual Linux machine, most typical first; then what any checkout has. */
const sources = [
  '/usr/include',
  '/usr/share/doc',
  '/usr/share/perl',
  '/usr/share/perl5',
  '/usr/lib/python3',
  '/usr/share/man',
  '/usr/share',
  fileURLToPath(new URL('../../../../node_modules', import.meta.url)),
];

/**
 * Fills a folder with real small files of this machine, their links, modes and times, until there are `files` of them
 * or the machine has no more: by default 17,000 files of about 300 MiB, with odd names and links planted among them.
 * The same machine gives the same tree.
 */
export function makeTree({
  target,
  files = 17_000,
  bytes = 300 * 1024 * 1024,
  oddities = 'portable',
}: TreeOptions): TreeFacts {
  const copy = new TreeCopy({ target, files, bytes });
  mkdirSync(target, { recursive: true });
  const done: string[] = [];
  for (const source of sources) {
    copy.add(source, done);
    done.push(source);
  }
  if (oddities !== 'none') plantOddities(join(target, 'odd'), oddities);
  return countTree(target);
}

/** Counts what lies below a folder, without the folder itself. */
export function countTree(root: string | Buffer): TreeFacts {
  let [files, links, folders, bytes] = [0, 0, 0, 0];
  for (const entry of readdirSync(root, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(root), Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) {
      const below = countTree(path);
      [files, links, folders, bytes] = [
        files + below.files,
        links + below.links,
        folders + below.folders + 1,
        bytes + below.bytes,
      ];
    } else if (entry.isSymbolicLink()) links += 1;
    else {
      files += 1;
      bytes += lstatSync(path).size;
    }
  }
  return { files, links, folders, bytes };
}

class TreeCopy {
  readonly #target: string;
  #filesLeft: number;
  #bytesLeft: number;

  constructor({ target, files, bytes }: { target: string; files: number; bytes: number }) {
    this.#target = target;
    this.#filesLeft = files;
    this.#bytesLeft = bytes;
  }

  /** Copies what is below `source` into a folder of the same path, except what `done` has had. */
  add(source: string, done: readonly string[]): void {
    for (const entry of list(source)) {
      if (this.#filesLeft === 0) return;
      const path = join(source, entry.name);
      if (done.includes(path) || path === this.#target) continue;
      if (entry.isDirectory()) this.add(path, done);
      else if (entry.isSymbolicLink()) this.#link(path);
      else if (entry.isFile()) this.#file(path);
    }
  }

  #file(path: string): void {
    const stats = readableStats(path);
    if (stats === undefined || stats.size > largestBytes || stats.size > this.#bytesLeft) return;
    const copy = this.#place(path);
    copyFileSync(path, copy); // keeps the mode
    // Half keep the old time, as unpacked archives do; half have the time of the copy, with its nanoseconds.
    if (this.#filesLeft % 2 === 0) utimesSync(copy, stats.atime, stats.mtime);
    this.#filesLeft -= 1;
    this.#bytesLeft -= stats.size;
  }

  #link(path: string): void {
    symlinkSync(readlinkSync(path), this.#place(path));
  }

  #place(path: string): string {
    const copy = join(this.#target, path);
    mkdirSync(dirname(copy), { recursive: true });
    return copy;
  }
}

/** Sorted, so that the same machine gives the same tree; a folder that cannot be read is empty. */
function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function readableStats(path: string): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  // Without a right to read for everyone the copy may fail here, and its mode would hinder the peers.
  return stats !== undefined && (stats.mode & 0o444) === 0o444 ? stats : undefined;
}
