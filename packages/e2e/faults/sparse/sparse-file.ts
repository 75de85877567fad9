import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdirSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SyncReport } from '@coffer/sync';
import { startVault } from '../../src/index.ts';
import { Seeded } from '../seeded.ts';
import { storedBytes } from '../stored-bytes.ts';

export interface SparseOptions {
  readonly seed: number;
  /** Length of the file; 1 MiB of it is data. */
  readonly bytes: number;
}

export interface SparseResult {
  readonly storedBytes: number;
  /** Room that the file takes where it came from, and where it was restored. */
  readonly sourceDiskBytes: number;
  readonly restoredDiskBytes: number;
  readonly upMs: number;
  readonly downMs: number;
}

const MiB = 1024 * 1024;
const pieces = 16;
const pieceBytes = MiB / pieces;

/** A file of almost nothing but holes goes up and comes down on another machine, equal. @throws AssertionError */
export async function syncSparseFile({ seed, bytes }: SparseOptions): Promise<SparseResult> {
  await using vault = await startVault();
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  mkdirSync(source);
  writeSparse(join(source, 'disk'), { bytes, seeded: new Seeded(seed) });
  const up = await vault.user.device.json<SyncReport>(['sync', source, '/sparse']);
  const laptop = await vault.device();
  const down = await laptop.json<SyncReport>(['sync', copy, '/sparse', '--mode', 'pull']);
  assertEqual(join(source, 'disk'), join(copy, 'disk'));
  return {
    storedBytes: storedBytes(vault),
    sourceDiskBytes: diskBytes(join(source, 'disk')),
    restoredDiskBytes: diskBytes(join(copy, 'disk')),
    upMs: up.elapsedMs,
    downMs: down.elapsedMs,
  };
}

function writeSparse(path: string, { bytes, seeded }: { readonly bytes: number; readonly seeded: Seeded }): void {
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  for (let piece = 0; piece < pieces; piece += 1)
    writeSync(file, seeded.bytes(pieceBytes), 0, pieceBytes, Math.floor(seeded.next() * (bytes - pieceBytes)));
  closeSync(file);
}

function diskBytes(path: string): number {
  return statSync(path).blocks * 512;
}

function assertEqual(left: string, right: string): void {
  assert.equal(statSync(right).size, statSync(left).size);
  const files = [openSync(left, 'r'), openSync(right, 'r')] as const;
  const buffers = [Buffer.alloc(4 * MiB), Buffer.alloc(4 * MiB)] as const;
  for (let at = 0, got = -1; got !== 0; at += got) {
    got = readSync(files[0], buffers[0], 0, buffers[0].byteLength, at);
    readSync(files[1], buffers[1], 0, buffers[1].byteLength, at);
    assert(buffers[0].subarray(0, got).equals(buffers[1].subarray(0, got)), `other bytes after ${at}`);
  }
  for (const file of files) closeSync(file);
}
