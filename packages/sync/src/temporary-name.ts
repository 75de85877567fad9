import { toHex } from '@coffer/core';
import type { Random } from '@coffer/core';
import type { ByteName } from './byte-name.ts';

/** A name for a file that is not finished. Never scanned, never sent; 64 random bits, so nobody can sit on it beforehand. */
export function temporaryName(random: Random): ByteName {
  return `.coffer-${toHex(random.bytes(8))}.tmp`;
}

/** True for names that {@link temporaryName} makes. */
export function isTemporaryName(name: ByteName): boolean {
  return name.length === 28 && pattern.test(name);
}

const pattern = /^\.coffer-[0-9a-f]{16}\.tmp$/;
