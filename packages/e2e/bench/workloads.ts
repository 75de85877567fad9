import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { countTree, makeTree } from '../src/index.ts';
import type { TreeFacts } from '../src/index.ts';

export type WorkloadName = 'file' | 'tree';

/** A folder to be saved, and the small change that is made to it. */
export interface Workload {
  readonly name: WorkloadName;
  readonly title: string;
  readonly source: string;
  readonly facts: TreeFacts;
  /** The one file of `file`; in a tree the file that is edited. */
  readonly edited: string;
}

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
/** What BARS calls "16 bytes inserted in the middle". */
const insertedBytes = 16;

/** Lays the folder of a workload down in `folder`, `scale` times its full size. */
export function makeWorkload(name: WorkloadName, { folder, scale }: { folder: string; scale: number }): Workload {
  const source = join(folder, `source-${name}`);
  mkdirSync(source);
  return name === 'file' ? makeFile(source, Math.round(GiB * scale)) : makeRealTree(source, scale);
}

/** Inserts 16 new bytes in the middle of the workload's file, as an editor that writes a new file and renames it does. */
export function edit({ edited }: Workload): void {
  const before = openSync(edited, 'r');
  const after = openSync(`${edited}.new`, 'w');
  const { size } = statSync(edited);
  const middle = Math.floor(size / 2);
  copyRange({ from: before, to: after, start: 0, end: middle });
  writeSync(after, randomFillSync(Buffer.alloc(insertedBytes)));
  copyRange({ from: before, to: after, start: middle, end: size });
  closeSync(before);
  closeSync(after);
  renameSync(`${edited}.new`, edited);
}

function makeFile(source: string, bytes: number): Workload {
  const path = join(source, 'large.bin');
  const file = openSync(path, 'w');
  const piece = Buffer.allocUnsafe(MiB);
  for (let written = 0; written < bytes; written += piece.length) {
    writeSync(file, randomFillSync(piece).subarray(0, bytes - written));
  }
  closeSync(file);
  const title = `one incompressible file of ${describeBytes(bytes)}`;
  return { name: 'file', title, source, facts: countTree(source), edited: path };
}

function makeRealTree(source: string, scale: number): Workload {
  const wanted = Math.round(17_000 * scale);
  const facts = makeTree({ target: source, files: wanted, bytes: Math.round(300 * MiB * Math.max(scale, 0.02)) });
  const title = `${facts.files} real small files, ${describeBytes(facts.bytes)}, ${facts.links} links`;
  return { name: 'tree', title, source, facts, edited: firstOfUsualSize(source) };
}

/** The first file, in a fixed order, that is neither tiny nor large. */
function firstOfUsualSize(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const usual = paths.toSorted().find((path) => {
    const { size } = statSync(path);
    return size > 8 * 1024 && size < 64 * 1024;
  });
  if (usual === undefined) throw new Error('the tree holds no file of 8 to 64 KiB to edit');
  return usual;
}

function copyRange({ from, to, start, end }: { from: number; to: number; start: number; end: number }): void {
  const piece = Buffer.allocUnsafe(MiB);
  for (let at = start; at < end;) {
    const read = readSync(from, piece, 0, Math.min(piece.length, end - at), at);
    writeSync(to, piece, 0, read);
    at += read;
  }
}

function describeBytes(bytes: number): string {
  return bytes >= GiB ? `${(bytes / GiB).toFixed(2)} GiB` : `${Math.round(bytes / MiB)} MiB`;
}
