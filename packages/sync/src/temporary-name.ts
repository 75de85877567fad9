import type { Random } from '@coffer/core';
import type { ByteName } from './byte-name.ts';

/**
 * Names for files that are not finished: never scanned, never sent. Each run begins at a random number, and the files are
 * made exclusively, so a name that somebody took beforehand is a failure and nothing worse.
 */
export class TemporaryNames {
  #number: bigint;

  constructor(random: Random) {
    const bytes = random.bytes(8);
    this.#number = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  }

  next(): ByteName {
    this.#number = BigInt.asUintN(64, this.#number + 1n);
    return `.coffer-${this.#number.toString(16).padStart(16, '0')}.tmp`;
  }
}

/** True for names that {@link TemporaryNames} makes. */
export function isTemporaryName(name: ByteName): boolean {
  return name.length === 28 && pattern.test(name);
}

const pattern = /^\.coffer-[0-9a-f]{16}\.tmp$/;
