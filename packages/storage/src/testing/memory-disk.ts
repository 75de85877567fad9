import type { Random } from '@coffer/core';
import { dirname } from 'node:path';
import type { Disk, DiskFile, DiskSpace } from '../packs/disk.ts';
import type { DiskEvent } from './disk-event.ts';
import { applyEvent } from './disk-event.ts';
import { cutFile } from './power-cut.ts';

export interface MemoryDiskOptions {
  /** Bytes that fit in all; then writes fail with ENOSPC. */
  readonly totalBytes?: number;
}

/**
 * A {@link Disk} in memory that remembers everything that was done to it, so that any power cut can be played:
 * `disk.afterPowerCut(random, n)` is a disk as it may be found when the power went after the first n events.
 */
export class MemoryDisk implements Disk {
  readonly events: DiskEvent[] = [];
  /** Size of the whole disk; may be changed at any time. */
  totalBytes: number;
  /** Room that it tells of and that somebody else has taken by the time something is written. */
  takenBytes = 0;
  readonly #files = new Map<string, Uint8Array>();
  readonly #folders = new Set<string>();

  constructor({ totalBytes = Number.MAX_SAFE_INTEGER }: MemoryDiskOptions = {}) {
    this.totalBytes = totalBytes;
  }

  get usedBytes(): number {
    let bytes = 0;
    for (const content of this.#files.values()) bytes += content.byteLength;
    return bytes;
  }

  /** Paths of all files. */
  get files(): string[] {
    return [...this.#files.keys()];
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const exists = this.#files.has(path);
    if (mode === 'create' && exists) throw diskError('EEXIST', path);
    if (mode !== 'create' && !exists) throw diskError('ENOENT', path);
    if (mode === 'create') this.#apply({ type: 'create', path });
    return this.#file(path);
  }

  async makeFolder(path: string): Promise<boolean> {
    if (this.#folders.has(path)) return false;
    this.#apply({ type: 'makeFolder', path });
    return true;
  }

  async syncFolder(path: string): Promise<void> {
    this.events.push({ type: 'syncFolder', path });
  }

  async size(path: string): Promise<number> {
    return this.content(path).byteLength;
  }

  async list(path: string): Promise<readonly string[]> {
    const below = [...this.#folders, ...this.#files.keys()].filter((name) => dirname(name) === path);
    return below.map((name) => name.slice(path.length + 1));
  }

  async remove(path: string): Promise<void> {
    if (!this.#files.has(path)) throw diskError('ENOENT', path);
    this.#apply({ type: 'remove', path });
  }

  async space(): Promise<DiskSpace> {
    return { freeBytes: this.totalBytes - this.usedBytes + this.takenBytes, totalBytes: this.totalBytes };
  }

  /** Content of a file now. */
  content(path: string): Uint8Array {
    const content = this.#files.get(path);
    if (!content) throw diskError('ENOENT', path);
    return content;
  }

  /** Changes a file behind everybody's back. */
  setContent(path: string, content: Uint8Array): void {
    this.#files.set(path, content);
  }

  /**
   * A disk as it may be found after the power went when `count` events had happened: what was synced is there; of the
   * rest each write may be there, be missing, or be torn in the middle of a sector.
   */
  afterPowerCut(random: Random, count: number = this.events.length): MemoryDisk {
    const histories = new Map<string, DiskEvent[]>();
    const durableNames = new Set<string>();
    const removed = new Set<string>();
    for (const event of this.events.slice(0, count)) {
      if (event.type === 'syncFolder') {
        for (const [path, history] of histories) {
          if (dirname(path) !== event.path) continue;
          durableNames.add(path);
          if (history.at(-1)?.type === 'remove') removed.add(path);
        }
      }
      if (event.type !== 'syncFolder') histories.set(event.path, [...(histories.get(event.path) ?? []), event]);
    }
    const disk = new MemoryDisk({ totalBytes: this.totalBytes });
    for (const [path, history] of histories) {
      // Parents were made before what lies in them.
      const parent = dirname(path);
      const reachable = !histories.has(parent) || disk.#folders.has(parent);
      if (removed.has(path)) continue;
      if (reachable && (durableNames.has(path) || coin(random))) disk.#restore(path, history, random);
    }
    return disk;
  }

  #restore(path: string, history: readonly DiskEvent[], random: Random): void {
    if (history[0]?.type === 'makeFolder') this.#folders.add(path);
    else if (history.at(-1)?.type !== 'remove' || coin(random)) this.#files.set(path, cutFile(history, random));
  }

  #file(path: string): DiskFile {
    return {
      write: async (parts, position) => this.#write(path, parts, position),
      read: async (into, position) => {
        const part = this.content(path).subarray(position, position + into.byteLength);
        into.set(part);
        return part.byteLength;
      },
      sync: async () => {
        this.events.push({ type: 'sync', path });
      },
      truncate: async (bytes) => this.#apply({ type: 'truncate', path, bytes }),
      size: async () => this.content(path).byteLength,
      close: async () => undefined,
    };
  }

  #write(path: string, parts: readonly Uint8Array[], position: number): number {
    const bytes = Buffer.concat(parts);
    const grown = Math.max(0, position + bytes.byteLength - this.content(path).byteLength);
    const free = this.totalBytes - this.usedBytes;
    if (grown <= free) {
      this.#apply({ type: 'write', path, position, bytes });
      return bytes.byteLength;
    }
    const fitting = bytes.byteLength - grown + Math.max(0, free);
    if (fitting <= 0) throw diskError('ENOSPC', path);
    this.#apply({ type: 'write', path, position, bytes: bytes.subarray(0, fitting) });
    return fitting;
  }

  #apply(event: DiskEvent): void {
    this.events.push(event);
    if (event.type === 'makeFolder') this.#folders.add(event.path);
    else if (event.type === 'remove') this.#files.delete(event.path);
    else this.#files.set(event.path, applyEvent(this.#files.get(event.path) ?? new Uint8Array(0), event));
  }
}

/** An error as `node:fs` makes it. */
export function diskError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}

function coin(random: Random): boolean {
  return ((random.bytes(1)[0] ?? 0) & 1) === 1;
}
