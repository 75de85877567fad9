import type * as nodeFfi from 'node:ffi';
import { futimesSync, lutimesSync } from 'node:fs';
import type { Timestamp } from '@coffer/core';

/** Sets modification times; the access time stays where the system lets it. */
export interface FileTimes {
  /** True when nanoseconds arrive as they are; else they are off by up to half a microsecond. */
  readonly exact: boolean;
  /** Of an open file or directory. */
  setOpen(fd: number, mtime: Timestamp): void;
  /** Of a symlink itself. */
  setLink(link: LinkPlace, mtime: Timestamp): void;
}

/** Where a symlink is: `path` as `node:fs` takes it, and the same as the bytes of a name (as latin1) in an open directory. */
interface LinkPlace {
  readonly path: string | Buffer;
  readonly directory: number;
  readonly name: string;
}

/**
 * The best this system offers. `node:fs` takes seconds as a double, which has steps of 238 ns in this century; so where
 * `node:ffi` is there (Node ≥ 26.1 on 64-bit Linux and macOS) `futimens` and `utimensat` are called directly. See
 * `docs/adr/0004-nanosecond-times.md`.
 */
export function createFileTimes(): FileTimes {
  const system = openSystemCalls();
  return system === undefined ? doubles : exactTimes(system);
}

/** Times as `node:fs` can set them. */
export const doubles: FileTimes = {
  exact: false,
  setOpen: (fd, mtime) => futimesSync(fd, seconds(mtime), seconds(mtime)),
  setLink: ({ path }, mtime) => lutimesSync(path, seconds(mtime), seconds(mtime)),
};

interface SystemCalls {
  readonly futimens: (fd: number, times: Uint8Array) => number;
  readonly utimensat: (directory: number, name: Uint8Array, times: Uint8Array, flags: number) => number;
  readonly constants: { readonly omit: bigint; readonly noFollow: number };
}

/** `UTIME_OMIT` and `AT_SYMLINK_NOFOLLOW` of <sys/stat.h> and <fcntl.h>. */
const constantsOf: Readonly<Record<string, SystemCalls['constants']>> = {
  linux: { omit: (1n << 30n) - 2n, noFollow: 0x100 },
  darwin: { omit: -2n, noFollow: 0x20 },
};

/** Where `struct timespec` is two signed 64-bit integers. */
const wideArchitectures: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x'];

function openSystemCalls(): SystemCalls | undefined {
  const constants = constantsOf[process.platform];
  if (constants === undefined || !wideArchitectures.includes(process.arch)) return undefined;
  const ffi = loadFfi();
  if (ffi === undefined) return undefined;
  try {
    const { functions } = ffi.dlopen(null, {
      futimens: { arguments: ['i32', 'buffer'], return: 'i32' },
      utimensat: { arguments: ['i32', 'buffer', 'buffer', 'i32'], return: 'i32' },
    });
    return { futimens: functions.futimens, utimensat: functions.utimensat, constants };
  } catch {
    return undefined;
  }
}

/** Loading the module prints a warning that it is experimental, once per process; people at a terminal need not see it. */
function loadFfi(): typeof nodeFfi | undefined {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:ffi');
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function exactTimes({ futimens, utimensat, constants }: SystemCalls): FileTimes {
  const times = new BigInt64Array(4);
  const bytes = new Uint8Array(times.buffer);
  times[1] = constants.omit;
  const set = ([whole, nanoseconds]: Timestamp): void => {
    times[2] = BigInt(whole);
    times[3] = BigInt(nanoseconds);
  };
  return {
    exact: true,
    // What the call refuses is tried once more through node:fs, which says why.
    setOpen: (fd, mtime) => {
      set(mtime);
      if (futimens(fd, bytes) !== 0) doubles.setOpen(fd, mtime);
    },
    setLink: (link, mtime) => {
      set(mtime);
      const name = Buffer.from(`${link.name}\0`, 'latin1');
      if (utimensat(link.directory, name, bytes, constants.noFollow) !== 0) doubles.setLink(link, mtime);
    },
  };
}

function seconds([whole, nanoseconds]: Timestamp): number {
  return whole + nanoseconds / 1e9;
}
