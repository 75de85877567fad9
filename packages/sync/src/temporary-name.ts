import { toHex } from '@coffer/core';
import type { Random } from '@coffer/core';
import type { ByteName } from './byte-name.ts';

/**
 * Names for files that are not finished: `.coffer-<owner><number>.tmp`, never scanned, never sent. The owner is a sync job, which
 * runs once at a time: what it finds under its own names is left over from a run that was killed. Files are made exclusively,
 * so a name that somebody took beforehand is a failure and nothing worse.
 */
export class TemporaryNames {
  readonly owner: string;
  #number: number;

  /** Without an owner the names are nobody's. */
  constructor(random: Random, owner?: string) {
    const bytes = random.bytes(8);
    this.owner = (owner ?? toHex(bytes)).slice(0, ownerDigits);
    this.#number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4);
  }

  next(): ByteName {
    this.#number = (this.#number + 1) >>> 0;
    return `.coffer-${this.owner}${this.#number.toString(16).padStart(8, '0')}.tmp`;
  }

  owns(name: ByteName): boolean {
    return name.startsWith(`.coffer-${this.owner}`) && isTemporaryName(name);
  }
}

/** Eight hex digits: two jobs of one device hardly ever share them, and only those that sync one folder could notice. */
const ownerDigits = 8;

/** True for names that {@link TemporaryNames} makes. */
export function isTemporaryName(name: ByteName): boolean {
  return name.length === 28 && pattern.test(name);
}

const pattern = /^\.coffer-[0-9a-f]{16}\.tmp$/;
