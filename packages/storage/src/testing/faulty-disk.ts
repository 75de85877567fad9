import type { Disk, DiskFile } from '../packs/disk.ts';
import { diskError } from './memory-disk.ts';

/** A call of a disk that changes something. */
export type DiskCall = 'write' | 'sync' | 'truncate' | 'create' | 'makeFolder' | 'syncFolder' | 'remove' | 'read';

export interface DiskFault {
  /** Which calls count. */
  readonly calls: readonly DiskCall[];
  /** The how-manieth of them fails, from 1 on. */
  readonly at: number;
  /**
   * `EIO`, `ENOSPC`: it fails and does nothing. `short`: a write takes only part of the bytes and succeeds.
   * `torn`: a write takes part of the bytes and fails with EIO. `ignored`: it does nothing and succeeds.
   */
  readonly kind: 'EIO' | 'ENOSPC' | 'short' | 'torn' | 'ignored';
  /** How many calls in a row fail; by default one. */
  readonly times?: number;
}

/** Any {@link Disk}, with faults. */
export class FaultyDisk implements Disk {
  readonly #disk: Disk;
  readonly #fault: DiskFault;
  #count = 0;

  constructor(disk: Disk, fault: DiskFault) {
    this.#disk = disk;
    this.#fault = fault;
  }

  /** How many of the counted calls there were. */
  get count(): number {
    return this.#count;
  }

  /** True once a fault was injected. */
  get hit(): boolean {
    return this.#count >= this.#fault.at;
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    if (mode === 'create' && this.#strikes('create')) throw this.#error(path);
    return this.#file(path, await this.#disk.open(path, mode));
  }

  async makeFolder(path: string): Promise<boolean> {
    if (this.#strikes('makeFolder')) throw this.#error(path);
    return this.#disk.makeFolder(path);
  }

  async syncFolder(path: string): Promise<void> {
    await this.#run('syncFolder', path, () => this.#disk.syncFolder(path));
  }

  size(path: string): Promise<number> {
    return this.#disk.size(path);
  }

  list(path: string): Promise<readonly string[]> {
    return this.#disk.list(path);
  }

  async remove(path: string): Promise<void> {
    await this.#run('remove', path, () => this.#disk.remove(path));
  }

  space(path: string): ReturnType<Disk['space']> {
    return this.#disk.space(path);
  }

  #file(path: string, file: DiskFile): DiskFile {
    return {
      write: (parts, position) => this.#write(path, { file, parts, position }),
      read: (into, position) => {
        if (this.#strikes('read')) return Promise.reject(this.#error(path));
        return file.read(into, position);
      },
      sync: () => this.#run('sync', path, () => file.sync()),
      truncate: (bytes) => this.#run('truncate', path, () => file.truncate(bytes)),
      size: () => file.size(),
      close: () => file.close(),
    };
  }

  async #write(
    path: string,
    { file, parts, position }: { file: DiskFile; parts: readonly Uint8Array[]; position: number },
  ): Promise<number> {
    if (!this.#strikes('write')) return file.write(parts, position);
    const bytes = Buffer.concat(parts);
    const { kind } = this.#fault;
    if (kind === 'ignored') return bytes.byteLength;
    if (kind !== 'short' && kind !== 'torn') throw this.#error(path);
    const some = await file.write([bytes.subarray(0, Math.max(1, bytes.byteLength >> 1))], position);
    if (kind === 'short') return some;
    throw this.#error(path);
  }

  async #run(call: DiskCall, path: string, work: () => Promise<void>): Promise<void> {
    if (!this.#strikes(call)) return work();
    if (this.#fault.kind !== 'ignored') throw this.#error(path);
  }

  #strikes(call: DiskCall): boolean {
    if (!this.#fault.calls.includes(call)) return false;
    this.#count += 1;
    return this.#count >= this.#fault.at && this.#count < this.#fault.at + (this.#fault.times ?? 1);
  }

  #error(path: string): Error {
    return diskError(this.#fault.kind === 'ENOSPC' ? 'ENOSPC' : 'EIO', path);
  }
}
