import { randomFillSync } from 'node:crypto';

/** Randomness comes in through this. The real one is cryptographically strong. */
export interface Random {
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

/** A number in [0, 1) for jitter; 32 bits are plenty for that. */
export function randomUnit(random: Random): number {
  return new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
}
