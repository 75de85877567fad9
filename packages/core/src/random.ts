import { randomFillSync } from 'node:crypto';

/** Randomness comes in through this. The real one is cryptographically strong. */
export interface Random {
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  bytes: (length) => (length > pooledBytes ? randomFillSync(new Uint8Array(length)) : takeFromPool(length)),
};

/** Up to this length bytes come from the pool: ids, nonces, keys. */
const pooledBytes = 64;

/** A call of the generator takes 5 µs however little is asked; a file needs two or three nonces and ids. */
const pool = new Uint8Array(4096);
let poolUsed = pool.byteLength;

/** What is given out is wiped, so that it exists once. */
function takeFromPool(length: number): Uint8Array {
  if (poolUsed + length > pool.byteLength) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  const taken = pool.slice(poolUsed, poolUsed + length);
  pool.fill(0, poolUsed, poolUsed + length);
  poolUsed += length;
  return taken;
}

/** A number in [0, 1) for jitter; 32 bits are plenty for that. */
export function randomUnit(random: Random): number {
  return new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
}
